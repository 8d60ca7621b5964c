package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Resolve finds the relation that a statement names. If the catalog does not have it, it
// returns false and a stand-in, which is not stored: OID 0, Inferred, no columns, in the
// schema where the name would be created.
func (c *Catalog) Resolve(rv *pgparse.RangeVar) (*Relation, bool) {
	n := c.ResolveName(pgparse.RangeName(rv))
	if n.Relation != nil {
		return n.Relation, true
	}
	return StandIn(n.Full, Table, true), false
}

// ResolvedName is what a catalog knows of a relation's name.
type ResolvedName struct {
	// Full is the full name; the most likely one if no known relation has the name.
	Full Name
	// Relation is nil if the catalog has not seen one of this name.
	Relation *Relation
	// OffPath is set if the name has no schema and the relation is in none of the search path: an empty path means
	// that statements name their schemas, and a file may forget one.
	OffPath bool
	// Dropped is set if it was seen to be dropped, and not created again. IsMissing also if the catalog is complete.
	Dropped, IsMissing bool
	// System is set for names of the server, which no migration creates.
	System bool
}

// ResolveName finds a relation by its name, along the search path if schema is "". What to do without one is the
// caller's question: a fold infers it, a check of names is silent, and a refusal needs a complete catalog.
func (c *Catalog) ResolveName(schema, name string) ResolvedName {
	if r, offPath := c.findOnPathOrOff(schema, name); r != nil {
		return ResolvedName{Full: r.Name, Relation: r, OffPath: offPath}
	}
	out := ResolvedName{Full: c.guessFullName(schema, name), System: IsSystemName(schema, name)}
	_, out.Dropped = c.gone.get(objectKey{"relation", out.Full})
	out.IsMissing = c.Complete || out.Dropped
	return out
}

// findOnPathOrOff is Lookup that also searches the schema where the name would be created, even if it is not on the
// search path.
func (c *Catalog) findOnPathOrOff(schema, name string) (r *Relation, offPath bool) {
	if r := c.Lookup(schema, name); r != nil || schema != "" {
		return r, false
	}
	if schema = c.CreationSchema(); slices.Contains(c.SearchPath, schema) {
		return nil, false // it was looked for there
	}
	return c.Lookup(schema, name), true
}

// IsSystemName reports whether a relation's name belongs to the server.
func IsSystemName(schema, name string) bool {
	return isSystemSchema(schema) || schema == "" && strings.HasPrefix(name, "pg_")
}

// findRelation returns the relation of a name, as ResolveName finds it; nil for none.
func (c *Catalog) findRelation(schema, name string) *Relation {
	r, _ := c.findOnPathOrOff(schema, name)
	return r
}

// requireRelation finds the relation that a statement works on. A relation that the catalog has
// not seen becomes an inferred one of the given kind. It returns nil if the relation
// certainly does not exist, which is a problem unless missingOK.
func (f *fold) requireRelation(rv *pgparse.RangeVar, kind Kind, missingOK bool) *Relation {
	schema, name := pgparse.RangeName(rv)
	return f.requireRelationNamed(schema, name, kind, missingOK)
}

func (f *fold) requireRelationNamed(schema, name string, kind Kind, missingOK bool) *Relation {
	if name == "" {
		return nil
	}
	n := f.ResolveName(schema, name)
	switch {
	case f.guessFullName(schema, name) == f.creating:
		f.addProblem(true, pgerror.RelationMissing, displayName(schema, name))
		return nil
	case n.Relation != nil:
		return n.Relation
	case n.IsMissing && !isSystemSchema(n.Full.Schema):
		// The views of the server and of its extensions are in no dump.
		if !missingOK && !n.System {
			f.addProblem(true, pgerror.RelationMissing, displayName(schema, name))
		}
		return nil
	}
	if r := f.FindCaseVariant(n.Full); r != nil && !missingOK {
		f.problems = append(f.problems, newCaseVariantProblem(displayName(schema, name), r))
	}
	return f.inferRelation(n.Full, kind)
}

// LookupMapped returns the relation for a name as an ORM writes it, perhaps schema"."table; nil for none.
func (c *Catalog) LookupMapped(name string) *Relation {
	schema, base, qualified := strings.Cut(name, `"."`)
	if !qualified {
		schema, base = "", name
	}
	return c.Lookup(schema, base)
}
