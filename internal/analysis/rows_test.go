package analysis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/script"
)

// extentNames are the words of the golden file.
var extentNames = map[analysis.Extent]string{analysis.Few: "few", analysis.Some: "some", analysis.Whole: "all"}

// TestRows holds how many rows each statement of testdata/rows.txt writes and reads, and what the release has done to the rows of each table after it. A
// line is a statement, or what a program does. With -update it writes the answers.
func TestRows(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, b := range readBlocks(t, "rows.txt") {
		fmt.Fprintf(&got, "%s\n", b.title)
		r := release{deployed: b.deployed, now: b.deployed, rows: analysis.NewRows()}
		for _, line := range b.lines {
			fmt.Fprintf(&got, "%s\n", line)
			r.followLine(t, &got, line)
		}
		got.WriteString("\n")
	}
	compareFound(t, "rows.txt", got.String())
}

// release is what a release has done so far.
type release struct {
	deployed, now *catalog.Catalog
	rows          *analysis.Rows
	state         string
}

// followLine runs a line: "conditional: SQL", "program t", "program few t", "program", "end of program", "empty t", "put t", or SQL.
func (r *release) followLine(t *testing.T, out *strings.Builder, line string) {
	t.Helper()
	verb, name, _ := strings.Cut(line, " ")
	oid := func() catalog.OID { return r.now.Lookup("public", name).OID }
	switch {
	case strings.HasPrefix(line, "#"):
		return
	case line == "program":
		r.rows.StartProgram()
	case line == "end of program":
		r.rows.EndProgram()
	case verb == "program":
		name, few := strings.CutPrefix(name, "few ")
		r.rows.RecordProgramWork(r.now.Lookup("public", name).OID, few)
	case verb == "empty":
		r.rows.RecordEmpty(oid())
	case verb == "put":
		r.rows.RecordPut(analysis.RowPut{Table: oid(), Rows: analysis.Some})
	default:
		sql, conditional := strings.CutPrefix(line, "conditional: ")
		r.followStatement(out, &script.Statement{Node: parse(t, sql)[0], SQL: sql, Conditional: conditional})
	}
	if state := r.describe(); state != r.state {
		fmt.Fprintf(out, "%s", state)
		r.state = state
	}
}

// followStatement writes what a statement writes and reads, and records it as the engine of the rules does.
func (r *release) followStatement(out *strings.Builder, s *script.Statement) {
	moment := analysis.Moment{Deployed: r.deployed, Before: r.now, Now: r.now}
	list := r.rows.ListWrites(s.Node, moment)
	for i := range list {
		w := &list[i]
		fmt.Fprintf(out, "  %s %s: %s%s\n", w.Verb, w.Table.Name, extentNames[w.Extent], map[bool]string{true: ", a batch"}[w.Batch])
		if w.IsBounded(&script.Statement{}) != (w.Extent == analysis.Few) || w.IsBounded(&script.Statement{Loop: true}) != (w.Extent == analysis.Few && !w.Batch) {
			fmt.Fprintf(out, "    bounded: %v, in a loop %v\n", w.IsBounded(&script.Statement{}), w.IsBounded(&script.Statement{Loop: true}))
		}
		if w.Verb == "INSERT" {
			r.rows.RecordPut(analysis.RowPut{Table: w.Table.OID, Rows: w.Extent})
		}
		r.rows.RecordWritten(w)
	}
	pgparse.Walk(s.Node, func(msg any) bool {
		if q, ok := msg.(*pgparse.SelectStmt); ok {
			fmt.Fprintf(out, "  SELECT: %s\n", extentNames[r.rows.EstimateRead(s.Node, q, moment)])
		}
		return true
	})
	r.rows.RecordUpdated(s.Node, r.now)
	r.rows.RecordCleared(s, r.now)
	before := r.now
	r.now, _ = before.Apply(s.Node, s.SQL)
	r.rows.RecordAdded(catalog.Diff(before, r.now))
}

// describe writes what is known of the rows of each table.
func (r *release) describe() string {
	var out strings.Builder
	r.now.EachRelation(func(table *catalog.Relation) bool {
		var words []string
		for word, holds := range map[string]bool{
			"cleared": r.rows.WasCleared(table.OID), "empty": r.rows.IsNearlyEmpty(table.OID), "filled": r.rows.HasManyPutRows(table.OID),
			"has rows": r.rows.HasRows(table.OID),
		} {
			if holds {
				words = append(words, word)
			}
		}
		slices.Sort(words)
		for _, c := range table.Columns {
			if r.rows.WasUpdated(table, c) {
				words = append(words, c.Name+" updated")
			}
			if value, known := r.rows.AddedValue(table.OID, c.Attnum); known {
				words = append(words, c.Name+" = "+describeAdded(value))
			}
		}
		if len(words) > 0 {
			fmt.Fprintf(&out, "    %s: %s\n", table.Name, strings.Join(words, ", "))
		}
		return true
	})
	return out.String()
}

func describeAdded(value analysis.AddedValue) string {
	if value.Same {
		return "one value"
	}
	if value.Constant == nil {
		return "NULL"
	}
	literal, _ := predicate.LiteralValue(pgparse.StripCasts(value.Constant))
	if literal.Number != nil {
		return literal.Number.RatString()
	}
	return literal.Text
}
