package effect

//go:generate go run ./castgen

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// value is an expression as ATColumnChangeRequiresRewrite sees it: the column
// itself with nothing but relabellings on it, or something computed; and the
// type that it has.
type value struct {
	typ      catalog.Type
	computed bool
	// unknown: the type is not known.
	unknown bool
	why     string
}

func plain(schema, name string) catalog.Type {
	return catalog.Type{Name: catalog.Name{Schema: schema, Name: name}}
}

// constrained reports whether a domain, or one that it rests on, restricts its
// values.
func (r *run) constrained(d *catalog.UserType) bool {
	for n := 0; d != nil && n < maxDepth; n++ {
		if d.Constrained() {
			return true
		}
		d = r.Domain(d.Base)
	}
	return false
}

// convert is the column's value coerced to another type: by assignment, or
// explicitly in a USING.
func (r *run) convert(v value, to catalog.Type, explicit bool) value {
	if d := r.Domain(to); d != nil {
		if answer.Same(v.typ, to) {
			return value{typ: to, computed: v.computed, unknown: v.unknown, why: v.why}
		}
		out := r.convert(v, d.Base, explicit)
		out.typ = to
		if r.constrained(d) && !out.computed {
			out.computed, out.why = true, "the domain "+d.Name.String()+" has constraints, which are checked for every row"
		}
		return out
	}
	if v.unknown || !v.typ.Known() || !to.Known() {
		return value{typ: to, computed: true, unknown: true, why: "the old type is not known"}
	}
	from := r.Base(v.typ)
	out := value{typ: to, computed: v.computed, why: v.why}
	if !answer.Same(from, to) {
		free, mods := r.relabels(from, to)
		switch {
		case !free:
			if !out.computed {
				out.why = "every value is converted"
			}
			out.computed = true
			switch {
			case !explicit && !r.assignable(from, to):
				r.Refuse(refuse.NoAutomaticCast, "", unmodified(to)) // whose it is, the caller says
			case explicit && !r.castable(from, to):
				r.Refuse(refuse.NoCast, unmodified(v.typ), unmodified(to))
			}
			return out
		case !mods:
			from = plain(to.Name.Schema, to.Name.Name)
			from.Array = to.Array
		}
	}
	if !fits(from, to) && !out.computed {
		out.computed, out.why = true, "every value is checked against the new length or precision"
	}
	return out
}

// relabels reports whether the cast between two types changes nothing in the
// stored values (pg_cast.castmethod b), or is timestamp to timestamptz, or
// back, in UTC. mods is whether the old modifier still counts: it never does.
func (r *run) relabels(from, to catalog.Type) (free, mods bool) {
	if from.Array > 0 || to.Array > 0 {
		return false, false
	}
	a, b := typeName(from), typeName(to)
	if a == "timestamp" && b == "timestamptz" || a == "timestamptz" && b == "timestamp" {
		return utc(r.s.TimeZone), false
	}
	// citext is text with other operators.
	if a == "citext" || b == "citext" {
		other := a
		if a == "citext" {
			other = b
		}
		return other == "text" || other == "varchar" || a == "citext" && other == "bpchar", false
	}
	c := cast(a, b)
	return len(c) == 2 && c[1] == 'b', false
}

// typeName is a built-in type's name; the bare name of the types of well-known
// extensions.
func typeName(t catalog.Type) string {
	if t.Name.Schema == "pg_catalog" || t.Name.Name == "citext" {
		return t.Name.Name
	}
	return t.Name.Qualified()
}

// utc reports whether a session's time zone is UTC for certain. The server
// asks whether the zone's offset is 0 now and always.
func utc(zone string) bool {
	switch strings.ToUpper(strings.TrimPrefix(strings.TrimPrefix(zone, "Etc/"), "etc/")) {
	case "UTC", "GMT", "UCT", "ZULU", "GREENWICH", "UNIVERSAL", "GMT0", "GMT+0", "GMT-0", "0", "+00", "+00:00", "-00":
		return true
	}
	return false
}

