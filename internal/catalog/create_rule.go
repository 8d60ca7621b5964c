package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Rule is a row of pg_rewrite that CREATE RULE made, such as ON DELETE TO t DO
// INSTEAD NOTHING. The rule that makes a view is not one.
type Rule struct {
	Name    string
	Event   string // "select", "insert", "update", "delete"
	Instead bool
	Where   *pgparse.Node
	Actions []*pgparse.Node // none: NOTHING
	// Reads resolves the names of relations in the condition and the actions: a
	// rule follows renames.
	Reads map[*pgparse.RangeVar]OID
	// Uses are the columns that it depends on, including columns of its own table.
	Uses []ReadColumns
	// Disabled: it does not fire in ordinary sessions (DISABLE, ENABLE REPLICA).
	Disabled bool
}

var ruleEvents = map[pgparse.CmdType]string{
	pgparse.CmdType_CMD_SELECT: "select", pgparse.CmdType_CMD_INSERT: "insert",
	pgparse.CmdType_CMD_UPDATE: "update", pgparse.CmdType_CMD_DELETE: "delete",
}

// FindRule returns the rewrite rule with a name; nil for none.
func (r *Relation) FindRule(name string) *Rule {
	for _, u := range r.Rules {
		if u.Name == name {
			return u
		}
	}
	return nil
}

// https://www.postgresql.org/docs/current/sql-createrule.html
func (f *fold) createRule(s *pgparse.RuleStmt) {
	r := f.requireRelation(s.GetRelation(), Table, false)
	if r == nil {
		return
	}
	r = f.editRelation(r.OID)
	u := &Rule{
		Name: clipName(s.GetRulename()), Event: ruleEvents[s.GetEvent()], Instead: s.GetInstead(),
		Where: s.GetWhereClause(), Actions: s.GetActions(), Reads: map[*pgparse.RangeVar]OID{},
	}
	for _, n := range append([]*pgparse.Node{u.Where}, u.Actions...) {
		pgparse.Walk(n, func(msg any) bool {
			if rv, ok := msg.(*pgparse.RangeVar); ok {
				if other := f.findRelation(pgparse.RangeName(rv)); other != nil {
					u.Reads[rv] = other.OID
				}
			}
			return true
		})
	}
	u.Uses = f.ruleDependencies(r, u)
	f.using = true
	r = f.editRelation(r.OID)
	old := r.FindRule(u.Name)
	if old == nil {
		r.copyRare().Rules = appendShared(f, r.Rules, u)
		return
	}
	if !s.GetReplace() {
		f.addProblem(f.isHistoryComplete() && !r.Inferred, pgerror.RuleExists, u.Name, r.Name.Name)
		return
	}
	u.Disabled = old.Disabled
	f.replaceRule(r, old, u)
}

// replaceRule puts a rule in the place of another.
func (f *fold) replaceRule(r *Relation, old, now *Rule) {
	r.copyRare().Rules = slices.Clone(r.Rules)
	r.Rules[slices.Index(r.Rules, old)] = now
}
