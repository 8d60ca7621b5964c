package release

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// UseLost flags a table, view, column or function that is gone after a transaction, that a query of the deployed code names, and of
// which no other rule says so. It runs last, so that a form without a rule costs a good text, and not the verdict.
// https://www.postgresql.org/docs/current/ddl-depend.html
var UseLost = &rule.Rule{
	ID:       "release-use-lost",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "the deployed code uses something that is gone after the migration, by a form that no other rule explains",
	Harm: "The object goes together with another one: its schema, its type, its extension, the table that it inherits from. " +
		"Queries of the deployed code that name it fail until the new code has replaced it everywhere.",
	Instead: "Remove it from the code in one release, and drop it in a later one, when no old code runs any more.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-depend.html"},
	Last:    true,
	Gather:  gatherLostUses,
	Release: reportLostUses,
}

// lostUse is something that is gone after a transaction, and that the deployed code uses.
type lostUse struct {
	by     *rule.Stmt
	object string
	table  catalog.Name
	column string // "" for the relation itself
	analysis.Usage
}

func gatherLostUses(p *rule.Pass, m *rule.Migration) {
	for t, d := range m.EachChange() {
		if d.By == nil || !p.IsDeployed(d) {
			continue
		}
		name := p.DeployedName(d)
		lost := lostUse{by: d.By, table: name}
		switch now := t.After.Lookup(name.Schema, name.Name); {
		case name.Schema == onward.PlanRoom:
			continue
		case d.Kind == catalog.RelationDropped && now == nil:
			lost.object, lost.Usage = d.Before.Kind.String()+" "+name.String(), p.UsesTable(d)
		case d.Kind == catalog.ColumnDropped && now != nil && now.Column(d.Old.Name) == nil && !p.NewColumn(d, d.Old):
			lost.object, lost.column, lost.Usage = "column "+d.Old.Name+" of "+name.String(), d.Old.Name, p.UsesColumn(d, d.Old)
		}
		if lost.Used {
			p.KeepValue(lost)
		}
	}
}

func reportLostUses(p *rule.Pass, r *rule.Release) {
	for _, x := range rule.KeptValues[lostUse](p) {
		names := []string{x.table.Name}
		now := r.Head.Lookup(x.table.Schema, x.table.Name)
		if x.column != "" {
			names = append(names, x.column)
		}
		if now != nil && (x.column == "" || now.Column(x.column) != nil) || p.IsLossClaimed(x.by, names...) {
			continue
		}
		p.Report(x.by, rule.Report{
			Fact:     x.object + " is gone after the statement, and the deployed code uses it",
			Harm:     x.DescribeBreak("it"),
			Instead:  x.FixBeforeDrop("it"),
			Evidence: x.AllEvidence(),
		})
	}
}
