package removal

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// judgeReplacedColumn judges a column that is dropped and, in the same transaction, has a successor of its name: DROP COLUMN a, ADD COLUMN a int.
// The values are lost, unless other statements carried them to the successor.
func judgeReplacedColumn(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	if p.KeepsValues(t, d) {
		judgeReferenceChange(p, t, d)
		judgeUnfilledSuccessor(p, d)
		return // column-type-incompatible compares the types
	}
	if onlyAddsColumn(d) {
		return // the server refuses it, because the column exists: release-statement-refused reports that
	}
	if now := d.After.Column(d.Old.Name); d.Old.Generated != "" && now != nil && now.Generated != "" {
		return // both are computed from other columns: column-generated-changed compares them
	}
	p.Report(d, rule.Report{
		Fact:    "column " + d.Old.Name + " of " + d.Before.Name.String() + " is dropped and added again",
		Harm:    "its values are lost: every row gets the default of the new column, or NULL",
		Instead: "add the new column under another name, copy the values in batches, and drop the old column a release later",
	})
}

// judgeUnfilledSuccessor reports a deployed column that takes the name of a dropped one, and whose older rows no migration and no code has filled.
func judgeUnfilledSuccessor(p *rule.Pass, d *rule.Delta) {
	base, now := p.Release.Deployed.Relation(d.OID), d.After.Column(d.Old.Name)
	if base == nil || base.Partial || base.Inferred || now == nil || now.Generated != "" || now.Default == nil && now.NotNull {
		return
	}
	shadow := base.Attr(now.Attnum)
	if shadow == nil || shadow.Name == d.Old.Name || !p.Release.Fills.IsUnfilled(base.Name.Name, shadow.Name) || p.Code.FindUses(base.Name, shadow.Name).Used {
		return
	}
	table, from, to := analysis.QuoteTable(base.Name), pgparse.QuoteIdent(d.Old.Name), pgparse.QuoteIdent(shadow.Name)
	p.Report(d, rule.Report{
		Fact: "column " + d.Old.Name + " of " + base.Name.String() + " is dropped, and " + shadow.Name + " takes its name: no migration fills its older rows",
		Harm: "values that were written before " + shadow.Name + " was there, or a trigger filled it, are lost",
		Instead: "look whether rows lack the value, and copy it in a migration before this one:\n" +
			"SELECT count(*) FROM " + table + " WHERE " + from + " IS DISTINCT FROM " + to + ";",
		Severity: onward.Warning,
		SafeIf:   "the query finds no row on the deployed database",
	})
}

// judgeReferenceChange reports a column whose successor has the keys of another table:
// the types are the same, and no query fails.
func judgeReferenceChange(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	from, to := findReferencedTable(t.Before, d.Before, d.Old.Attnum), findReferencedTable(t.After, d.After, d.After.Column(d.Old.Name).Attnum)
	if from == nil || to == nil || from.OID == to.OID || from.Name == to.Name {
		return
	}
	u := p.UsesColumn(d, d.Old)
	if u.IsIdle() {
		return
	}
	p.Report(d, rule.Report{
		Fact: "column " + d.Old.Name + " of " + d.Before.Name.String() + " is dropped, and one that refers to " + to.Name.String() + " takes its name (was " +
			from.Name.String() + ")",
		Harm: "the deployed code takes the keys that it finds there for keys of " + from.Name.String() + u.FirstPlace() +
			", and writes such keys: they are refused, or point at another row",
		Instead:  "give the new column a name of its own, write both, and drop " + d.Old.Name + " a release later",
		Severity: u.DropSeverity(),
		Evidence: u.Evidence,
	})
}

// findReferencedTable returns the table that a column alone refers to by a foreign key; nil when
// there is none.
func findReferencedTable(c *catalog.Catalog, r *catalog.Relation, column int16) *catalog.Relation {
	for _, k := range r.Constraints {
		if k.Kind == catalog.ForeignKey && slices.Equal(k.Columns, []int16{column}) {
			return c.Relation(k.Ref)
		}
	}
	return nil
}

// onlyAddsColumn reports whether the statement adds a column of the name and drops none. If not all of the history is known, the
// catalog assumes then that something unseen has dropped the old column.
func onlyAddsColumn(d *rule.Delta) bool {
	added := false
	for _, n := range d.By.Node.GetAlterTableStmt().GetCmds() {
		c := n.GetAlterTableCmd()
		switch {
		case c.GetSubtype() == pgparse.AlterTableType_AT_DropColumn && c.GetName() == d.Old.Name:
			return false
		case c.GetSubtype() == pgparse.AlterTableType_AT_AddColumn && c.GetDef().GetColumnDef().GetColname() == d.Old.Name:
			added = true
		}
	}
	return added
}
