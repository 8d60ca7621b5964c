package rehearse

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/member"
)

// objectsDiff holds the differences of a schema to the one that should have
// been restored.
type objectsDiff struct {
	differences []string // matter to code
	info        []string // good to know
}

type objectKey struct{ kind, name string }

// compareObjects describes how got differs from want.
func compareObjects(want, got []live.Object) objectsDiff {
	current := objectsByKey(got)
	wantObjects := objectsByKey(want)
	var missing, extra []live.Object
	whole := map[string]bool{} // what is missing or stays as a whole
	var x objectsDiff
	var changed []string
	for _, w := range want {
		g, ok := current[objectKey{w.Kind, w.Name}]
		switch {
		case !ok:
			missing = append(missing, w)
			whole[w.Name] = whole[w.Name] || canHoldObjects(w.Kind)
		case g.Definition != w.Definition:
			changed = append(changed, describeDefinitionChange(w, g))
		}
	}
	for _, g := range got {
		if _, ok := wantObjects[objectKey{g.Kind, g.Name}]; !ok {
			extra = append(extra, g)
			whole[g.Name] = whole[g.Name] || canHoldObjects(g.Kind)
		}
	}
	for _, w := range missing {
		if whole[w.On] {
			continue
		}
		if i := slices.IndexFunc(extra, func(g live.Object) bool { return differOnlyInName(w, g) }); i >= 0 {
			x.differences = append(x.differences, fmt.Sprintf("%s comes back as %s", objectLabel(w), objectLabel(extra[i])))
			extra = slices.Delete(extra, i, i+1)
			continue
		}
		x.differences = append(x.differences, objectLabel(w)+" is missing")
	}
	x.differences = append(x.differences, changed...)
	for _, g := range extra {
		switch {
		case whole[g.On]:
		case g.Kind == "value":
			x.info = append(x.info, objectLabel(g)+" stays: Postgres takes no value out of an enum")
		default:
			x.differences = append(x.differences, objectLabel(g)+" stays")
		}
	}
	x.compareOrder(want, got)
	return x
}

// canHoldObjects reports whether objects of a kind can have other objects on them.
func canHoldObjects(kind string) bool {
	return kind == "schema" || kind == "table" || kind == "type" || kind == "view" || kind == "sequence"
}

func objectsByKey(list []live.Object) map[objectKey]live.Object {
	out := make(map[objectKey]live.Object, len(list))
	for _, o := range list {
		out[objectKey{o.Kind, o.Name}] = o
	}
	return out
}

// differOnlyInName reports whether two objects differ in their names only. For columns
// an equal type proves nothing.
func differOnlyInName(a, b live.Object) bool {
	return a.Kind == b.Kind && a.On == b.On && a.Definition == b.Definition && (a.Kind == "index" || a.Kind == "constraint")
}

// objectLabel returns an object's kind and name, without the schema public.
func objectLabel(o live.Object) string {
	name := strings.TrimPrefix(strings.ReplaceAll(strings.ReplaceAll(o.Name, " on public.", " on "), " of public.", " of "), "public.")
	return o.Kind + " " + name
}

// longest is the length up to which a definition is quoted whole; of a longer
// one, a piece is quoted.
const (
	longest = 80
	piece   = 60
)

// describeDefinitionChange describes the change of a definition.
func describeDefinitionChange(want, got live.Object) string {
	before, current := onOneLine(want.Definition), onOneLine(got.Definition)
	if len(before) <= longest && len(current) <= longest {
		return fmt.Sprintf("%s is %s, was %s", objectLabel(want), current, before)
	}
	offset := differenceOffset(before, current)
	return fmt.Sprintf("%s has %q where there was %q", objectLabel(want), excerptAt(current, offset), excerptAt(before, offset))
}

