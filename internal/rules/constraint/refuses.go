package constraint

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// mayRefuse reports whether a CHECK may refuse a row that the deployed code
// writes: one with NULL in the columns that it does not know and that have no
// default, and with a value in those that are NOT NULL. A CHECK refuses
// what is false, not what is null.
func (b *addedBinding) mayRefuse(check *pgparse.Node) bool {
	return b.evaluateCheck(check).MayBe(predicate.False)
}

// evaluateCheck returns the possible results of a condition for such rows. It ignores casts.
func (b *addedBinding) evaluateCheck(n *pgparse.Node) predicate.Outcomes {
	row := b.t.After.NewConditionRow(b.writtenValue)
	row.Cast = func(_ *pgparse.TypeName, v predicate.Value) predicate.Value { return v }
	return row.Evaluate(n)
}

// writtenValue returns what is known of a column's value in rows that the deployed code writes.
// If the code does not know the column, the value is the default or NULL.
func (b *addedBinding) writtenValue(ref *pgparse.ColumnRef) predicate.Value {
	col := b.columnOf(ref)
	switch {
	case col == nil:
		return predicate.Value{}
	case b.p.NewColumn(b.d, col):
		if b.assumeUnknown {
			return predicate.Value{}
		}
		if b.isAlwaysNull(col) {
			return predicate.Value{Kind: predicate.Null}
		}
		text, constant := predicate.LiteralText(col.Default)
		if !constant || len(b.d.After.Triggers) > 0 {
			return predicate.Value{}
		}
		if v := b.t.After.StoredValue(col, pgparse.StripCasts(col.Default)); v.Kind != predicate.Unknown {
			return v
		}
		return predicate.Value{Kind: predicate.Text, Text: text, Loose: true}
	case wasNotNull(b.d.Before, col), wasNotNull(b.deployedTable(), col):
		// That it may be null now is news to the deployed code.
		return predicate.Value{Kind: predicate.Some}
	}
	return predicate.Value{}
}

// wasNotNull reports whether a table had a column, and no NULL in it.
func wasNotNull(t *catalog.Relation, col *catalog.Column) bool {
	if t == nil {
		return false
	}
	old := t.Attr(col.Attnum)
	return old != nil && old.NotNull
}

// isAlwaysNull reports whether each row of the deployed code has NULL in a column: it does
// not know it, and nothing else fills it.
func (b *addedBinding) isAlwaysNull(col *catalog.Column) bool {
	return col != nil && b.p.NewColumn(b.d, col) && col.Default == nil && col.Generated == "" && col.Identity == "" && len(b.d.After.Triggers) == 0
}

// columnOf is the column of the table that a name is; nil for none.
func (b *addedBinding) columnOf(ref *pgparse.ColumnRef) *catalog.Column {
	if len(ref.GetFields()) != 1 {
		return nil
	}
	return b.d.After.Column(pgparse.LastText(ref.GetFields()))
}
