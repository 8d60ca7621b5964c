package ruletest

import (
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/onward"
)

// codeFile has the code that a header says uses something. A finding there is expected in the first line of an example.
const codeFile = "app/models.go"

// questionKey is how a header says what a question is about.
func questionKey(q analysis.Question) string {
	out := q.Name.String()
	if q.Column != "" {
		out += "." + q.Column
	}
	switch q.Kind {
	case analysis.AskAllColumns:
		return "*." + catalog.Name{Name: q.Name.Name}.String() + strings.TrimPrefix(out, q.Name.String())
	case analysis.AskNull:
		return "null." + out
	case analysis.AskAdded:
		return "adds." + out
	case analysis.AskAmbiguous:
		return "ambiguous." + out
	case analysis.AskSoftDelete:
		return "marks." + out
	case analysis.AskLabel:
		return q.Old
	case analysis.AskValue:
		return "=." + out + "=" + q.Old + "=" + q.Now
	case analysis.AskSetting:
		return "setting." + q.Name.Name
	case analysis.AskUpserts, analysis.AskUpsert, analysis.AskCompared:
		return "(" + strconv.Itoa(int(q.Kind)) + ")" // no header says
	}
	return out
}

func (f *Fixture) newUsageLookup() func(analysis.Question) analysis.Usage {
	return func(q analysis.Question) analysis.Usage {
		table, column, key := q.Name, q.Column, questionKey(q)
		used, known := f.Uses[key]
		u := analysis.Usage{Known: known, Used: used}
		u.Sure, u.Defaulted, u.GivesValue = f.Defaulted[key] || f.Given[key], f.Defaulted[key], f.Given[key]
		if used {
			u.Evidence = []onward.Evidence{{Kind: "code", Path: codeFile, Line: 7, Text: "SELECT … FROM " + table.String()}}
			if q.Kind == analysis.AskAllColumns {
				u.AllColumnsUses = []analysis.AllColumnsUse{{Kind: analysis.SelectStar, Evidence: u.Evidence[0]}}
			}
			u.Count = 1
			if q.Kind == analysis.AskAdded {
				u.Read = u.Evidence
			}
			if q.Kind == analysis.AskSoftDelete {
				u.Read, u.Written = u.Evidence, u.Evidence
			}
			if q.Kind == analysis.AskNull {
				u.FailsAtNull = []onward.Evidence{{Kind: "code", Path: "app/models.go", Line: 7, Text: "Email string"}}
				u.WritesNull = []onward.Evidence{{Kind: "code", Path: "app/models.go", Line: 9, Text: "Email *string"}}
			}
			if column != "" {
				u.Evidence[0].Text = key // which does not say whether it reads or writes
			}
		}
		for i, line := range f.Code[key] {
			u.Known, u.Used = true, true
			evidence := onward.Evidence{Kind: "code", Path: "app/queries.go", Line: 12 + i, Text: line}
			u.Evidence = append(u.Evidence, evidence)
			u.Writes = append(u.Writes, parseWrites(table, line, evidence)...)
		}
		if column == "" {
			for _, columns := range f.Inserts[key] {
				u.Known, u.Used = true, true
				evidence := onward.Evidence{Kind: "code", Path: "app/store.go", Line: 31, Text: "INSERT INTO " + key + " …"}
				u.Inserts = append(u.Inserts, analysis.Insert{Columns: columns, Evidence: evidence})
				w := analysis.Written{How: facts.Inserts, Evidence: evidence}
				for _, c := range columns {
					w.Columns = append(w.Columns, facts.Given{Column: c})
				}
				u.Writes = append(u.Writes, w)
			}
		}
		return u
	}
}

// parseWrites returns the writes to a table in a line of code, which is SQL or contains SQL.
func parseWrites(table catalog.Name, line string, evidence onward.Evidence) []analysis.Written {
	var files []index.File
	for _, name := range []string{"q.sql", "q.go", "q.py"} {
		files = append(files, index.File{Path: name, Facts: read.Read(name, []byte(line))})
	}
	b := &index.Bound{Index: index.NewIndex(files)}
	var out []analysis.Written
	for _, w := range b.Writes(table) {
		out = append(out, analysis.Written{How: w.How, Columns: w.Columns, Evidence: evidence})
	}
	return out
}
