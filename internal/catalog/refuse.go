package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Judge is Apply for a statement that is judged, not only folded: if Apply has no objection,
// it also checks the names that Apply does not (checkNames).
func (c *Catalog) Judge(node *pgparse.Node, sql string, block bool) (*Catalog, []Problem) {
	after, problems := c.Apply(node, sql)
	if len(problems) == 0 {
		if p := c.CheckNames(node, block); p != nil {
			problems = []Problem{*p}
		} else if p := checkBlockBody(node, sql); p != nil {
			problems = []Problem{*p}
		}
	}
	return after, problems
}

// CheckNames returns the server's objection to the names in a statement that Apply does not
// check: the target of an INSERT, UPDATE, DELETE or MERGE and its columns, the arbiter of
// ON CONFLICT, and the names in its queries. It returns nil if there is none, or if it is
// not certain. block says that the statement is in a PL/pgSQL block, where a name may be
// a variable.
//
// It is called when a statement is judged, not when a history is folded.
func (c *Catalog) CheckNames(node *pgparse.Node, block bool) *Problem {
	k := &checker{c: c, block: block}
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.SelectStmt,
		*pgparse.ViewStmt, *pgparse.CreateTableAsStmt:
		k.checkQuery(node)
	case *pgparse.TruncateStmt:
		for _, n := range s.GetRelations() {
			k.resolveRelation(n.GetRangeVar())
		}
	case *pgparse.CopyStmt:
		if s.GetRelation() != nil {
			k.checkTargets(k.resolveRelation(s.GetRelation()), s.GetAttlist())
		}
	case *pgparse.CreateStmt:
		k.checkCreateTable(s)
	case *pgparse.AlterTableStmt:
		k.checkAlterTable(s)
	case *pgparse.IndexStmt:
		row := k.newTargetRowSource(s.GetRelation())
		for _, n := range s.GetIndexParams() {
			k.checkExpr(n.GetIndexElem().GetExpr(), row)
		}
		k.checkExpr(s.GetWhereClause(), row)
	case *pgparse.CreatePolicyStmt:
		k.checkExpr(s.GetQual(), k.newTargetRowSource(s.GetTable()))
		k.checkExpr(s.GetWithCheck(), k.newTargetRowSource(s.GetTable()))
	case *pgparse.AlterPolicyStmt:
		k.checkExpr(s.GetQual(), k.newTargetRowSource(s.GetTable()))
		k.checkExpr(s.GetWithCheck(), k.newTargetRowSource(s.GetTable()))
	case *pgparse.CreateTrigStmt:
		k.checkTrigger(s)
	case *pgparse.CreateFunctionStmt:
		k.checkFunctionBody(s)
	}
	k.checkAbsentNames(node)
	return k.problem
}

// isHistoryComplete reports whether every object that was seen created still exists for certain:
// nothing ran that could not be folded. A block that executes no text is represented by
// its statements, which are folded after it.
func (c *Catalog) isHistoryComplete() bool {
	for n := c.Unmodelled; n != nil && !c.Complete; n = n.Next {
		if !n.Told || n.names != nil {
			return false
		}
	}
	return true
}

// checker finds the first reason for which the server refuses a statement.
type checker struct {
	c       *Catalog
	block   bool
	unseen  bool // a name that should have been seen is a problem, too
	problem *Problem
}

func (k *checker) recordProblem(kind pgerror.Kind, objects ...string) {
	if k.problem == nil {
		k.problem = &Problem{Refusal: *kind.NewRefusal(objects...), Certain: true}
	}
}

// resolveRelation returns the relation that a statement names; nil if it is not known. It
// records a problem if the relation certainly does not exist.
func (k *checker) resolveRelation(rv *pgparse.RangeVar) *Relation {
	schema, name := pgparse.RangeName(rv)
	if schema == "" && !k.hasPublicSearchPath() {
		return nil // who knows which path is in force
	}
	n := k.c.ResolveName(schema, name)
	switch {
	case n.Relation != nil || n.System || n.Full.Schema == "pg_temp":
		return n.Relation
	case n.Dropped:
		k.recordProblem(pgerror.RelationMissing, displayName(schema, name))
	case k.problem == nil:
		if r := k.c.FindCaseVariant(n.Full); r != nil {
			p := newCaseVariantProblem(displayName(schema, name), r)
			k.problem = &p
		}
	}
	return nil
}

// hasPublicSearchPath reports whether names without a schema mean public. Another search path may
// no longer be in force, because a setting ends with its session or transaction.
func (k *checker) hasPublicSearchPath() bool {
	p := k.c.SearchPath
	return len(p) == 0 || len(p) == 1 && p[0] == "public"
}

// isFullyKnown reports whether all columns, indexes and constraints of a relation are
// known.
func (k *checker) isFullyKnown(r *Relation) bool {
	return k.c.isHistoryComplete() && r != nil && !r.Inferred && !r.Partial && !r.Adopted
}

// isColumnAbsent reports whether it is certain that a relation has no such column.
func (k *checker) isColumnAbsent(r *Relation, name string) bool {
	if r == nil || r.Column(name) != nil || IsSystemColumn(name) {
		return false
	}
	return slices.Contains(r.DroppedColumns, name) && !r.Adopted ||
		k.isFullyKnown(r) && (r.Kind.IsTable() || r.Kind == View || r.Kind == MaterializedView)
}

// IsSystemColumn reports whether every table has a column of that name, or had one before Postgres 12.
func IsSystemColumn(name string) bool {
	switch name {
	case "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax", "oid":
		return true
	}
	return false
}

// checkTargets checks the columns that a statement writes: an INSERT's list, or the SET of an
// UPDATE.
func (k *checker) checkTargets(r *Relation, list []*pgparse.Node) {
	if r == nil || !r.Kind.IsTable() {
		return
	}
	for i, n := range list {
		t := n.GetResTarget()
		name := clipName(t.GetName())
		if t == nil {
			name = clipName(pgparse.StringText(n))
		}
		if k.isColumnAbsent(r, name) {
			k.recordProblem(pgerror.ColumnMissing, name, r.Name.Name)
			k.problem.Like = r.findCaseVariant(name)
			return
		}
		if len(t.GetIndirection()) > 0 {
			continue // a part of it
		}
		for _, other := range list[:i] {
			if o := other.GetResTarget(); o != nil && clipName(o.GetName()) == name && len(o.GetIndirection()) == 0 && r.Column(name) != nil {
				k.recordDuplicateTarget(t, name)
				return
			}
		}
	}
}

// recordDuplicateTarget is a column that is given two values.
func (k *checker) recordDuplicateTarget(t *pgparse.ResTarget, name string) {
	if t.GetVal() != nil {
		k.recordProblem(pgerror.SetTwice, name)
		return
	}
	k.recordProblem(pgerror.ColumnTwice, name)
}
