package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// write is the use that a statement makes of its target relation.
type write struct {
	event string // "insert", "update", "delete"; "merge"
	// columns are those that an INSERT gives or an UPDATE sets, as far as it
	// names them.
	columns []string
	// returning and arbiter: the statement has a RETURNING, an ON CONFLICT.
	returning, arbiter bool
}

// RuleEvent identifies the rules of a relation for an event: "insert", "update", "delete".
type RuleEvent struct {
	On    catalog.OID
	Event string
}

// checkTarget checks what a statement writes to, through the rules and views that
// rewrite it.
// https://www.postgresql.org/docs/current/rules-update.html
func (a *queryChecker) checkTarget(rv *pgparse.RangeVar, w write) {
	rel := a.resolveTable(rv)
	switch {
	case rel == nil:
	case rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence:
		a.RecordRefusal(pgerror.NotChangeable, rel.Kind.String(), rel.Name.Name)
	default:
		a.checkRewritten(rel, w)
	}
}

func (a *queryChecker) checkRewritten(rel *catalog.Relation, w write) {
	if a.depth > maxDepth {
		return
	}
	a.depth++
	defer func() { a.depth-- }()
	instead, conditional := a.checkFiredRules(rel, w)
	if !instead && rel.Kind == catalog.View && rel.View != nil {
		a.checkViewWrite(rel, w, conditional)
	}
}

// checkViewWrite checks a statement that writes to a view and that no rule replaced.
func (a *queryChecker) checkViewWrite(view *catalog.Relation, w write, conditional bool) {
	if HasInsteadTrigger(view, w.event) {
		return
	}
	if a.C.Complete || a.C.Unmodelled == nil {
		if conditional || a.C.ReadOnly(view) != "" {
			a.RecordRefusal(pgerror.ViewNotWritten, cannotWrite[w.event], view.Name.Name)
			return
		}
		for _, name := range w.columns {
			if a.C.IsComputed(view, name) {
				a.RecordRefusal(pgerror.ViewColumnNotSet, cannotSet[w.event], name, view.Name.Name)
				return
			}
		}
	}
	if base := a.C.BaseOfView(view); base != nil {
		w.columns = a.C.BaseColumns(view, w.columns)
		a.checkRewritten(base, w)
	}
}

// HasInsteadTrigger reports whether triggers of a view do what a statement wants of it.
func HasInsteadTrigger(view *catalog.Relation, event string) bool {
	return contains(view.InsteadOf(), event) || event == "merge" && len(view.InsteadOf()) > 0
}

var (
	cannotWrite = map[string]string{"insert": "cannot insert into", "update": "cannot update", "delete": "cannot delete from", "merge": "cannot merge into"}
	cannotSet   = map[string]string{"insert": "cannot insert into", "update": "cannot update", "delete": "cannot update", "merge": "cannot merge into"}
	verbs       = map[string]string{"insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}
)

// checkFiredRules checks the actions of the rules that a statement sets off, and whether
// it may do so. instead: it does not run itself; conditional: for some rows only.
func (a *queryChecker) checkFiredRules(rel *catalog.Relation, w write) (instead, conditional bool) {
	updates, returning, products := false, false, 0
	ruleEvent := RuleEvent{rel.OID, w.event}
	for _, u := range rel.Rules {
		updates = updates || u.Event == "update"
		if u.Event != w.event || u.Disabled {
			continue
		}
		instead = instead || u.Instead && u.Where == nil
		conditional = conditional || u.Instead && u.Where != nil
		products += len(u.Actions)
		if len(u.Actions) > 0 && contains(a.firing, ruleEvent) {
			a.RecordRefusal(pgerror.RuleRecursion, rel.Name.Name)
			return instead, conditional
		}
		a.firing = append(a.firing, ruleEvent)
		a.checkRuleActions(u)
		a.firing = a.firing[:len(a.firing)-1]
		returning = returning || hasReturningAction(u)
	}
	switch {
	case len(rel.Rules) == 0:
	case w.returning && (instead || conditional) && !returning:
		a.RecordRefusal(pgerror.RuleReturning, verbs[w.event], rel.Name.Name)
	case w.arbiter && (products > 0 || updates):
		a.RecordRefusal(pgerror.RuleConflict)
	case !a.within:
	case instead && products == 0:
		a.RecordRefusal(pgerror.RuleNothing)
	case conditional && products > 0:
		a.RecordRefusal(pgerror.RuleConditional)
	case !instead && products > 0:
		a.RecordRefusal(pgerror.RuleAlso)
	case products > 1:
		a.RecordRefusal(pgerror.RuleMany)
	}
	return instead, conditional
}

// checkRuleActions checks the actions of a rule. Their names mean what they meant when
// the rule was made.
func (a *queryChecker) checkRuleActions(u *catalog.Rule) {
	outer, wasWithin := a.bound, a.within
	a.bound, a.within = u.Reads, false
	a.checkNode(u.Where, query.BindExpr(u.Where, query.NoRelations{}))
	for _, action := range u.Actions {
		a.checkQueryLevel(query.BindScopes(pgparse.Unwrap(action)))
	}
	a.bound, a.within = outer, wasWithin
}

// hasReturningAction reports whether an action of a rule gives what RETURNING asks for.
func hasReturningAction(u *catalog.Rule) bool {
	for _, action := range u.Actions {
		var r *pgparse.ReturningClause
		switch m := pgparse.Unwrap(action).(type) {
		case *pgparse.InsertStmt:
			r = m.GetReturningClause()
		case *pgparse.UpdateStmt:
			r = m.GetReturningClause()
		case *pgparse.DeleteStmt:
			r = m.GetReturningClause()
		}
		if r != nil {
			return true
		}
	}
	return false
}
