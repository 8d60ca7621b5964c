package rule

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgtime"
	"github.com/onward-sql/onward/internal/script"
)

// tracker follows the settings of a session through a migration.
type tracker struct {
	runner  Settings
	session Settings // after SET
	now     Settings // after SET LOCAL
}

func newTracker(r history.Runner) *tracker {
	s := Settings{LockTimeout: r.LockTimeout, StatementTimeout: r.StatementTimeout, TimeZone: r.TimeZone}
	return &tracker{runner: s, session: s, now: s}
}

// endTransaction ends a transaction: SET LOCAL is over.
func (t *tracker) endTransaction() { t.now = t.session }

// applyStatement applies the settings of a statement to the statements that follow.
func (t *tracker) applyStatement(s *Stmt) {
	set, ok := analysis.SettingOf(s.Node)
	if !ok {
		return
	}
	if set.Name == "" { // RESET ALL, DISCARD ALL
		t.session, t.now = t.runner, t.runner
		return
	}
	if set.Local && !s.InBlock() {
		return // only a warning
	}
	t.applySetting(&t.now, set, s)
	if !set.Local {
		t.applySetting(&t.session, set, s)
	}
}

func (t *tracker) applySetting(to *Settings, set analysis.Setting, stmt *Stmt) {
	switch set.Name {
	case "lock_timeout":
		to.LockTimeout, to.LockTimeoutBy = t.runner.LockTimeout, stmt
		if !set.Default {
			to.LockTimeout, _ = pgtime.Parse(set.Value)
		}
	case "statement_timeout":
		to.StatementTimeout, to.StatementTimeoutBy = t.runner.StatementTimeout, stmt
		if !set.Default {
			to.StatementTimeout, _ = pgtime.Parse(set.Value)
		}
	case "session_replication_role":
		to.ReplicaRole = set.Value == "replica"
	case "check_function_bodies":
		to.UncheckedBodies = !set.Default && (set.Computed || pgparse.IsOff(set.Value))
	case "search_path":
		to.PathEmptiedBy = nil
		if !set.Default && !set.Computed && strings.Trim(set.Value, ` "'`) == "" {
			to.PathEmptiedBy = stmt
		}
	case "timezone":
		to.TimeZone = set.Value
		if set.Default {
			to.TimeZone = t.runner.TimeZone
		}
	}
}

// endSession ends the session of a migration that has one of its own, if it may have made temporary relations.
func (e *Engine) endSession(s *script.Script, ownSession bool) {
	isTemporary := func(st *script.Statement) bool { return strings.Contains(strings.ToLower(st.SQL), "temp") }
	if ownSession && !s.More && slices.ContainsFunc(s.Statements, isTemporary) {
		e.catalog = e.catalog.EndSession()
	}
}