// onOneLine returns a text as one line.
func onOneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// differenceOffset returns the offset two words before two texts begin to differ.
func differenceOffset(a, b string) int {
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

// excerptAt returns the text at an offset, shortened if it is long.
func excerptAt(s string, offset int) string {
	s = s[offset:]
	if len(s) <= piece {
		return s
	}
	end := piece
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// compareOrder compares the order of columns, which rarely matters, and of the values
// of enums, which defines their comparison.
func (x *objectsDiff) compareOrder(want, got []live.Object) {
	before, after := sortedMembers(want), sortedMembers(got)
	tables := make([]string, 0, len(before))
	for owner := range before {
		tables = append(tables, owner)
	}
	slices.Sort(tables)
	for _, owner := range tables {
		a, b := commonObjects(before[owner], after[owner]), commonObjects(after[owner], before[owner])
		if slices.EqualFunc(a, b, hasSameName) {
			continue
		}
		if a[0].Kind == "value" {
			x.differences = append(x.differences, fmt.Sprintf("the values of %s are in another order", strings.TrimPrefix(owner, "public.")))
			continue
		}
		if moved := columnsMovedToEnd(a, b); len(moved) == 1 {
			x.info = append(x.info, moved[0]+" comes back as the last one")
		} else {
			x.info = append(x.info, joinFirstLines(moved)+" come back as the last ones")
		}
	}
}

// columnsMovedToEnd lists the columns that moved to the end of their table: the order of
// the others is the same.
func columnsMovedToEnd(before, current []live.Object) []string {
	n := len(current) - 1
	for !slices.EqualFunc(current[:n], commonObjects(before, current[:n]), hasSameName) {
		n--
	}
	var out []string
	for _, c := range current[n:] {
		out = append(out, objectLabel(c))
	}
	return out
}

func hasSameName(a, b live.Object) bool { return a.Name == b.Name }

// sortedMembers returns the columns of tables and the values of types, in their
// order.
func sortedMembers(list []live.Object) map[string][]live.Object {
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

// commonObjects returns the items of a list that the other list has too.
func commonObjects(list, other []live.Object) []live.Object {
	var out []live.Object
	for _, o := range list {
		if slices.ContainsFunc(other, func(x live.Object) bool { return x.Name == o.Name }) {
			out = append(out, o)
		}
	}
	return out
}

// missingObject is an object that a statement presupposes and that its database does not
// have.
type missingObject struct {
	// kind is the server's word for it: "schema", "type", "operator class". A type
	// without an operator class of an access method has "default operator class".
	kind         string
	schema, name string
}

// The server's messages for missing objects: type "mood" does not exist.
var (
	noNamed    = lazyregexp.New(`^([a-z -]+) "([^"]+)".* does not exist`)
	noFunction = lazyregexp.New(`^(?:function|procedure|aggregate) ([^(]+)\(.*\) does not exist$`)
	noOperator = lazyregexp.New(`^operator does not exist: .*?([-+*/<>=~!@#%^&|` + "`" + `?]+)(?: |$)`)
	noDefault  = lazyregexp.New(`^data type .+ has no default operator class for access method "([^"]+)"$`)
)

// parseMissingObject reads the missing object from an error of the server.
func parseMissingObject(err error) (l missingObject, ok bool) {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return missingObject{}, false
	}
	switch pg.Code {
	case "42704", "42883", "3F000", "42P01", "42703":
	default:
		return missingObject{}, false
	}
	var name string
	switch {
	case pg.Code == "42883" && noOperator.MatchString(pg.Message):
		return missingObject{kind: string(member.Operator), name: noOperator.FindStringSubmatch(pg.Message)[1]}, true
	case noFunction.MatchString(pg.Message):
		l.kind, name = string(member.Function), noFunction.FindStringSubmatch(pg.Message)[1]
	case noDefault.MatchString(pg.Message):
		return missingObject{kind: defaultClass, name: noDefault.FindStringSubmatch(pg.Message)[1]}, true
	case noNamed.MatchString(pg.Message):
		m := noNamed.FindStringSubmatch(pg.Message)
		l.kind, name = m[1], m[2]
	default:
		return missingObject{}, false
	}
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 && l.kind != "schema" {
		l.schema, name = name[:dot], name[dot+1:]
	}
	l.name = strings.Trim(name, `"`)
	return l, true
}

const defaultClass = "default operator class"

// extensionName returns the contrib extension that has the object; "" for none.
func (l missingObject) extensionName() string {
	if l.kind == defaultClass {
		return map[string]string{"gin": "btree_gin", "gist": "btree_gist"}[l.name]
	}
	return member.ExtensionOf(member.Kind(l.kind), l.name)
}

// foreignTypes are the types of extensions that do not come with Postgres, with the
// extension. A type of the same name replaces each, so that columns of the type
// exist and everything else is rehearsed.
var foreignTypes = map[string]string{
	"geometry": "postgis", "geography": "postgis", "box2d": "postgis", "box3d": "postgis", "geometry_dump": "postgis", "raster": "postgis_raster", "topogeometry": "postgis_topology",
	"vector": "vector", "halfvec": "vector", "sparsevec": "vector",
	"h3index": "h3", "roaringbitmap": "roaringbitmap", "hll": "hll", "ip4": "ip4r", "ip4r": "ip4r", "iprange": "ip4r", "semver": "semver",
	"uint1": "uint", "uint2": "uint", "uint4": "uint", "uint8": "uint", "agtype": "age", "graphid": "age", "tdigest": "tdigest", "rrule": "pg_rrule", "ulid": "ulid",
}

// mayBeInExtension reports whether the object is of a kind that extensions have.
func (l missingObject) mayBeInExtension() bool {
	switch l.kind {
	case "schema", "extension", "foreign-data wrapper", "server", "type", "function", "operator", "operator class", "access method", "text search dictionary",
		"text search configuration", defaultClass:
		return true
	}
	return false
}
