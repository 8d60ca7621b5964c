package dbchecks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
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

var transactionPrepared = &Check{Rule: rule.Rule{
	ID:       "transaction-prepared",
	Category: onward.Locking, Severity: onward.Warning,
	Summary: "A prepared transaction was left open",
	Harm: "It belongs to no session, holds its locks through restarts, and ends by itself never: " +
		"ALTER TABLE on its tables waits for it for ever, concurrent builds wait for it, and vacuum cleans nothing since. " +
		"On a table that the release touches it is an error.",
	Instead: "Ask the transaction manager that prepared it; when that is gone, COMMIT PREPARED or ROLLBACK PREPARED, in its database, as its owner.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-prepare-transaction.html"},
}, Scope: onward.ScopeTouched, Metric: "prepared_transactions", Help: "Prepared transactions of the database that are open.", Look: checkPreparedTransactions}

// The locks of a prepared transaction have no process. They have the same virtual
// transaction as the lock on its transaction ID.
const preparedSQL = `
SELECT x.gid, x.owner::text, extract(epoch FROM clock_timestamp() - x.prepared)::float8,
	ARRAY(SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE l.pid IS NULL AND l.locktype = 'relation' AND l.virtualtransaction IN (SELECT o.virtualtransaction FROM pg_locks o
			WHERE o.pid IS NULL AND o.locktype = 'transactionid' AND o.transactionid = x.transaction) AND c.relkind IN ('r', 'p', 'm') AND @user ORDER BY 1)
FROM pg_prepared_xacts x WHERE x.database = current_database() ORDER BY x.prepared`

func checkPreparedTransactions(p *Pass) error {
	var gid, owner string
	var open float64
	var tables []string
	n := 0
	err := p.Each(preparedSQL, nil, []any{&gid, &owner, &open, &tables}, func() {
		n++
		touchedTables := slices.DeleteFunc(slices.Clone(tables), func(t string) bool { return !p.isTouched(t) })
		fact := "prepared transaction " + gid + " of " + owner + " is open for " + formatAge(secondsToDuration(open))
		severity := onward.Off
		switch {
		case len(touchedTables) > 0:
			severity = onward.Error
			fact += " and holds locks on " + listNames(formatTables(touchedTables)) + ", which the release touches"
		case len(tables) > 0:
			fact += " and holds locks on " + listNames(formatTables(tables))
		case secondsToDuration(open) < p.Limits.Transaction:
			return
		}
		if secondsToDuration(open) < p.Limits.Transaction && len(touchedTables) == 0 {
			return // two-phase commit under way
		}
		p.AddFinding(severity, gid, fact, "what waits for it waits for ever: ALTER TABLE on its tables, every concurrent build, vacuum",
			"ask what prepared it; when that is gone:\nROLLBACK PREPARED "+pgparse.QuoteLiteral(gid)+";")
	})
	p.AddMeasure("", float64(n))
	return err
}

var vacuumRunning = &Check{Rule: rule.Rule{
	ID:       "vacuum-running",
	Category: onward.Locking, Severity: onward.Warning,
	Summary: "A vacuum works on a table that the release touches",
	Harm: "It holds SHARE UPDATE EXCLUSIVE, for which ALTER TABLE, CREATE INDEX CONCURRENTLY and VALIDATE CONSTRAINT wait. " +
		"Autovacuum gives way to who has waited for deadlock_timeout (1 s): a shorter lock_timeout never gets the lock. " +
		"One that prevents wraparound, and VACUUM by hand, give way to nobody.",
	Instead: "Wait until it has ended (pg_stat_progress_vacuum), or end it: pg_cancel_backend. One that prevents wraparound begins again at once; let it end.",
	Manual:  []string{"https://www.postgresql.org/docs/current/progress-reporting.html#VACUUM-PROGRESS-REPORTING"},
}, Scope: onward.ScopeTouched, Look: checkVacuums}

// The server itself writes the query text of an autovacuum worker.
const vacuumsSQL = `
SELECT v.pid, n.nspname || '.' || c.relname, coalesce(a.backend_type, '') = 'autovacuum worker', coalesce(a.query, '') LIKE '%(to prevent wraparound)%',
	coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8
FROM pg_stat_progress_vacuum v JOIN pg_class c ON c.oid = v.relid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_activity a ON a.pid = v.pid
WHERE v.datname = current_database() AND n.nspname || '.' || c.relname = ANY($1::text[]) ORDER BY 2`

func checkVacuums(p *Pass) error {
	if len(p.Touched) > 0 && !p.stats {
		p.AddOpaque("whether a vacuum works on a touched table", explainMissingRight(p, "pg_stat_progress_vacuum"))
		return nil
	}
	var pid int
	var table string
	var auto, wraparound bool
	var open float64
	return p.Each(vacuumsSQL, []any{p.Touched}, []any{&pid, &table, &auto, &wraparound, &open}, func() {
		shown := formatTables([]string{table})[0]
		end := fmt.Sprintf("wait until it has ended, or end it:\nSELECT pg_cancel_backend(%d);", pid)
		switch since := formatAge(secondsToDuration(open)); {
		case wraparound:
			p.AddFinding(onward.Off, table, "autovacuum works on "+shown+" to prevent wraparound, for "+
				since, "it gives way to nobody: the migration waits for it, or gives up",
				"let it end first; it would begin again at once")
		case auto:
			p.AddFinding(onward.Off, table, "autovacuum works on "+shown+", for "+since,
				"it gives way to who has waited for deadlock_timeout (1 s): a shorter lock_timeout never gets the lock", end)
		default:
			p.AddFinding(onward.Off, table, fmt.Sprintf("VACUUM works on %s (process %d), for %s", shown, pid, since),
				"it gives way to nobody: the migration waits for it, or gives up", end)
		}
	})
}

