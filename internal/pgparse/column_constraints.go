package pgparse

import (
	"slices"
	"strings"
)

// ColumnConstraint is a constraint of a column's definition. Text is written from its name or keyword on, with the attributes that
// follow it, such as DEFERRABLE.
type ColumnConstraint struct {
	*Constraint
	Text       string
	attributes []ConstrType
}

// HasAttribute reports whether an attribute is written after the constraint.
func (c *ColumnConstraint) HasAttribute(kind ConstrType) bool {
	return slices.Contains(c.attributes, kind)
}

// TextFrom returns the constraint's text from a keyword on.
func (c *ColumnConstraint) TextFrom(word string) string {
	return c.Text[AfterWord(c.Text, word)-len(word):]
}

// ListColumnConstraints lists the constraints of a column's definition that ends at an offset of a statement's text.
// https://www.postgresql.org/docs/current/sql-createtable.html
func ListColumnConstraints(def *ColumnDef, sql string, end int) (out []ColumnConstraint) {
	starts := []int{end}
	if c := def.GetCollClause(); c != nil {
		starts = append(starts, int(c.GetLocation()))
	}
	for _, n := range def.GetConstraints() {
		con := n.GetConstraint()
		switch con.GetContype() {
		case ConstrType_CONSTR_ATTR_DEFERRABLE, ConstrType_CONSTR_ATTR_NOT_DEFERRABLE, ConstrType_CONSTR_ATTR_DEFERRED,
			ConstrType_CONSTR_ATTR_IMMEDIATE, ConstrType_CONSTR_ATTR_ENFORCED, ConstrType_CONSTR_ATTR_NOT_ENFORCED:
			if len(out) > 0 {
				out[len(out)-1].attributes = append(out[len(out)-1].attributes, con.GetContype())
			}
			continue
		}
		out = append(out, ColumnConstraint{Constraint: con})
		starts = append(starts, int(con.GetLocation()))
	}
	slices.Sort(starts)
	for i := range out {
		start := int(out[i].GetLocation())
		next, _ := slices.BinarySearch(starts, start+1)
		out[i].Text = strings.TrimSpace(sql[start:starts[next]])
	}
	return out
}
