package queries

import (
	"bytes"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
)

// callees are the functions of query builders and mappers whose argument is a table's
// name, and what they do with the table.
var callees = indexCallees(map[facts.How]string{
	facts.Reads:     `from table join innerjoin leftjoin rightjoin fulljoin selectfrom knex db trx tx leftouterjoin crossjoin select_from`,
	facts.Inserts:   `insert insertinto into batchinsert replace replaceinto insert_into`,
	facts.Updates:   `update updatetable`,
	facts.Deletes:   `delete deletefrom del delete_from`,
	facts.Truncates: `truncate`,
	facts.Copies:    `copy_from copyfrom copyin identifier`,
	facts.Exports:   `copy_to`,
})

func indexCallees(words map[facts.How]string) map[string]facts.How {
	out := map[string]facts.How{}
	for access, list := range words {
		for w := range strings.FieldsSeq(list) {
			out[w] = access
		}
	}
	return out
}

// RecordMapperCall records a string that is a table's name in a mapper's call.
func RecordMapperCall(r *source.File, l lexer.String) {
	before := r.Text[max(0, l.Open-64):l.Open]
	before = bytes.TrimRight(before, " \t\r\n")
	if open := bytes.LastIndexByte(before, '('); open >= 0 && isSingleArgument(before[open+1:]) {
		if callee, _ := source.LastWord(before[:open]); callee == "copy_from" || callee == "copy_to" {
			before = before[:open+1] // psycopg: copy_from(file, "users")
		}
	}
	if len(before) == 0 || before[len(before)-1] != '(' && before[len(before)-1] != '{' && before[len(before)-1] != '[' && before[len(before)-1] != ' ' {
		if callee, ok := source.LastWord(before); !ok || callee != "in" || r.Language != lexer.Elixir {
			return // from(u in "users")
		}
	}
	for len(before) > 0 && strings.IndexByte("([{", before[len(before)-1]) >= 0 {
		before = bytes.TrimRight(before[:len(before)-1], " \t\r\n")
	}
	if n := bytes.LastIndexByte(before, '<'); n >= 0 && bytes.HasSuffix(before, []byte(">")) {
		before = before[:n] // knex<User>(
	}
	callee, _ := source.LastWord(before)
	head := before[:len(before)-len(callee)]
	if callee == "in" {
		callee = "from"
	}
	if callee == "Table" && path.Ext(r.Path) == ".py" {
		return // a declaration, which package python reads
	}
	if callee == "table" && r.DeclaresSchemas() {
		return // package javascript reads it, with its schema
	}
	access, known := callees[strings.ToLower(callee)]
	name := string(r.Text[l.From:l.To])
	if !known || lexer.NameLength([]byte(strings.ReplaceAll(name, ".", "_"))) < len(strings.Fields(name + " ")[0]) {
		return
	}
	if chainBegins[strings.ToLower(callee)] {
		access = findChainWrite(r, head, l.End)
	}
	c := facts.Call{Table: strings.Fields(name)[0], Line: r.LineAt(l.From), How: access}
	source.RecordNames(&c, r, r.FindCallStart(l.Open), l.Open)
	source.RecordNames(&c, r, l.End, r.FindCallEnd(l.End))
	r.Facts.Calls = append(r.Facts.Calls, c)
}

// isSingleArgument reports whether a text is one argument, and its comma.
func isSingleArgument(text []byte) bool {
	arg, comma := bytes.CutSuffix(text, []byte(","))
	return comma && !bytes.ContainsAny(arg, "(),;\"'`")
}
