// Package refusal predicts whether the server refuses a statement on a schema, and with
// which error. What depends on the version, on the text or on the rows is found here; what
// applying the statement to the schema shows is found by the catalog, whose problems
// KeepProblem takes over. The code that determines locks does not look for refusals itself.
//
// The order of the checks is the server's: it reports the first that fails.
package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Checker finds the server's refusal of a statement, for a schema and a version.
type Checker struct {
	C *catalog.Catalog
	V *Version
	// Refusal is the server's refusal. The first one counts; nil: none so far.
	Refusal *pgerror.Refusal
	// UncheckedBodies: the server does not read a body that is a string when the function is made.
	UncheckedBodies bool
	// Schema is the schema of CREATE SCHEMA, in which unqualified names are created; ""
	// is the catalog's default. Made are the relations that the statement has created so
	// far.
	Schema string
	Made   []string
	// Commands are the commands of the ALTER TABLE that is checked, on C. NewAlteration makes them if the caller does not have them.
	Commands *catalog.Commands
}

// RecordRefusal records a refusal, unless there is one already.
func (q *Checker) RecordRefusal(kind pgerror.Kind, objects ...string) {
	q.KeepRefusal(kind.NewRefusal(objects...))
}

// KeepRefusal is RecordRefusal for an existing refusal; nil is none.
func (q *Checker) KeepRefusal(no *pgerror.Refusal) {
	if q.Refusal == nil {
		q.Refusal = no
	}
}

// KeepProblem keeps the first objection of the catalog (catalog.Judge) that holds on this
// version, unless there is a refusal already. An objection that may be wrong because the
// catalog lacks something is none.
func (q *Checker) KeepProblem(problems []catalog.Problem) {
	for i := range problems {
		if p := &problems[i]; (p.Certain || p.Conflict) && q.Refusal == nil && !(p.Body && q.UncheckedBodies) && p.AppliesTo(q.V.AtLeast) {
			q.Refusal = &p.Refusal
		}
	}
}

// CreationSchema returns the schema in which an unqualified name is created.
func (q *Checker) CreationSchema() string {
	if q.Schema != "" {
		return q.Schema
	}
	return q.C.CreationSchema()
}

// FindRelation returns the relation of a name: the catalog's, or a stand-in for a relation that
// the catalog has not seen. It returns nil for the server's own relations, for a relation
// that was dropped and may be missing, and for one that a complete catalog does not have.
// The latter is refused unless missingOK.
func (q *Checker) FindRelation(schema, name string, kind catalog.Kind, missingOK bool) *catalog.Relation {
	if contains(q.Made, name) && (schema == "" || schema == q.Schema) {
		return nil
	}
	n := q.C.ResolveName(schema, name)
	switch {
	case n.Relation != nil && !n.OffPath:
		return n.Relation
	case name == "" || n.System:
		return nil
	case q.C.Complete:
		if !missingOK {
			q.KeepRefusal(missingRefusal(schema, name, kind))
		}
		return nil
	case missingOK && n.Dropped:
		return nil
	}
	return catalog.StandIn(n.Full, kind, true)
}

func missingRefusal(schema, name string, kind catalog.Kind) *pgerror.Refusal {
	if schema != "" {
		name = schema + "." + name
	}
	switch kind {
	case catalog.Index:
		return pgerror.IndexMissing.NewRefusal(name)
	case catalog.View, catalog.MaterializedView, catalog.Sequence:
		return pgerror.RelationMissingAs.NewRefusal(kind.String(), name)
	}
	return pgerror.RelationMissing.NewRefusal(name)
}

// FindTable is FindRelation for the table that a statement names.
func (q *Checker) FindTable(rv *pgparse.RangeVar) *catalog.Relation {
	return q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.Table, false)
}

// FindColumn finds a column. known is false if not all columns of the table are known, so
// that a missing column may exist.
func (q *Checker) FindColumn(rel *catalog.Relation, name string) (col *catalog.Column, known bool) {
	if col = rel.Column(name); col != nil {
		return col, !col.Inferred
	}
	return nil, q.IsFullyKnown(rel)
}

// IsFullyKnown is [catalog.Catalog.IsFullyKnown].
func (q *Checker) IsFullyKnown(rel *catalog.Relation) bool { return q.C.IsFullyKnown(rel) }

// NewName returns the full name of a relation that a statement creates.
func (q *Checker) NewName(rv *pgparse.RangeVar) catalog.Name {
	schema := rv.GetSchemaname()
	if rv.GetRelpersistence() == "t" {
		schema = "pg_temp"
	}
	if schema == "" {
		schema = q.CreationSchema()
	} else {
		q.RequireObject("schema", schema)
	}
	return catalog.Name{Schema: schema, Name: rv.GetRelname()}
}

// maxDepth limits recursion through partitions, types and expressions: a folded catalog
// may be deeper than any server's.
const maxDepth = 64

func contains[T comparable](list []T, x T) bool { return slices.Contains(list, x) }
