package constraint

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// onlyColumn is the one column of a constraint; nil when it has more, or none.
func (b *addedBinding) onlyColumn(c *catalog.Constraint) *catalog.Column {
	if len(c.Columns) != 1 {
		return nil
	}
	return b.d.After.Attr(c.Columns[0])
}

// findContradictedValue returns a constant that an UPDATE of the deployed code is seen to set a
// column to, and that a CHECK of this column refuses.
func (b *addedBinding) findContradictedValue(c *catalog.Constraint, col *catalog.Column) (value string, evidence []onward.Evidence) {
	if b.p.NewColumn(b.d, col) || hasBeforeTrigger(b.d.After, "update") {
		return "", nil
	}
	name := col.Name
	if deployed := b.deployedTable(); deployed != nil && deployed.Attr(col.Attnum) != nil {
		name = deployed.Attr(col.Attnum).Name
	}
	evidence = b.p.UsesTable(b.d).SetToEvidence(name, func(text string) bool {
		value = text
		n := &pgparse.Node{Node: &pgparse.Node_AConst{AConst: &pgparse.A_Const{Val: &pgparse.A_Const_Sval{Sval: &pgparse.String{Sval: text}}}}}
		return !strings.ContainsAny(text, "%${}#") && b.t.After.IsCheckRefuted(b.d.After, c.Expr, rowWithColumn(col, n)) // those are put in as it runs
	})
	return value, evidence
}
