package rehearse

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgserver/member"
)

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

// isAmong reports whether the missing object is one of those that were left out.
func (l missingObject) isAmong(names []string) bool { return slices.Contains(names, l.name) }

// mayBeInExtension reports whether the object is of a kind that extensions have.
func (l missingObject) mayBeInExtension() bool {
	switch l.kind {
	case "schema", "extension", "foreign-data wrapper", "server", "type", "function", "operator", "operator class", "access method", "text search dictionary",
		"text search configuration", defaultClass:
		return true
	}
	return false
}
