package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// Setting is a configuration parameter that a statement sets.
type Setting struct {
	// Name is in lower case; "" means all parameters (RESET ALL).
	Name, Value string
	// Local: SET LOCAL. Default: RESET or SET … TO DEFAULT.
	Local, Default bool
	// Computed: the value is computed as the statement runs, and Value is empty.
	Computed bool
}

// SettingOf reads SET, RESET, SET TIME ZONE and SELECT set_config(…). ok is
// false for every other statement.
func SettingOf(n *pgparse.Node) (Setting, bool) {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.VariableSetStmt:
		s := Setting{Name: strings.ToLower(x.Name), Local: x.IsLocal}
		switch x.Kind {
		case pgparse.VariableSetKind_VAR_SET_VALUE:
			var values []string
			for _, a := range x.Args {
				values = append(values, ConstantText(a))
			}
			s.Value = strings.Join(values, ", ")
		case pgparse.VariableSetKind_VAR_SET_DEFAULT, pgparse.VariableSetKind_VAR_RESET:
			s.Default = true
		case pgparse.VariableSetKind_VAR_RESET_ALL:
			s.Name, s.Default = "", true
		default:
			return Setting{}, false
		}
		return s, true
	case *pgparse.DiscardStmt:
		if x.Target == pgparse.DiscardMode_DISCARD_ALL {
			return Setting{Default: true}, true
		}
	case *pgparse.SelectStmt:
		if len(x.TargetList) != 1 || len(x.FromClause) > 0 {
			return Setting{}, false
		}
		call := x.TargetList[0].GetResTarget().GetVal().GetFuncCall()
		if call == nil || len(call.Args) != 3 || pgparse.LastText(call.Funcname) != "set_config" {
			return Setting{}, false
		}
		value, constant := predicate.LiteralText(call.Args[1])
		return Setting{
			Name: strings.ToLower(ConstantText(call.Args[0])), Value: value, Local: ConstantText(call.Args[2]) == "true", Computed: !constant,
		}, true
	}
	return Setting{}, false
}

// ConstantText returns the text of a constant, "" for anything else.
func ConstantText(n *pgparse.Node) string {
	s, _ := predicate.LiteralText(n)
	return s
}

// LongestWait is how long, in milliseconds, users who wait for a statement's lock are
// likely to accept.
const LongestWait = 10_000

// Savepoints are the savepoints of the open transaction, the newest last, each with a
// state such as the schema or the pending checks. That state must not be modified in
// place.
// https://www.postgresql.org/docs/current/sql-rollback-to.html
type Savepoints[T any] []savepoint[T]

type savepoint[T any] struct {
	name string
	at   T
}

// FollowStatement processes a statement and returns the state after it: now, or the state at the
// savepoint to which it rolls back.
func (s *Savepoints[T]) FollowStatement(n *pgparse.Node, now T) T {
	t := n.GetTransactionStmt()
	if t == nil {
		return now
	}
	switch t.GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		*s = append(*s, savepoint[T]{t.GetSavepointName(), now})
	case pgparse.TransactionStmtKind_TRANS_STMT_RELEASE:
		if i := s.findNewest(t.GetSavepointName()); i >= 0 {
			*s = (*s)[:i]
		}
	case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		if i := s.findNewest(t.GetSavepointName()); i >= 0 {
			*s = (*s)[:i+1]
			return (*s)[i].at
		}
	default:
		*s = nil
	}
	return now
}

// findNewest returns the index of the newest savepoint of a name, -1 for none.
func (s *Savepoints[T]) findNewest(name string) int {
	for i, x := range slices.Backward(*s) {
		if x.name == name {
			return i
		}
	}
	return -1
}
