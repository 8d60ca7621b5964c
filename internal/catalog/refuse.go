package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// Refuses gives what the server has against a statement because of what it
// names, where Apply does not look: the target of an INSERT, UPDATE, DELETE or
// MERGE and its columns, the arbiter of ON CONFLICT, and what the queries in
// it read. nil when it has nothing, or that is not certain. block says that the
// statement stands in a block of PL/pgSQL, where a name may be a variable.
//
// It is asked where a statement is judged, not where a history is folded.
func (c *Catalog) Refuses(node *pgparse.Node, block bool) *Problem {
	k := &checker{c: c, block: block}
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt,
		*pgparse.ViewStmt, *pgparse.CreateTableAsStmt:
		k.statement(node)
	case *pgparse.TruncateStmt:
		for _, n := range s.GetRelations() {
			k.relation(n.GetRangeVar())
		}
	case *pgparse.CopyStmt:
		if s.GetRelation() != nil {
			k.targets(k.relation(s.GetRelation()), s.GetAttlist())
		}
	case *pgparse.CreateStmt:
		k.createTable(s)
	case *pgparse.AlterTableStmt:
		k.alterTable(s)
	case *pgparse.CreateTrigStmt:
		k.trigger(s)
	case *pgparse.CreateFunctionStmt:
		k.functionBody(s)
	}
	return k.problem
}

// sure reports whether what was seen created can be relied on to be there
// still: nothing ran that could not be folded. A block that executes no text is
// told by its statements, which are folded behind it.
func (c *Catalog) sure() bool {
	for n := c.Unmodelled; n != nil && !c.Complete; n = n.Next {
		if !n.Told || n.names != nil {
			return false
		}
	}
	return true
}

// checker looks for the first thing that the server has against a statement.
type checker struct {
	c       *Catalog
	block   bool
	problem *Problem
}

func (k *checker) fail(kind refuse.Kind, objects ...string) {
	if k.problem == nil {
		k.problem = &Problem{Refusal: *kind.Of(objects...), Certain: true}
	}
}

// relation is what a statement names; nil when it is not known. That it does
// not exist is a problem where that is certain.
func (k *checker) relation(rv *pgparse.RangeVar) *Relation {
	schema, name := pgparse.RangeName(rv)
	if schema == "" && !k.plainPath() {
		return nil // who knows which path is in force
	}
	if r := k.c.find(schema, name); r != nil {
		return r
	}
	full := k.c.nameFor(schema, name)
	if systemSchema(full.Schema) || full.Schema == "pg_temp" || schema == "" && len(name) > 3 && name[:3] == "pg_" {
		return nil
	}
	if _, gone := k.c.gone.get(objectKey{"relation", full}); gone {
		k.fail(refuse.RelationMissing, displayName(schema, name))
	} else if r := k.c.Twin(full); r != nil && k.problem == nil {
		p := missingTwin(displayName(schema, name), r)
		k.problem = &p
	}
	return nil
}

// plainPath reports whether names without a schema are those of public: a
// search path that was set may be another by now, as that of a session or a
// transaction ends with it.
func (k *checker) plainPath() bool {
	p := k.c.SearchPath
	return len(p) == 0 || len(p) == 1 && p[0] == "public"
}

// whole reports whether all columns, indexes and constraints of a relation are
// known.
func (k *checker) whole(r *Relation) bool {
	return k.c.sure() && r != nil && !r.Inferred && !r.Partial && !r.Adopted
}

// lacks reports whether it is certain that a relation has no such column.
func (k *checker) lacks(r *Relation, name string) bool {
	if r == nil || r.Column(name) != nil || systemColumn(name) {
		return false
	}
	return slices.Contains(r.DroppedColumns, name) && !r.Adopted ||
		k.whole(r) && (r.Kind.IsTable() || r.Kind == View || r.Kind == MaterializedView)
}

func systemColumn(name string) bool {
	switch name {
	case "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax", "oid":
		return true
	}
	return false
}

// targets checks the columns that a statement writes: those of an INSERT, or
// what an UPDATE sets.
func (k *checker) targets(r *Relation, list []*pgparse.Node) {
	if r == nil || !r.Kind.IsTable() {
		return
	}
	for i, n := range list {
		t := n.GetResTarget()
		name := clip(t.GetName())
		if t == nil {
			name = clip(pgparse.Text(n))
		}
		if k.lacks(r, name) {
			k.fail(refuse.ColumnMissing, name, r.Name.Name)
			k.problem.Like = r.alike(name)
			return
		}
		if len(t.GetIndirection()) > 0 {
			continue // a part of it
		}
		for _, other := range list[:i] {
			if o := other.GetResTarget(); o != nil && clip(o.GetName()) == name && len(o.GetIndirection()) == 0 && r.Column(name) != nil {
				k.twice(t, name)
				return
			}
		}
	}
}

// twice is a column that is given two values.
func (k *checker) twice(t *pgparse.ResTarget, name string) {
	if t.GetVal() != nil {
		k.fail(refuse.SetTwice, name)
		return
	}
	k.fail(refuse.ColumnTwice, name)
}
