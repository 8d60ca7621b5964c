package refusal

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// checkPartitionOverlap refuses a partition whose rows another one has already.
func (q *Checker) checkPartitionOverlap(name catalog.Name, parent *catalog.Relation, bound *pgparse.PartitionBoundSpec) bool {
	switch strategy := bounds[bound.GetStrategy()]; {
	case bound.GetIsDefault() && parent.Strategy == "hash":
		q.RecordRefusal(pgerror.PartitionNoDefault)
		return false
	case !bound.GetIsDefault() && strategy != "" && parent.Strategy != "" && strategy != parent.Strategy:
		q.RecordRefusal(pgerror.PartitionBound, parent.Strategy)
		return false
	case strategy == "hash":
		return q.checkHashPartition(name, parent, bound)
	}
	return q.checkRangeOverlap(name, parent, bound)
}

// bounds are the strategies by the letters of the parse tree.
var bounds = map[string]string{"h": "hash", "l": "list", "r": "range"}

// checkHashPartition refuses remainders that another partition has already: of two
// moduluses one divides the other.
func (q *Checker) checkHashPartition(name catalog.Name, parent *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	modulus, remainder := int(spec.GetModulus()), int(spec.GetRemainder())
	if modulus <= 0 || remainder < 0 || len(parent.Partitions) > MostCompared {
		return true
	}
	if remainder >= modulus {
		q.RecordRefusal(pgerror.PartitionRemainder)
		return false
	}
	for _, p := range q.C.RelationsByOID(parent.Partitions) {
		var m, rest int
		if n, _ := fmt.Sscanf(p.Bound, "FOR VALUES WITH (modulus %d, remainder %d)", &m, &rest); n != 2 || m <= 0 {
			continue
		}
		smaller := min(m, modulus)
		switch {
		case max(m, modulus)%smaller != 0:
			q.RecordRefusal(pgerror.PartitionModulus)
			return false
		case remainder%smaller == rest%smaller:
			q.RecordRefusal(pgerror.PartitionOverlap, name.Name, p.Name.Name)
			return false
		}
	}
	return true
}

// MostCompared bounds how many partitions a new one's range is compared with.
const MostCompared = 500

// checkRangeOverlap refuses a range that another partition has already, where the ends
// are numbers or dates; true when there is none.
func (q *Checker) checkRangeOverlap(name catalog.Name, parent *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	_, want, ok := RangeOf(parent, spec)
	if !ok || len(parent.Partitions) > MostCompared {
		return true
	}
	if want.Low != nil && want.High != nil && (IsBelow(want.High, want.Low) || want.Low.EqualTo(want.High)) {
		q.RecordRefusal(pgerror.PartitionEmpty, name.Name)
		return false
	}
	col := parent.Attr(parent.PartitionKey[0].Column)
	for _, p := range q.C.RelationsByOID(parent.Partitions) {
		low, high, ok := ParseRangeBound(p.Bound)
		if ok && col.Type.Name.Schema == "pg_catalog" && IsBelow(low, want.High) && IsBelow(want.Low, high) {
			q.RecordRefusal(pgerror.PartitionOverlap, name.Name, p.Name.Name)
			return false
		}
	}
	return true
}

// ParseRangeBound returns the two constants of a range: "FOR VALUES FROM (1) TO (2)".
func ParseRangeBound(words string) (low, high *predicate.Value, ok bool) {
	rest, hasFrom := strings.CutPrefix(words, "FOR VALUES FROM (")
	from, to, two := strings.Cut(rest, ") TO (")
	if !hasFrom || !two {
		return nil, nil, false
	}
	low, high = ParseLiteral(from), ParseLiteral(strings.TrimSuffix(to, ")"))
	return low, high, low != nil && high != nil
}

// ParseLiteral reads a number or a quoted text.
func ParseLiteral(s string) *predicate.Value {
	if n := len(s); n > 1 && s[0] == '\'' && s[n-1] == '\'' {
		v := predicate.TextOf(s[1 : n-1])
		return &v
	}
	if v := predicate.ParseDecimal(s); v.Kind == predicate.Number {
		return &v
	}
	return nil
}

// IsBelow reports whether one end is for certain below another; an end that is
// not set is open. Texts are compared when they look like dates of one length.
func IsBelow(low, high *predicate.Value) bool {
	if low == nil || high == nil {
		return true
	}
	if low.Kind == predicate.Text && (len(low.Text) != len(high.Text) || len(low.Text) < 10 || low.Text[4] != '-' || low.Text[7] != '-') {
		return false
	}
	n, ok := low.CompareTo(high)
	return ok && n < 0
}
