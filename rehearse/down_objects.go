package rehearse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/live"
)

// objectsDiff is how a schema differs from the one that should have come back.
type objectsDiff struct {
	differences []string // what matters to code
	info        []string // what is good to know
}

type objectKey struct{ kind, name string }

// compareObjects says in words how got differs from want.
func compareObjects(want, got []live.Object) objectsDiff {
	is := keyed(got)
	was := keyed(want)
	var missing, extra []live.Object
	whole := map[string]bool{} // what is missing or stays as a whole
	var x objectsDiff
	var changed []string
	for _, w := range want {
		g, ok := is[objectKey{w.Kind, w.Name}]
		switch {
		case !ok:
			missing = append(missing, w)
			whole[w.Name] = whole[w.Name] || holds(w.Kind)
		case g.Definition != w.Definition:
			changed = append(changed, differs(w, g))
		}
	}
	for _, g := range got {
		if _, ok := was[objectKey{g.Kind, g.Name}]; !ok {
			extra = append(extra, g)
			whole[g.Name] = whole[g.Name] || holds(g.Kind)
		}
	}
	for _, w := range missing {
		if whole[w.On] {
			continue
		}
		if i := slices.IndexFunc(extra, func(g live.Object) bool { return renamed(w, g) }); i >= 0 {
			x.differences = append(x.differences, fmt.Sprintf("%s comes back as %s", called(w), called(extra[i])))
			extra = slices.Delete(extra, i, i+1)
			continue
		}
		x.differences = append(x.differences, called(w)+" is missing")
	}
	x.differences = append(x.differences, changed...)
	for _, g := range extra {
		switch {
		case whole[g.On]:
		case g.Kind == "value":
			x.info = append(x.info, called(g)+" stays: Postgres takes no value out of an enum")
		default:
			x.differences = append(x.differences, called(g)+" stays")
		}
	}
	x.order(want, got)
	return x
}

// holds reports whether other objects can be on one of the kind.
func holds(kind string) bool {
	return kind == "schema" || kind == "table" || kind == "type" || kind == "view" || kind == "sequence"
}

func keyed(list []live.Object) map[objectKey]live.Object {
	out := make(map[objectKey]live.Object, len(list))
	for _, o := range list {
		out[objectKey{o.Kind, o.Name}] = o
	}
	return out
}

// renamed reports whether two differ in their names only. Columns of one type
// are no sign of that.
func renamed(a, b live.Object) bool {
	return a.Kind == b.Kind && a.On == b.On && a.Definition == b.Definition && (a.Kind == "index" || a.Kind == "constraint")
}

// called is an object in words. The schema public goes without saying.
func called(o live.Object) string {
	name := strings.TrimPrefix(strings.ReplaceAll(strings.ReplaceAll(o.Name, " on public.", " on "), " of public.", " of "), "public.")
	return o.Kind + " " + name
}

// longest bounds a definition that is quoted whole; of longer ones a piece is.
const (
	longest = 80
	piece   = 60
)

// differs says what became of a definition.
func differs(want, got live.Object) string {
	was, is := flat(want.Definition), flat(got.Definition)
	if len(was) <= longest && len(is) <= longest {
		return fmt.Sprintf("%s is %s, was %s", called(want), is, was)
	}
	at := common(was, is)
	return fmt.Sprintf("%s has %q where there was %q", called(want), excerpt(is, at), excerpt(was, at))
}

// flat is a text on one line.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// common is where two texts begin to differ, two words earlier.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for range 3 {
		n = max(0, strings.LastIndexByte(a[:n], ' '))
	}
	if n > 0 {
		n++
	}
	return n
}

// excerpt is what stands at a place, cut where it is long.
func excerpt(s string, at int) string {
	s = s[at:]
	if len(s) <= piece {
		return s
	}
	end := piece
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// order compares the order of columns, which matters to few, and of the values
// of enums, which are compared by it.
func (x *objectsDiff) order(want, got []live.Object) {
	before, after := ordered(want), ordered(got)
	tables := make([]string, 0, len(before))
	for on := range before {
		tables = append(tables, on)
	}
	slices.Sort(tables)
	for _, on := range tables {
		a, b := both(before[on], after[on]), both(after[on], before[on])
		if slices.EqualFunc(a, b, sameName) {
			continue
		}
		if a[0].Kind == "value" {
			x.differences = append(x.differences, fmt.Sprintf("the values of %s are in another order", strings.TrimPrefix(on, "public.")))
			continue
		}
		if moved := behind(a, b); len(moved) == 1 {
			x.info = append(x.info, moved[0]+" comes back as the last one")
		} else {
			x.info = append(x.info, firstOf(moved)+" come back as the last ones")
		}
	}
}

// behind lists the columns that moved to the end of their table: before them
// the order is the same.
func behind(was, is []live.Object) []string {
	n := len(is) - 1
	for !slices.EqualFunc(is[:n], both(was, is[:n]), sameName) {
		n--
	}
	var out []string
	for _, c := range is[n:] {
		out = append(out, called(c))
	}
	return out
}

func sameName(a, b live.Object) bool { return a.Name == b.Name }

// ordered are the columns of tables and the values of types, in their order.
func ordered(list []live.Object) map[string][]live.Object {
	out := map[string][]live.Object{}
	for _, o := range list {
		if o.At > 0 {
			out[o.On] = append(out[o.On], o)
		}
	}
	for _, l := range out {
		slices.SortFunc(l, func(a, b live.Object) int { return cmp.Compare(a.At, b.At) })
	}
	return out
}

// both keeps of a list what the other has too.
func both(list, other []live.Object) []live.Object {
	var out []live.Object
	for _, o := range list {
		if slices.ContainsFunc(other, func(x live.Object) bool { return x.Name == o.Name }) {
			out = append(out, o)
		}
	}
	return out
}
