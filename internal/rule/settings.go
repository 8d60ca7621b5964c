package rule

import (
	"math"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// tracker follows the settings of a session through a migration.
type tracker struct {
	runner  Settings
	session Settings // what SET made of it
	now     Settings // with SET LOCAL on top
}

func newTracker(r Runner) *tracker {
	s := Settings{LockTimeout: r.LockTimeout, StatementTimeout: r.StatementTimeout, TimeZone: r.TimeZone}
	return &tracker{runner: s, session: s, now: s}
}

// commit ends a transaction: SET LOCAL is over.
func (t *tracker) commit() { t.now = t.session }

// statement takes in what a statement sets, for the statements behind it.
func (t *tracker) statement(s *Stmt) {
	set, ok := SettingOf(s.Node)
	if !ok {
		return
	}
	if set.Name == "" { // RESET ALL, DISCARD ALL
		t.session, t.now = t.runner, t.runner
		return
	}
	if set.Local && !s.InBlock() {
		return // a warning and nothing else
	}
	t.apply(&t.now, set, s)
	if !set.Local {
		t.apply(&t.session, set, s)
	}
}

func (t *tracker) apply(to *Settings, set Setting, by *Stmt) {
	switch set.Name {
	case "lock_timeout":
		to.LockTimeout, to.LockTimeoutBy = t.runner.LockTimeout, by
		if !set.Default {
			to.LockTimeout, _ = Milliseconds(set.Value)
		}
	case "statement_timeout":
		to.StatementTimeout, to.StatementTimeoutBy = t.runner.StatementTimeout, by
		if !set.Default {
			to.StatementTimeout, _ = Milliseconds(set.Value)
		}
	case "session_replication_role":
		to.ReplicaRole = set.Value == "replica"
	case "timezone":
		to.TimeZone = set.Value
		if set.Default {
			to.TimeZone = t.runner.TimeZone
		}
	}
}

// Setting is a configuration parameter that a statement sets.
type Setting struct {
	// Name is in lower case; "" stands for all parameters (RESET ALL).
	Name, Value string
	// Local: SET LOCAL. Default: RESET or SET … TO DEFAULT.
	Local, Default bool
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
				values = append(values, Constant(a))
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
		if call == nil || len(call.Args) != 3 || call.Funcname[len(call.Funcname)-1].GetString_().GetSval() != "set_config" {
			return Setting{}, false
		}
		return Setting{Name: strings.ToLower(Constant(call.Args[0])), Value: Constant(call.Args[1]), Local: Constant(call.Args[2]) == "true"}, true
	}
	return Setting{}, false
}

// Constant is the text of a constant, "" for anything else.
func Constant(n *pgparse.Node) string {
	s, _ := predicate.Written(n)
	return s
}

// Milliseconds reads a time parameter as Postgres does: a number is
// milliseconds; the units are us, ms, s, min, h and d.
func Milliseconds(value string) (ms int, ok bool) {
	v := strings.TrimSpace(value)
	i := strings.LastIndexAny(v, "0123456789.") + 1
	n, err := strconv.ParseFloat(strings.TrimSpace(v[:i]), 64)
	if err != nil || math.IsNaN(n) {
		return 0, false
	}
	unit := map[string]float64{"": 1, "us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
	factor, ok := unit[strings.TrimSpace(v[i:])]
	if !ok || n*factor > math.MaxInt32 {
		return 0, false
	}
	return int(math.Round(n * factor)), true
}
