package answer

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/refuse"
)

// write is what a statement wants of the relation that it names as its target.
type write struct {
	event string // "insert", "update", "delete"; "merge"
	// columns are those that an INSERT gives or an UPDATE sets, as far as it
	// names them.
	columns []string
	// returning and arbiter: the statement has a RETURNING, an ON CONFLICT.
	returning, arbiter bool
}

// Firing is a rule or trigger at work.
type Firing struct {
	On    catalog.OID
	Event string
}

// target asks about what a statement writes to, through the rules and views that
// rewrite it.
// https://www.postgresql.org/docs/current/rules-update.html
func (a *asking) target(rv *pgparse.RangeVar, w write) {
	rel := a.table(rv)
	switch {
	case rel == nil:
	case rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence:
		a.Refuse(refuse.NotChangeable, rel.Kind.String(), rel.Name.Name)
	default:
		a.rewritten(rel, w)
	}
}

func (a *asking) rewritten(rel *catalog.Relation, w write) {
	if a.depth > maxDepth {
		return
	}
	a.depth++
	defer func() { a.depth-- }()
	instead, conditional := a.fire(rel, w)
	if !instead && rel.Kind == catalog.View && rel.View != nil {
		a.throughView(rel, w, conditional)
	}
}

// throughView is a statement that writes to a view and that no rule replaced.
func (a *asking) throughView(view *catalog.Relation, w write, conditional bool) {
	if Instead(view, w.event) {
		return
	}
	if a.C.Complete || a.C.Unmodelled == nil {
		if conditional || a.C.ReadOnly(view) != "" {
			a.Refuse(refuse.ViewNotWritten, cannotWrite[w.event], view.Name.Name)
			return
		}
		for _, name := range w.columns {
			if a.C.Computed(view, name) {
				a.Refuse(refuse.ViewColumnNotSet, cannotSet[w.event], name, view.Name.Name)
				return
			}
		}
	}
	if base := a.C.Base(view); base != nil {
		w.columns = a.C.BaseColumns(view, w.columns)
		a.rewritten(base, w)
	}
}

// Instead reports whether triggers of a view do what a statement wants of it.
func Instead(view *catalog.Relation, event string) bool {
	return contains(view.InsteadOf(), event) || event == "merge" && len(view.InsteadOf()) > 0
}

var (
	cannotWrite = map[string]string{"insert": "cannot insert into", "update": "cannot update", "delete": "cannot delete from", "merge": "cannot merge into"}
	cannotSet   = map[string]string{"insert": "cannot insert into", "update": "cannot update", "delete": "cannot update", "merge": "cannot merge into"}
	verbs       = map[string]string{"insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}
)

// fire asks about the actions of the rules that a statement sets off, and whether
// it may do so. instead: it does not run itself; conditional: for some rows only.
func (a *asking) fire(rel *catalog.Relation, w write) (instead, conditional bool) {
	updates, returning, products := false, false, 0
	this := Firing{rel.OID, w.event}
	for _, u := range rel.Rules {
		updates = updates || u.Event == "update"
		if u.Event != w.event || u.Disabled {
			continue
		}
		instead = instead || u.Instead && u.Where == nil
		conditional = conditional || u.Instead && u.Where != nil
		products += len(u.Actions)
		if len(u.Actions) > 0 && contains(a.firing, this) {
			a.Refuse(refuse.RuleRecursion, rel.Name.Name)
			return instead, conditional
		}
		a.firing = append(a.firing, this)
		a.carryOut(u)
		a.firing = a.firing[:len(a.firing)-1]
		returning = returning || returns(u)
	}
	switch {
	case len(rel.Rules) == 0:
	case w.returning && (instead || conditional) && !returning:
		a.Refuse(refuse.RuleReturning, verbs[w.event], rel.Name.Name)
	case w.arbiter && (products > 0 || updates):
		a.Refuse(refuse.RuleConflict)
	case !a.within:
	case instead && products == 0:
		a.Refuse(refuse.RuleNothing)
	case conditional && products > 0:
		a.Refuse(refuse.RuleConditional)
	case !instead && products > 0:
		a.Refuse(refuse.RuleAlso)
	case products > 1:
		a.Refuse(refuse.RuleMany)
	}
	return instead, conditional
}

// carryOut asks about the actions of a rule. Their names mean what they meant when
// the rule was made.
func (a *asking) carryOut(u *catalog.Rule) {
	outer, within := a.bound, a.within
	a.bound, a.within = u.Reads, false
	a.node(u.Where, query.BindExpr(u.Where, query.Nothing{}))
	for _, action := range u.Actions {
		a.queryIn(query.Scopes(pgparse.Unwrap(action)))
	}
	a.bound, a.within = outer, within
}

// returns reports whether an action of a rule gives what RETURNING asks for.
func returns(u *catalog.Rule) bool {
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
