package transaction

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SetLeaks flags settings of the session that last beyond a migration.
// https://www.postgresql.org/docs/current/sql-set.html
var SetLeaks = &rule.Rule{
	ID:       "transaction-set-leaks",
	Category: onward.InTransaction,
	Severity: onward.Warning,
	Summary:  "SET without LOCAL changes the session for later migrations",
	Harm: "A runner uses one connection for all migrations. A setting that nothing resets holds for later files, for the runner's own bookkeeping, and, " +
		"in a pool, for whoever gets the connection next. After set_config('search_path', '', false) the runner no longer finds its own table.",
	Instead: "Use SET LOCAL inside a transaction, or RESET at the end.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-set.html"},
	Gather:  gatherLeaks,
	Release: checkSetLeaks,
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

// passage is a migration in the run: its session, what it leaves set there, and which settings of an earlier one it feels, as it does not
// set them itself before it needs them.
type passage struct {
	session int
	leak    *leak
	feels   []string
}

func gatherLeaks(p *rule.Pass, m *rule.Migration) {
	x := passage{session: m.Session, feels: listEffectiveSettings(m)}
	if names, values, first := findLeaks(m); first != nil && !m.Runner.OwnSession { // else it ends with the file
		x.leak = &leak{names, values, first}
	}
	p.KeepValue(x)
}

// listEffectiveSettings lists the settings on which a statement of a migration depends, without those that it sets itself before.
func listEffectiveSettings(m *rule.Migration) []string {
	var felt []string
	var ownSettings map[string]bool
	for _, s := range m.Statements {
		if set, ok := analysis.SettingOf(s.Node); ok {
			if set.Name == "" {
				return felt // from here on it has the server's own settings
			}
			if ownSettings == nil {
				ownSettings = map[string]bool{}
			}
			ownSettings[set.Name] = true
			continue
		}
		for _, name := range settingsFor(s.Node) {
			if !ownSettings[name] && !slices.Contains(felt, name) {
				felt = append(felt, name)
			}
		}
	}
	return felt
}

// The settings that change what a statement does, whose names come first for any statement.
var (
	writeSettings  = []string{"search_path", "role", "session_authorization", "session_replication_role"}
	createSettings = []string{"search_path", "role", "session_authorization", "default_tablespace", "default_table_access_method"}
	anySettings    = writeSettings[:3:3]
)

// settingsFor returns the settings that change what a statement does. A timeout has rules of its own, at the statement that it ends.
func settingsFor(n *pgparse.Node) []string {
	switch pgparse.Unwrap(n).(type) {
	case nil, *pgparse.TransactionStmt, *pgparse.VariableShowStmt:
		return nil
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.CopyStmt, *pgparse.DoStmt:
		return writeSettings
	case *pgparse.CreateStmt, *pgparse.CreateTableAsStmt, *pgparse.IndexStmt:
		return createSettings
	}
	return anySettings
}

// settingInSession is a setting in a session.
type settingInSession struct {
	session int
	name    string
}

// harmsLater reports whether something later in the run feels a leak: a migration in the same session, after the one at a place of the run, or
// the runner that looks for its own table. A search path with public in it finds that.
func (l *leak) harmsLater(session, position int, last map[settingInSession]int) bool {
	for i, name := range l.names {
		if name == "search_path" && strings.Contains(l.values[i], "public") {
			continue
		}
		if name == "search_path" && l.first.Migration.Runner.KeepsSession || session != 0 && last[settingInSession{session, name}] > position {
			return true
		}
	}
	return false
}

// worstLeaks lists each set of settings once, as a project that begins every file with the same SET knows it: the first leak that harms
// something, else the first. harmful has those that do.
func worstLeaks(run []passage) (list []*leak, harmful map[*leak]bool) {
	last := map[settingInSession]int{}
	for position, x := range run {
		for _, name := range x.feels {
			last[settingInSession{x.session, name}] = position
		}
	}
	harmful = map[*leak]bool{}
	places := map[string]int{}
	for position, x := range run {
		if x.leak == nil {
			continue
		}
		key := strings.Join(slices.Concat(x.leak.names, x.leak.values), " ")
		i, ok := places[key]
		harms := x.leak.harmsLater(x.session, position, last)
		switch {
		case !ok:
			places[key] = len(list)
			list = append(list, x.leak)
		case harms && !harmful[list[i]]:
			list[i] = x.leak
		}
		harmful[x.leak] = harms
	}
	return list, harmful
}

func checkSetLeaks(p *rule.Pass, _ *rule.Release) {
	list, harmful := worstLeaks(rule.KeptValues[passage](p))
	for _, l := range list {
		m := l.first.Migration
		report := rule.Report{
			Fact:    "the migration leaves " + strings.Join(l.names, ", ") + " changed in the session",
			Harm:    "later migrations, and " + runnerName(m) + " itself, go on with it on the same connection",
			Instead: "put this at the end:\nRESET " + strings.Join(l.names, ";\nRESET ") + ";",
		}
		if l.first.InBlock() {
			report.Instead = "use SET LOCAL, which ends with the transaction"
			if m.Runner.RowTable != history.QualifiedRow && slices.Contains(l.names, "search_path") {
				report.Instead += ", and SET LOCAL search_path TO DEFAULT at its end: " + runnerName(m) + " writes its own row there"
			}
		}
		if !harmful[l] {
			report.Severity = onward.Info
			report.Harm = "later migrations on the same connection, and " + runnerName(m) +
				" itself, go on with it; nothing in this release is seen to need another value"
		}
		p.Report(l.first, report)
	}
}

// findLeaks lists what a migration sets for the session and does not reset, and
// the first such statement; nil when there is none.
func findLeaks(m *rule.Migration) (names, values []string, first *rule.Stmt) {
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
			case set.Default || isHarmlessSetting(set, m.Runner):
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
