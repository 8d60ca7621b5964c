package constraint

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// refuses reports whether a CHECK may refuse a row that the deployed code
// writes: one with NULL in the columns that it does not know and that have no
// default, and with a value in those that are NOT NULL. A CHECK refuses
// what is false, not what is null.
func (b *binding) refuses(check *pgparse.Node) bool { return b.outcomes(check).May(predicate.False) }

// outcomes is what a condition comes to for such rows. Casts are left aside.
func (b *binding) outcomes(n *pgparse.Node) predicate.Outcomes {
	row := b.t.After.Row(b.written)
	row.Cast = func(_ *pgparse.TypeName, v predicate.Value) predicate.Value { return v }
	return row.Outcomes(n)
}

// written is what each row of the deployed code has in a column: nothing, or the
// default, where it does not know it.
func (b *binding) written(ref *pgparse.ColumnRef) predicate.Value {
	col := b.column(ref)
	switch {
	case col == nil:
		return predicate.Value{}
	case b.p.NewColumn(b.d, col):
		if b.unfilled {
			return predicate.Value{}
		}
		if b.empty(col) {
			return predicate.Value{Kind: predicate.Null}
		}
		text, constant := predicate.Written(col.Default)
		if !constant || len(b.d.After.Triggers) > 0 {
			return predicate.Value{}
		}
		if v := b.t.After.Holds(col, predicate.Uncast(col.Default)); v.Kind != predicate.Unknown {
			return v
		}
		return predicate.Value{Kind: predicate.Text, Text: text, Loose: true}
	case required(b.d.Before, col), required(b.deployed(), col):
		// That it may be null now is news to the deployed code.
		return predicate.Value{Kind: predicate.Some}
	}
	return predicate.Value{}
}

// required reports whether a table had a column, and no NULL in it.
func required(t *catalog.Relation, col *catalog.Column) bool {
	if t == nil {
		return false
	}
	old := t.Attr(col.Attnum)
	return old != nil && old.NotNull
}

// empty reports whether each row of the deployed code has NULL in a column: it does
// not know it, and nothing else fills it.
func (b *binding) empty(col *catalog.Column) bool {
	return col != nil && b.p.NewColumn(b.d, col) && col.Default == nil && col.Generated == "" && col.Identity == "" && len(b.d.After.Triggers) == 0
}

// column is the column of the table that a name is; nil for none.
func (b *binding) column(ref *pgparse.ColumnRef) *catalog.Column {
	if len(ref.GetFields()) != 1 {
		return nil
	}
	return b.d.After.Column(pgparse.Last(ref.GetFields()))
}
