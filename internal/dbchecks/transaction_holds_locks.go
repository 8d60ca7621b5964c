package dbchecks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var transactionHoldsLocks = &Check{Rule: rule.Rule{
	ID:       "transaction-holds-locks",
	Category: onward.Locking, Severity: onward.Warning,
	Summary: "A transaction is open for 5 s or longer, and holds locks or a snapshot; or is open on a touched table",
	Harm: "ALTER TABLE waits until every transaction that has used the table has ended, and every later query on the table waits, too: " +
		"one forgotten session stops the site. A concurrent index build waits for every older snapshot of the database. " +
		"On a table that the release touches a younger one is a note. No text of a query is shown.",
	Instead: "Wait until it has ended, or end it: SELECT pg_terminate_backend(PID). A short lock_timeout, and trying again, " +
		"keeps a migration from stopping others while it waits. preflight: in onward.yaml has `transaction_age`.",
	Manual: []string{"https://www.postgresql.org/docs/current/explicit-locking.html"},
}, Scope: onward.ScopeTouched, Metric: "transaction_age_seconds", Help: "Seconds for which the oldest transaction of the database is open.",
	Look: checkOpenTransactions}

// A role that may not see other roles' sessions still gets their locks, but not their
// age.
const openTransactionsSQL = `
SELECT a.pid, coalesce(a.usename, '')::text, coalesce(a.application_name, ''), coalesce(a.state, ''),
	coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), -1)::float8,
	coalesce(extract(epoch FROM clock_timestamp() - a.state_change), 0)::float8,
	a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL,
	ARRAY(SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE l.pid = a.pid AND l.locktype = 'relation' AND l.granted AND l.database = a.datid AND c.relkind IN ('r', 'p', 'm') AND @user ORDER BY 1)
FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL AND a.datname = current_database()
	AND (a.xact_start IS NOT NULL OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'relation' AND l.granted))
	AND a.pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
ORDER BY 5 DESC, 1 LIMIT 50`

// openTransaction is one open transaction.
type openTransaction struct {
	pid               int
	role, name, state string
	open, since       float64 // seconds since its start (-1: unknown), and since its state changed
	snapshot          bool    // it holds a snapshot or has a transaction ID
	tables            []string
}

func checkOpenTransactions(p *Pass) error {
	var h openTransaction
	oldest := 0.0
	err := p.Each(openTransactionsSQL, nil, []any{&h.pid, &h.role, &h.name, &h.state, &h.open, &h.since, &h.snapshot, &h.tables}, func() {
		oldest = max(oldest, h.open)
		p.judgeTransaction(h)
	})
	if !p.stats {
		p.AddOpaque("for how long the transactions of other roles are open", explainMissingRight(p, "their sessions"))
	}
	p.AddMeasure("", oldest)
	return err
}

// judgeTransaction judges one open transaction.
func (p *Pass) judgeTransaction(h openTransaction) {
	if len(h.tables) == 0 && !h.snapshot {
		return
	}
	touchedTables := slices.DeleteFunc(slices.Clone(h.tables), func(t string) bool { return !p.isTouched(t) })
	old := secondsToDuration(h.open) >= p.Limits.Transaction
	if !old && len(touchedTables) == 0 {
		return
	}
	subject := fmt.Sprintf("a transaction of %s (process %d", h.role, h.pid)
	if h.name != "" {
		subject += ", " + h.name
	}
	fact := subject + ")"
	if h.open >= 0 {
		fact += " is open for " + formatAge(secondsToDuration(h.open))
	} else {
		fact += " is open"
	}
	harm := "ALTER TABLE on these tables waits until it has ended, and all later queries on them wait, too"
	switch {
	case len(touchedTables) > 0:
		fact += " and holds locks on " + listNames(formatTables(touchedTables)) + ", which the release touches"
	case len(h.tables) > 0:
		fact += " and holds locks on " + listNames(formatTables(h.tables))
	default:
		fact += " and holds a snapshot"
		harm = "a concurrent index build waits until it has ended, and vacuum cleans nothing that is younger"
	}
	if strings.HasPrefix(h.state, "idle in transaction") {
		fact += "; it has been idle for " + formatAge(secondsToDuration(h.since))
	}
	severity := onward.Off
	if !old {
		severity = onward.Info
	}
	p.AddFinding(severity, fmt.Sprintf("process %d", h.pid), fact, harm,
		fmt.Sprintf("wait until it has ended, or end it:\nSELECT pg_terminate_backend(%d);", h.pid))
}

// formatTables formats names of tables, schema.name, for people.
func formatTables(tables []string) []string {
	out := make([]string, len(tables))
	for i, t := range tables {
		out[i] = strings.TrimPrefix(t, "public.")
	}
	return out
}
