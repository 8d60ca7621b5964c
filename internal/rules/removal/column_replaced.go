package removal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// judgeReplacedColumn judges a column that is dropped and, in the same transaction, has a successor of its name: DROP COLUMN a, ADD COLUMN a int.
// The values are lost, unless other statements carried them to the successor.
func judgeReplacedColumn(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	if p.KeepsValues(t, d) {
		judgeReferenceChange(p, t, d)
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
