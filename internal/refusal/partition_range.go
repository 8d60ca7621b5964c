package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// RangeOf returns the range of a partition by one column: "day", at least 2026-01-01, below
// 2026-02-01. ok is false for every other partitioning.
func RangeOf(parent *catalog.Relation, spec *pgparse.PartitionBoundSpec) (column string, in predicate.Interval, ok bool) {
	if len(parent.PartitionKey) != 1 || parent.PartitionKey[0].Column == 0 || spec.GetIsDefault() {
		return "", in, false
	}
	col := parent.Attr(parent.PartitionKey[0].Column)
	if col == nil || len(spec.GetLowerdatums()) != 1 || len(spec.GetUpperdatums()) != 1 {
		return "", in, false
	}
	in.Low, in.High = rangeEnd(spec.GetLowerdatums()[0]), rangeEnd(spec.GetUpperdatums()[0])
	if in.Low == nil && !isUnbounded(spec.GetLowerdatums()[0], "minvalue") || in.High == nil && !isUnbounded(spec.GetUpperdatums()[0], "maxvalue") {
		return "", in, false
	}
	return col.Name, in, true
}

// rangeEnd returns an end of a range if it is a constant; nil for any other.
func rangeEnd(n *pgparse.Node) *predicate.Value {
	if d := n.GetPartitionRangeDatum(); d != nil {
		n = d.GetValue()
	}
	return predicate.EndValue(n)
}

// isUnbounded recognises MINVALUE and MAXVALUE.
func isUnbounded(n *pgparse.Node, word string) bool {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.ColumnRef:
		return len(m.GetFields()) == 1 && pgparse.StringText(m.GetFields()[0]) == word
	case *pgparse.PartitionRangeDatum:
		return m.GetValue() == nil
	}
	return false
}