// cast is the entry of pg_cast for two built-in types: context and method.
func cast(from, to string) string {
	key := from + " " + to + " "
	i, _ := slices.BinarySearch(casts[:], key)
	if i < len(casts) && strings.HasPrefix(casts[i], key) {
		return casts[i][len(key):]
	}
	return ""
}

// assignable reports whether a value may be assigned without an explicit
// cast. Where a type is not built in it is assumed.
func (r *run) assignable(from, to catalog.Type) bool {
	if from.Array > 0 && to.Array > 0 {
		from.Array, to.Array = 0, 0
		from, to = r.Base(from), r.Base(to)
		return answer.Same(from, to) || r.assignable(from, to)
	}
	if from.OID != 0 || to.OID != 0 {
		// Between an enum or composite and another type there is only the cast
		// through text; extensions define others.
		fu, tu := r.C.Type(from.OID), r.C.Type(to.OID)
		own := func(u *catalog.UserType) bool {
			return u != nil && !u.Inferred && (u.Kind == catalog.Enum || u.Kind == catalog.Composite)
		}
		if !own(fu) && !own(tu) || r.UserCasts() {
			return true
		}
		return own(fu) && answer.IsText(to)
	}
	if from.Name.Schema != "pg_catalog" || to.Name.Schema != "pg_catalog" {
		return true
	}
	if answer.IsText(to) {
		return true
	}
	if from.Array > 0 || to.Array > 0 {
		return r.UserCasts()
	}
	c := cast(from.Name.Name, to.Name.Name)
	return c != "" && c[0] != 'e' || r.UserCasts()
}

// castable reports whether a value may be cast explicitly: what has no entry in
// pg_cast goes through its text, where either side is one.
func (r *run) castable(from, to catalog.Type) bool {
	if from.Array > 0 && to.Array > 0 {
		from.Array, to.Array = 0, 0
		return answer.Same(from, to) || r.castable(from, to)
	}
	if from.OID != 0 || to.OID != 0 || from.Name.Schema != "pg_catalog" || to.Name.Schema != "pg_catalog" {
		return answer.IsText(from) || r.assignable(from, to)
	}
	return answer.IsText(from) || answer.IsText(to) || from.Array == 0 && to.Array == 0 && cast(from.Name.Name, to.Name.Name) != "" || r.UserCasts()
}

// fits reports whether a change of modifiers within one type needs no look at
// the values: the types' planner support functions.
func fits(from, to catalog.Type) bool {
	if len(to.Mods) == 0 || slices.Equal(from.Mods, to.Mods) {
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
		return len(old) > 0 && scale(old) == scale(want) && want[0] >= old[0]
	case "timestamp", "timestamptz", "time", "timetz":
		return want[0] >= 6 || len(old) == 1 && want[0] >= old[0]
	case "interval":
		return intervalFits(old, want)
	}
	return false
}

func scale(mods []int32) int32 {
	if len(mods) > 1 {
		return mods[1]
	}
	return 0
}

// intervalFits compares fields and precision: interval_support.
func intervalFits(old, want []int32) bool {
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

// using evaluates a USING expression over the column.
func (r *run) using(expr *pgparse.Node, col *catalog.Column, old value) value {
	switch m := pgparse.Unwrap(expr).(type) {
	case *pgparse.ColumnRef:
		f := m.GetFields()
		if len(f) > 0 && pgparse.Text(f[len(f)-1]) == col.Name {
			return old
		}
	case *pgparse.TypeCast:
		return r.convert(r.using(m.GetArg(), col, old), r.C.TypeOf(m.GetTypeName()), true)
	case *pgparse.CollateClause:
		return r.using(m.GetArg(), col, old)
	}
	return value{computed: true, unknown: true, why: "every value is computed"}
}

// unmodified is a type as errors name it, without its length or precision.
func unmodified(t catalog.Type) string {
	t.Mods, t.ModText = nil, ""
	return t.String()
}
