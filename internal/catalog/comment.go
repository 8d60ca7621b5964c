package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// setComment folds COMMENT ON. Only relations and columns keep their comments.
// https://www.postgresql.org/docs/current/sql-comment.html
func (f *fold) setComment(s *pgparse.CommentStmt) {
	list := pgparse.ListItems(s.GetObject())
	switch s.GetObjtype() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_INDEX,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		schema, name := pgparse.SchemaAndName(list)
		if r := f.requireRelationNamed(schema, name, KindOfObject(s.GetObjtype()), false); r != nil {
			f.editRelation(r.OID).Comment = s.GetComment()
		}
	case pgparse.ObjectType_OBJECT_COLUMN:
		if len(list) < 2 {
			return
		}
		schema, name := pgparse.SchemaAndName(list[:len(list)-1])
		r := f.requireRelationNamed(schema, name, Table, false)
		if r == nil {
			return
		}
		if c := f.requireColumn(r.OID, pgparse.LastText(list), false); c != nil {
			f.editRelation(r.OID).editColumn(c.Attnum).Comment = s.GetComment()
		}
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT, pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
		f.checkCommentTarget(s, list)
	default:
		// Types, functions, databases, roles, …
	}
}

// checkCommentTarget refuses a comment on a constraint, trigger, policy or rule that its
// table does not have. The comment itself is not kept.
func (f *fold) checkCommentTarget(s *pgparse.CommentStmt, list []*pgparse.Node) {
	if len(list) < 2 {
		return
	}
	schema, name := pgparse.SchemaAndName(list[:len(list)-1])
	r := f.requireRelationNamed(schema, name, Table, false)
	if r == nil || r.Inferred || r.Partial {
		return
	}
	partName := clipName(pgparse.LastText(list))
	switch s.GetObjtype() {
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
		if r.Constraint(partName) == nil && f.notNullNamed(r, partName) == nil {
			f.addProblem(f.isHistoryComplete(), pgerror.ConstraintMissingFor, partName, r.Name.Name)
		}
	case pgparse.ObjectType_OBJECT_TRIGGER:
		if r.Trigger(partName) == nil {
			f.addProblem(f.isHistoryComplete(), pgerror.ObjectMissingOn, "trigger", partName, r.Name.Name)
		}
	case pgparse.ObjectType_OBJECT_POLICY:
		if !slices.ContainsFunc(r.Policies, func(p *Policy) bool { return p.Name == partName }) {
			f.addProblem(f.isHistoryComplete(), pgerror.ObjectMissingOn, "policy", partName, r.Name.Name)
		}
	case pgparse.ObjectType_OBJECT_RULE:
		// A view has the rule _RETURN, which is its query.
		if partName != "_RETURN" && !slices.ContainsFunc(r.Rules, func(u *Rule) bool { return u.Name == partName }) {
			f.addProblem(f.isHistoryComplete(), pgerror.RuleMissing, partName, r.Name.Name)
		}
	}
}