var settingLocksFew = &Check{Rule: rule.Rule{
	ID:       "setting-locks-few",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "A partitioned table needs at least half of the server's lock table for its partitions and indexes",
	Harm: "A statement that locks the table also locks each partition and, for most changes, each index. " +
		"If the lock table is full, the statement fails with SQLSTATE 53200 (out of shared memory), and statements of other sessions may fail, too. " +
		"The lock table has room for max_locks_per_transaction × (max_connections + max_prepared_transactions) locks.",
	Instead: "Change the partitions one after the other, each in its own transaction, or raise max_locks_per_transaction, which needs a restart.",
	Manual:  []string{"https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION"},
}, Scope: onward.ScopeTouched, Look: checkLockTableSize}

const treesSQL = `
WITH RECURSIVE tree AS (
	SELECT c.oid AS root, c.oid AS member FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind = 'p' AND NOT c.relispartition AND @user AND ($1::text[] IS NULL OR n.nspname || '.' || c.relname = ANY($1::text[]))
	UNION ALL SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.member)
SELECT n.nspname, c.relname, count(*)::int + (sum((SELECT count(*) FROM pg_index x WHERE x.indrelid = t.member)))::int
FROM tree t JOIN pg_class c ON c.oid = t.root JOIN pg_namespace n ON n.oid = c.relnamespace GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5`

func checkLockTableSize(p *Pass) error {
	setting := func(name string) int { n, _ := strconv.Atoi(p.settings[name]); return n }
	room := setting("max_locks_per_transaction") * (setting("max_connections") + setting("max_prepared_transactions"))
	var schema, name string
	var members int
	return p.Each(treesSQL, []any{p.Touched}, []any{&schema, &name, &members}, func() {
		if room == 0 || members*2 < room {
			return
		}
		shown, _, qualified := formatRelation(schema, name)
		p.AddFinding(onward.Off, qualified, fmt.Sprintf("%s has %d partitions and indexes, and the server's lock table has room for %d locks", shown, members, room),
			"a change of the whole table fails with SQLSTATE 53200, and statements of other sessions may fail, too",
			"change the partitions one after the other, or raise max_locks_per_transaction and restart the server")
	})
}

var connectionsFewLeft = &Check{Rule: rule.Rule{
	ID:       "connections-few-left",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "Four fifths of the connections are in use: the server's, or the role's",
	Harm: "While a migration holds a lock, every request that waits keeps its connection, and pools open more: " +
		"the last ones go within seconds, and then nobody gets in, not even to end the migration. From 95 % on it is an error.",
	Instead: "Close idle sessions or make pools smaller before the migration; keep superuser_reserved_connections for yourself.",
	Manual:  []string{"https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS"},
}, Scope: onward.ScopeServer, Metric: "connections_used_ratio", Help: "Connections in use, as a share of the allowed ones.", Look: checkConnections}

// pg_stat_database counts all sessions, pg_stat_activity knows the role of each session.
const connectionsSQL = `
SELECT (SELECT sum(numbackends) FROM pg_stat_database)::int, r.rolconnlimit,
	(SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid)::int, d.datconnlimit,
	(SELECT numbackends FROM pg_stat_database s WHERE s.datid = d.oid)::int
FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()`

func checkConnections(p *Pass) error {
	var used, roleLimit, byRole, dbLimit, inDB int
	if err := p.Each(connectionsSQL, nil, []any{&used, &roleLimit, &byRole, &dbLimit, &inDB}, func() {}); err != nil {
		return err
	}
	setting := func(name string) int { n, _ := strconv.Atoi(p.settings[name]); return n }
	usable := setting("max_connections") - setting("superuser_reserved_connections") - setting("reserved_connections")
	p.judgeConnections("", "of the server", used, usable)
	p.judgeConnections("role "+p.role, "that "+p.role+" may have (CONNECTION LIMIT)", byRole, roleLimit)
	p.judgeConnections("database "+p.database, "that database "+p.database+" may have (CONNECTION LIMIT)", inDB, dbLimit)
	return nil
}

// judgeConnections judges a number of connections against a limit; a limit of 0 or less is none.
func (p *Pass) judgeConnections(object, scope string, used, limit int) {
	if limit <= 0 {
		return
	}
	part := float64(used) / float64(limit)
	p.AddMeasure(object, part)
	if part < 0.8 {
		return
	}
	severity := onward.Off
	if part >= 0.95 {
		severity = onward.Error
	}
	p.AddFinding(severity, object, fmt.Sprintf("%d of the %d connections %s are in use", used, limit, scope),
		"requests that wait for a lock of the migration take the rest, and nobody else gets in", "close idle sessions, or make pools smaller, before the migration")
}
