package transaction

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SetLeaks flags settings of the session that a migration leaves behind.
// https://www.postgresql.org/docs/current/sql-set.html
var SetLeaks = &rule.Rule{
	ID:       "transaction-set-leaks",
	Category: onward.InTransaction,
	Severity: onward.Warning,
	Preset:   onward.Recommended,
	Summary:  "SET without LOCAL changes the session for the migrations behind it",
	Harm:     "A runner uses one connection for all migrations. What SET changed and nothing reset holds for the files behind it, for the runner's own bookkeeping, and, in a pool, for whoever gets the connection next. After set_config('search_path', '', false) the runner no longer finds its own table.",
	Instead:  "Use SET LOCAL inside a transaction, or RESET at the end.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-set.html"},
	Gather:   gatherLeaks,
	Release:  setLeaks,
}

// sessions are the settings that change what later statements do.
var sessions = map[string]bool{
	"lock_timeout": true, "statement_timeout": true, "idle_in_transaction_session_timeout": true, "transaction_timeout": true,
	"search_path": true, "role": true, "session_authorization": true, "session_replication_role": true,
	"row_security": false, "default_tablespace": true, "default_table_access_method": true,
}

// leak is what one migration leaves set.
type leak struct {
	names, values []string
	first         *rule.Stmt
}

func gatherLeaks(p *rule.Pass, m *rule.Migration) {
	if m.Runner.OwnSession {
		return // it ends with the file
	}
	if names, values, first := leaks(m); first != nil {
		p.Keep(leak{names, values, first})
	}
}

// setLeaks reports each set of settings once: a project that begins every file
// with the same SET knows it.
func setLeaks(p *rule.Pass, _ *rule.Release) {
	said := map[string]bool{}
	for _, l := range rule.Kept[leak](p) {
		key := strings.Join(append(l.names, l.values...), " ")
		if said[key] {
			continue
		}
		said[key] = true
		m := l.first.Migration
		report := rule.Report{
			Fact:    "the migration leaves " + strings.Join(l.names, ", ") + " changed in the session",
			Harm:    "the migrations behind it, and " + runner(m) + " itself, go on with it on the same connection",
			Instead: "put this at the end:\nRESET " + strings.Join(l.names, ";\nRESET ") + ";",
		}
		if l.first.InBlock() {
			report.Instead = "use SET LOCAL, which ends with the transaction"
		}
		if mild(l.names, l.values) || !m.Runner.KeepsSession {
			// A timeout stops a later migration at worst, a search path with
			// public in it finds the runner's table, and psql gives each file
			// a session of its own.
			report.Severity = onward.Info
		}
		p.Report(l.first, report)
	}
}

// leaks lists what a migration sets for the session and does not reset, and
// the first such statement; nil when there is none.
func leaks(m *rule.Migration) (names, values []string, first *rule.Stmt) {
	type setting struct {
		by    *rule.Stmt
		value string
	}
	open := map[string]setting{}
	var order []string
	for _, t := range m.Txs {
		if t.RolledBack {
			continue
		}
		for _, s := range t.Statements {
			set, ok := analysis.SettingOf(s.Node)
			switch {
			case !ok || set.Local:
			case set.Name == "":
				clear(open)
			case set.Default || harmless(set, m.Runner):
				delete(open, set.Name)
			case sessions[set.Name]:
				open[set.Name] = setting{s, set.Value}
				order = append(order, set.Name)
			}
		}
	}
	for _, name := range order {
		l, ok := open[name]
		if !ok {
			continue
		}
		delete(open, name)
		names, values = append(names, name), append(values, l.value)
		if first == nil || l.by.Index < first.Index {
			first = l.by
		}
	}
	return names, values, first
}
