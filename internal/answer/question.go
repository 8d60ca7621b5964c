// Package answer tells what the server says to a statement on a schema: nothing,
// or a refusal. It is asked before the schema changes and before locks are told; who
// tells locks looks for no refusal by himself.
//
// The order of the checks is the server's: it reports the first that fails.
package answer

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// Question is a statement, a schema and a version on the way to an answer.
type Question struct {
	C *catalog.Catalog
	V *Version
	// No is the server's refusal; the first one counts. nil: none so far.
	No *refuse.Refusal
	// Schema is where unqualified names are created in CREATE SCHEMA, "" is the
	// catalog's own; Made are the relations that it has created so far.
	Schema string
	Made   []string
}

// Refuse records what the server says no with, unless it has said it already.
func (q *Question) Refuse(kind refuse.Kind, objects ...string) { q.Deny(kind.Of(objects...)) }

// Deny is Refuse for what is told already; nil is no refusal.
func (q *Question) Deny(no *refuse.Refusal) {
	if q.No == nil {
		q.No = no
	}
}

// CreationSchema is where an unqualified name is created.
func (q *Question) CreationSchema() string {
	if q.Schema != "" {
		return q.Schema
	}
	return q.C.CreationSchema()
}

// System reports whether a name is one of the server's own, whose locks are not
// told.
func System(schema, name string) bool {
	return schema == "pg_catalog" || schema == "information_schema" || schema == "" && strings.HasPrefix(name, "pg_")
}

// Find is the relation of a name: the one of the catalog, or a stand-in for
// one that it has not seen; nil for the server's own and for one that a
// complete catalog does not have, which is then refused unless missingOK, and
// for one that may be missing and was seen to go.
func (q *Question) Find(schema, name string, kind catalog.Kind, missingOK bool) *catalog.Relation {
	if contains(q.Made, name) && (schema == "" || schema == q.Schema) {
		return nil
	}
	if rel := q.C.Lookup(schema, name); rel != nil {
		return rel
	}
	if name == "" || System(schema, name) {
		return nil
	}
	if q.C.Complete {
		if !missingOK {
			q.Deny(missing(schema, name, kind))
		}
		return nil
	}
	if missingOK && q.C.Gone(schema, name) {
		return nil
	}
	if schema == "" {
		schema = q.C.CreationSchema()
	}
	return catalog.StandIn(catalog.Name{Schema: schema, Name: name}, kind, true)
}

func missing(schema, name string, kind catalog.Kind) *refuse.Refusal {
	if schema != "" {
		name = schema + "." + name
	}
	switch kind {
	case catalog.Index:
		return refuse.IndexMissing.Of(name)
	case catalog.View, catalog.MaterializedView, catalog.Sequence:
		return refuse.RelationMissingAs.Of(kind.String(), name)
	}
	return refuse.RelationMissing.Of(name)
}

// Table is Find for what a statement names as its table.
func (q *Question) Table(rv *pgparse.RangeVar) *catalog.Relation {
	return q.Find(rv.GetSchemaname(), rv.GetRelname(), catalog.Table, false)
}

// Column finds a column; known is false when the table's columns are not all
// known, so that a missing one may exist.
func (q *Question) Column(rel *catalog.Relation, name string) (col *catalog.Column, known bool) {
	if col = rel.Column(name); col != nil {
		return col, !col.Inferred
	}
	return nil, q.Whole(rel)
}

// Whole reports whether all columns and constraints of a relation are known:
// it was seen created, and nothing else happened that could not be read.
func (q *Question) Whole(rel *catalog.Relation) bool {
	return !rel.Inferred && !rel.Partial && (q.C.Complete || q.C.Unmodelled == nil)
}

// NewName is the full name of a relation that a statement creates.
func (q *Question) NewName(rv *pgparse.RangeVar) catalog.Name {
	schema := rv.GetSchemaname()
	if rv.GetRelpersistence() == "t" {
		schema = "pg_temp"
	}
	if schema == "" {
		schema = q.CreationSchema()
	} else {
		q.Present("schema", schema)
	}
	return catalog.Name{Schema: schema, Name: rv.GetRelname()}
}

// Kind is the kind of relation that a statement says it is about.
func Kind(t pgparse.ObjectType) catalog.Kind {
	switch t {
	case pgparse.ObjectType_OBJECT_INDEX:
		return catalog.Index
	case pgparse.ObjectType_OBJECT_VIEW:
		return catalog.View
	case pgparse.ObjectType_OBJECT_MATVIEW:
		return catalog.MaterializedView
	case pgparse.ObjectType_OBJECT_SEQUENCE:
		return catalog.Sequence
	case pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		return catalog.ForeignTable
	case pgparse.ObjectType_OBJECT_TYPE:
		return catalog.CompositeType
	}
	return catalog.Table
}

// maxDepth bounds recursion through partitions, types and expressions: a folded
// catalog may hold what a server never would.
const maxDepth = 64
