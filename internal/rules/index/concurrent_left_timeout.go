package index

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgtime"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConcurrentLeftTimeout flags a concurrent build, drop or detach that a timeout may
// cancel which an earlier migration has set for the session and left.
// https://www.postgresql.org/docs/current/sql-set.html
var ConcurrentLeftTimeout = &rule.Rule{
	ID:       "index-concurrent-left-timeout",
	Category: onward.Locking,
	Severity: onward.Warning,
	Summary:  "a lock_timeout or statement_timeout that an earlier migration leaves set may cancel a concurrent build",
	Harm: "SET without LOCAL holds for the session, and runners send all migrations on one connection. " +
		"What bounded an ALTER TABLE in one file goes on to bound the concurrent build in a later one, which says nothing of it: " +
		"on a big table it is cancelled, and leaves an INVALID index.",
	Instead: "Reset the timeout at the end of the migration that sets it, or use SET LOCAL there; and clear it before the build.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-set.html",
		"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
	},
	Gather:  gatherLeftTimeouts,
	Release: checkConcurrentLeftTimeout,
}

// timeout is a timeout that a migration sets for the session: a value that lasts beyond
// the migration, or none, as 0.
type timeout struct {
	name string
	ms   int
	by   *rule.Stmt
}

// unboundedStatements is a statement that nothing in its own migration bounds, of each setting.
type unboundedStatements struct {
	*rule.Stmt
	reports map[string]rule.Report
	what    string
}

// limits are the settings that cancel, the surer first, and below which each is short.
var limits = [...]struct {
	name  string
	short int
}{{"statement_timeout", shortStatement}, {"lock_timeout", shortLock}}

// gatherLeftTimeouts records the session settings that outlast a migration, and the statements
// for which it sets no timeout itself.
func gatherLeftTimeouts(p *rule.Pass, m *rule.Migration) {
	if m.Runner.OwnSession || m.Runner.Name == "" {
		return // psql gives each file a session
	}
	for _, t := range m.Txs {
		if t.RolledBack {
			continue
		}
		for _, s := range t.Statements {
			if e := findWaitingEffect(p, &s.Result); e != nil && s.Result.Refused == nil && !s.InBlock() {
				u := unboundedStatements{s, map[string]rule.Report{}, s.Result.NoTransaction + " on " + e.Name.String()}
				if isFromOtherMigration(s, s.Settings.StatementTimeoutBy) || s.Settings.StatementTimeoutBy == nil && s.Settings.StatementTimeout == 0 {
					u.reports["statement_timeout"] = describeCancellation(s, "statement_timeout", 0, false)
				}
				if isFromOtherMigration(s, s.Settings.LockTimeoutBy) || s.Settings.LockTimeoutBy == nil && s.Settings.LockTimeout == 0 {
					u.reports["lock_timeout"] = describeCancellation(s, "lock_timeout", 0, false)
				}
				p.KeepValue(u)
			}
			set, ok := analysis.SettingOf(s.Node)
			if !ok || set.Local {
				continue
			}
			ms := 0
			if !set.Default {
				ms, _ = pgtime.Parse(set.Value)
			}
			for _, l := range limits {
				if set.Name == l.name || set.Name == "" {
					p.KeepValue(timeout{l.name, ms, s})
				}
			}
		}
	}
}

// isFromOtherMigration reports whether an earlier migration has set what holds for a statement.
func isFromOtherMigration(s, setter *rule.Stmt) bool {
	return setter != nil && setter.Migration != s.Migration
}

func checkConcurrentLeftTimeout(p *rule.Pass, _ *rule.Release) {
	open := map[string]timeout{}
	for _, value := range rule.KeptValues[any](p) {
		switch x := value.(type) {
		case timeout:
			open[x.name] = x
		case unboundedStatements:
			for _, l := range limits {
				t := open[l.name]
				r, bare := x.reports[l.name]
				if !bare || t.ms == 0 || t.ms >= l.short {
					continue
				}
				r.Fact = l.name + " = " + pgtime.Format(t.ms) + ", which " + t.by.Migration.ID + " leaves set, may hold for " + x.what
				r.Cause = "and for %d other statements"
				r.Evidence = []onward.Evidence{t.by.NewEvidence("sets " + l.name)}
				p.Report(x.Stmt, r)
				break
			}
		}
	}
}
