package effect

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// value is a USING expression as the server's ATColumnChangeRequiresRewrite sees it: the column
// itself, perhaps relabelled (varchar as text), or a computed value; and its type.
type value struct {
	typ      catalog.Type
	computed bool
	// unknown: the type is not known.
	unknown bool
	why     string
}

// convertValue returns a value coerced to another type: int to bigint is computed, varchar(10) to text is not.
func (r *run) convertValue(v value, to catalog.Type) value {
	if d := r.DomainOf(to); d != nil {
		if refusal.SameType(v.typ, to) {
			return value{typ: to, computed: v.computed, unknown: v.unknown, why: v.why}
		}
		out := r.convertValue(v, d.Base)
		out.typ = to
		if r.IsConstrained(d) && !out.computed {
			out.computed, out.why = true, "the domain "+d.Name.String()+" has constraints, which are checked for every row"
		}
		return out
	}
	if v.unknown || !v.typ.IsKnown() || !to.IsKnown() {
		return value{typ: to, computed: true, unknown: true, why: "the old type is not known"}
	}
	from := r.BaseType(v.typ)
	out := value{typ: to, computed: v.computed, why: v.why}
	if !refusal.SameType(from, to) {
		if !refusal.IsRelabeling(from, to, isUTC(r.in.TimeZone)) {
			if !out.computed {
				out.why = "every value is converted"
			}
			out.computed = true
			return out
		}
		from = catalog.Type{Name: to.Name, Array: to.Array}
	}
	if !areModifiersWider(from, to) && !out.computed {
		out.computed, out.why = true, "every value is checked against the new length or precision"
	}
	return out
}

// isUTC reports whether a session's time zone is UTC for certain. The server
// asks whether the zone's offset is 0 now and always.
func isUTC(zone string) bool {
	switch strings.ToUpper(strings.TrimPrefix(strings.TrimPrefix(zone, "Etc/"), "etc/")) {
	case "UTC", "GMT", "UCT", "ZULU", "GREENWICH", "UNIVERSAL", "GMT0", "GMT+0", "GMT-0", "0", "+00", "+00:00", "-00":
		return true
	}
	return false
}

// areModifiersWider reports whether a change of modifiers within one type needs no look at
// the values: the types' planner support functions. Types of extensions have none: without modifiers a value stays as it is, with others
// the extension's cast of the type to itself computes it. Measured: PostGIS 3.3 (geometry and geography, also as arrays), pgvector 0.6.2.
func areModifiersWider(from, to catalog.Type) bool {
	if len(to.Mods) == 0 && to.ModText == "" || slices.Equal(from.Mods, to.Mods) && modifierText(from) == modifierText(to) {
		return true
	}
	if to.Array > 0 {
		return false
	}
	old, want := from.Mods, to.Mods
	switch to.Name.Name {
	case "varchar", "varbit":
		return len(old) == 1 && want[0] >= old[0]
	case "numeric":
		return len(old) > 0 && scaleOf(old) == scaleOf(want) && want[0] >= old[0]
	case "timestamp", "timestamptz", "time", "timetz":
		return want[0] >= 6 || len(old) == 1 && want[0] >= old[0]
	case "interval":
		return isIntervalWider(old, want)
	}
	return false
}

// modifierText is the text of modifiers that are no numbers, without the SRID that the type has anyway: geometry(Point) is geometry(POINT, 0).
func modifierText(t catalog.Type) string {
	text, srid := strings.ToLower(t.ModText), map[string]string{"geometry": ", 0", "geography": ", 4326"}[t.Name.Name]
	return strings.TrimSuffix(text, srid)
}

func scaleOf(mods []int32) int32 {
	if len(mods) > 1 {
		return mods[1]
	}
	return 0
}

// isIntervalWider compares fields and precision: interval_support.
func isIntervalWider(old, want []int32) bool {
	const full = 0x7FFF
	fields := func(m []int32) int32 {
		if len(m) == 0 {
			return full
		}
		return m[0]
	}
	precision := func(m []int32) int32 {
		if len(m) < 2 || m[1] >= 6 {
			return 6
		}
		return m[1]
	}
	// The least significant field decides how much is cut off.
	least := func(f int32) int {
		for i, bit := range []int32{1 << 12, 1 << 11, 1 << 10, 1 << 3, 1 << 1, 1 << 2} { // second … year
			if f == full || f&bit != 0 {
				return i
			}
		}
		return 0
	}
	lo, ln := least(fields(old)), least(fields(want))
	return ln <= lo && (lo > 0 || precision(want) >= precision(old))
}

// evalUsing evaluates a USING expression over the column.
func (r *run) evalUsing(expr *pgparse.Node, col *catalog.Column, old value) value {
	switch m := pgparse.Unwrap(expr).(type) {
	case *pgparse.ColumnRef:
		f := m.GetFields()
		if len(f) > 0 && pgparse.StringText(f[len(f)-1]) == col.Name {
			return old
		}
	case *pgparse.TypeCast:
		return r.convertValue(r.evalUsing(m.GetArg(), col, old), r.C.TypeOf(m.GetTypeName()))
	case *pgparse.CollateClause:
		return r.evalUsing(m.GetArg(), col, old)
	}
	return value{computed: true, unknown: true, why: "every value is computed"}
}
