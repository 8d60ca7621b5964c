package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// reportLostValues tells the columns of both tables that no statement gives values in
// the new one.
func reportLostValues(p *rule.Pass, r *rule.Release, x swap, fillings []filling, tableFillings []int) {
	if x.old.Inferred || x.old.Partial || x.now.Inferred || x.now.Partial {
		return
	}
	var first *rule.Stmt
	filled := map[string]bool{}
	for _, i := range tableFillings {
		f := &fillings[i]
		switch {
		case f.columns == nil:
			return
		case first == nil && containsTable(f.reads, x.old):
			first = f.by
		}
		for _, name := range f.columns {
			filled[name] = true
		}
	}
	var lost []string
	for _, c := range x.old.Columns {
		// A column of another type counts as a different column.
		if now := x.now.Column(c.Name); now != nil && !filled[c.Name] && now.Type.IsSame(c.Type) && now.Generated == "" && c.Generated == "" &&
			!analysis.IsSetByTrigger(r.Head, x.now, c.Name) {
			lost = append(lost, c.Name)
		}
	}
	if first == nil || len(lost) == 0 {
		return
	}
	columns, pronoun := "column "+lost[0], "it"
	if len(lost) > 1 {
		columns, pronoun = "columns "+prose.EnumerateNames(lost), "them"
	}
	f := rule.Report{
		Fact:     "a new table takes the name of " + x.now.Name.String() + ", and " + first.FormatPlace() + " copies the rows without " + columns,
		Harm:     "both tables have " + pronoun + ": what the rows held there is lost",
		Instead:  "copy " + pronoun + " too: name " + prose.EnumerateNames(lost) + " in the INSERT and in its SELECT",
		Evidence: []onward.Evidence{first.NewEvidence("copies the rows of " + x.old.Name.String())},
	}
	if !x.dropped {
		f.Harm, f.Severity = "both tables have "+pronoun+": what the rows held there stays in "+findFinalName(r.Head,
			x.old)+", where the code does not look", onward.Warning
	}
	p.Report(x.by, f)
}

// listWrittenColumns returns the columns that a statement gives values in a table; nil for all.
func listWrittenColumns(p *rule.Pass, s *rule.Stmt, table catalog.OID) []string {
	var names []string
	for _, w := range p.ListWrites(s) {
		if w.Table.OID != table {
			continue
		}
		var list []*pgparse.Node
		switch x := w.Node.(type) {
		case *pgparse.InsertStmt:
			list = x.Cols
		case *pgparse.UpdateStmt:
			list = x.TargetList
		}
		if len(list) == 0 {
			return nil
		}
		for _, n := range list {
			names = append(names, n.GetResTarget().GetName())
		}
	}
	return names
}
