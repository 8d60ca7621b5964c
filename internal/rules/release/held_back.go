package release

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// HeldBack flags a migration that its tool holds back until the deploy is over.
// https://www.postgresql.org/docs/current/ddl-alter.html
var HeldBack = &rule.Rule{
	ID:       "release-held-back",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a migration that waits for the end of the deploy makes what the new code needs, or drops something",
	Harm: "Between the start of the new code and the end of the deploy the new code runs on the schema without the migration. " +
		"A column or a table that the migration adds does not exist yet, so that every query of the model fails. " +
		"A column that it drops is still there: if it is NOT NULL without a default, every INSERT of the new code leaves it out and fails.",
	Instead: "Run what adds before the deploy. Let a column be null before the deploy, and hold back its drop only.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-alter.html"},
	Gather:  gatherHeldBack,
	Release: checkHeldBack,
}

// heldChange is a change that waits for the end of the deploy.
type heldChange struct {
	by    *rule.Stmt
	table *catalog.Relation
	// column is nil for the whole table; added tells what is made from what goes.
	column *catalog.Column
	added  bool
	// required: the column takes no INSERT without it before the change.
	required bool
}

func gatherHeldBack(p *rule.Pass, m *rule.Migration) {
	if !m.Runner.AfterDeploy {
		return
	}
	for t, d := range m.EachChange() {
		if d.By == nil {
			continue
		}
		switch d.Kind {
		case catalog.RelationCreated:
			p.KeepValue(heldChange{by: d.By, table: d.After, added: true})
		case catalog.ColumnAdded:
			p.KeepValue(heldChange{by: d.By, table: d.After, column: d.New, added: true})
		case catalog.RelationDropped:
			p.KeepValue(heldChange{by: d.By, table: d.Before})
		case catalog.ColumnDropped:
			required := d.Old.IsRequired() && !hasDomainType(t.Before, d.Old) && !hasBeforeInsertTrigger(d.Before)
			p.KeepValue(heldChange{by: d.By, table: d.Before, column: d.Old, required: required})
		}
	}
}

func checkHeldBack(p *rule.Pass, r *rule.Release) {
	needs, leaves := listMappedColumns(r, history.Mapped), listMappedColumns(r, history.Unmapped)
	for _, h := range rule.KeptValues[heldChange](p) {
		if !h.table.Kind.IsTable() || h.table.Inferred && h.added {
			continue
		}
		tool := cmp.Or(h.by.Migration.Runner.HeldBy, "its tool")
		object := "table " + h.table.Name.String()
		if h.column != nil {
			object = "column " + h.column.Name + " of " + h.table.Name.String()
		}
		name := ""
		if h.column != nil {
			name = h.column.Name
		}
		report := rule.Report{Fact: object + " is dropped by a migration that " + tool + " holds back until the deploy is over"}
		switch {
		case h.added && !needs[mappedName{h.table.Name.Name, name}]:
			continue // nothing of the new code is seen to need it
		case h.added:
			report.Fact = object + " is added by a migration that " + tool + " holds back until the deploy is over"
			report.Harm = "the new code runs without it until then: every query of its model fails: " + missingError(&h)
			report.Instead = "run the migration before the deploy: what only adds breaks no deployed code"
		case h.required && leaves[mappedName{h.table.Name.Name, name}]:
			report.Harm = "until then it is NOT NULL without a default, and every INSERT of the new code leaves it out and fails: null value in column \"" + name +
				"\" violates not-null constraint"
			report.Instead = "let it be null in a migration that runs before the deploy, and hold back the drop only"
		default:
			report.Severity = onward.Info
			report.Harm = "no deployed code breaks; until somebody runs " + tool + " again after the deploy, it stays"
			report.Instead = "see that the pipeline runs " + tool + " once more when no old code is left"
		}
		p.Report(h.by, report)
	}
}

// missingError is what the server says of something that is not there yet.
func missingError(h *heldChange) string {
	if h.column == nil {
		return "relation \"" + h.table.Name.Name + "\" does not exist"
	}
	return "column \"" + h.column.Name + "\" does not exist"
}

// mappedName is a table and a column of a model; column "" for the table itself.
type mappedName struct{ table, column string }

// listMappedColumns returns the columns of one kind of change to the models, and their tables.
func listMappedColumns(r *rule.Release, kind history.Kind) map[mappedName]bool {
	out := map[mappedName]bool{}
	for _, h := range changesOfKind(r, kind) {
		dot := strings.LastIndexByte(h.Other, '.')
		table, column := h.Other[:dot], h.Other[dot+1:]
		table = table[strings.LastIndexByte(table, '.')+1:]
		out[mappedName{table, column}], out[mappedName{table, ""}] = true, true
	}
	return out
}
