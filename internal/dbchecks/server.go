package dbchecks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

var serverReadOnly = &Check{Rule: rule.Rule{
	ID:       "server-read-only",
	Category: onward.Configuration, Severity: onward.Error,
	Summary: "Nothing can be written here: the server is a standby, or sessions are read-only",
	Harm: "The first statement of the migration fails with SQLSTATE 25006. A standby takes its schema from the primary; " +
		"default_transaction_read_only is set for the role, the database or the server, often while it is moved.",
	Instead: "Name the primary (with several hosts in the address: target_session_attrs=read-write); or find out who set default_transaction_read_only, and why.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/hot-standby.html",
		"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-READ-ONLY",
	},
}, Scope: onward.ScopeServer, Look: checkReadOnly}

func checkReadOnly(p *Pass) error {
	switch {
	case p.recovery:
		p.AddFinding(onward.Off, "", "the server is in recovery: it is a standby, and read-only",
			"the first statement of a migration fails", "name the primary; with several hosts in the address, add target_session_attrs=read-write")
	case p.settings["default_transaction_read_only"] == "on":
		scope, err := p.settingScope("default_transaction_read_only")
		if err != nil {
			return err
		}
		p.AddFinding(onward.Off, "", "sessions are read-only: default_transaction_read_only is on"+scope,
			"the first statement of a migration fails", "find out who set it, and why")
	}
	return nil
}

var serverVersionOther = &Check{Rule: rule.Rule{
	ID:       "server-version-other",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "The server is of another major version than onward.yaml says, or newer than all on which this release was proven",
	Harm:    "What a statement locks and rewrites differs between major versions: the release was judged, and perhaps planned, for others.",
	Instead: "Write the server's version under postgres: in onward.yaml, and judge the release again.",
	Manual:  []string{"https://www.postgresql.org/support/versioning/"},
}, Scope: onward.ScopeServer, Look: checkVersion}

func checkVersion(p *Pass) error {
	switch {
	case p.major > onward.PreviewMajor:
		p.AddFinding(onward.Off, "", fmt.Sprintf("the server is Postgres %d, and this release of onward was proven on none newer than %d",
			p.major, onward.PreviewMajor),
			"what it says of locks may be wrong there", "use a newer release of onward")
	case len(p.Majors) > 0 && !slices.Contains(p.Majors, p.major):
		p.AddFinding(onward.Off, "", fmt.Sprintf("the server is Postgres %d, and onward.yaml does not name it under postgres:", p.major),
			"the release was judged for other versions, on which statements lock and rewrite other things", "write it there, and judge the release again: onward changelog")
	}
	return nil
}

// poolerBetween detects a pooler by the process ID of the server. The server sends it when
// a session begins, and returns it in a query. A pooler begins the client's session itself
// and makes up the number. Two clients with one process ID share sessions.
var poolerBetween = &Check{Rule: rule.Rule{
	ID:       "pooler-between",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "A pooler is between onward and the server, and gives each transaction any session",
	Harm: "The next transaction may run in another client's session. The advisory lock with which migration tools exclude a second run stays in a session " +
		"that the tool does not get again. SET lock_timeout is lost or hits another client. Temporary tables and prepared statements are missing. " +
		"A pooler that keeps one session for each client is a note.",
	Instead: "Run migrations over a connection that goes straight to the server, or to a pool in session mode.",
	Manual:  []string{"https://www.pgbouncer.org/features.html"},
}, Scope: onward.ScopeConnection, Look: checkPooler}

func checkPooler(p *Pass) error {
	if p.PID == uint32(p.backend) {
		return nil
	}
	const way = "connect migrations straight to the server, or through a pool in session mode"
	var shared bool
	var err error
	if p.Shared != nil {
		shared, err = p.Shared()
	}
	switch {
	case err != nil || p.Shared == nil:
		p.AddFinding(onward.Warning, "", "a pooler is between onward and the server, and it is not known whether it keeps a session for each client",
			"if it does not, advisory locks, SET and temporary tables of a migration are lost or reach another client", way)
		if err != nil {
			p.AddOpaque("how the pooler gives out sessions", fmt.Sprint(err))
		}
	case shared:
		p.AddFinding(onward.Warning, "", "a pooler is between onward and the server, and two clients share one session: it pools transactions",
			"advisory locks, SET and temporary tables of a migration are lost or somebody else's", way)
	default:
		p.AddFinding(onward.Info, "", "a pooler is between onward and the server, and keeps a session for each client",
			"its own timeouts (of queries, of idle clients) end a migration too", "nothing, where these are longer than the migration")
	}
	return nil
}

var roleLacksRights = &Check{Rule: rule.Rule{
	ID:       "role-lacks-rights",
	Category: onward.Configuration, Severity: onward.Error,
	Summary: "The role may not do what the release does: it owns a touched table not, or may not create in its schema",
	Harm: "ALTER TABLE, CREATE INDEX and DROP TABLE are the owner's alone: the migration fails with SQLSTATE 42501, and what committed before stays. " +
		"Policies that hold for the owner, too, hide rows from a change of all rows. " +
		"Looked at are the tables that the release touches, and their schemas.",
	Instead: "Migrate as the role that owns the tables, or grant that role to this one. A role that only looks (cron) is asked with --alone.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-priv.html"},
}, Scope: onward.ScopeRole, Look: checkRights}

const rightsSQL = `
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner)::text, pg_has_role(current_user, c.relowner, 'USAGE'),
	has_schema_privilege(current_user, n.oid, 'CREATE'), row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY($1::text[]) ORDER BY 1, 2`

func checkRights(p *Pass) error {
	var schema, name, owner string
	var owns, creates, hidden bool
	reportedSchemas := map[string]bool{}
	return p.Each(rightsSQL, []any{p.Touched}, []any{&schema, &name, &owner, &owns, &creates, &hidden}, func() {
		shown, sql, qualified := formatRelation(schema, name)
		if !owns {
			p.AddFinding(onward.Off, qualified, "the release touches "+shown+", which "+owner+" owns, and "+p.role+" is no member of that role",
				"ALTER TABLE, CREATE INDEX and DROP TABLE fail with SQLSTATE 42501",
				"migrate as "+owner+", or:\nGRANT "+quoteName(owner)+" TO "+quoteName(p.role)+";")
		}
		if owns && hidden {
			p.AddFinding(onward.Warning, qualified, "the policies of "+shown+" hold for "+p.role+", too: it has FORCE ROW LEVEL SECURITY",
				"a change of all rows changes only those that the policies show, and onward apply refuses a backfill",
				"for the time of the migration:\nALTER TABLE "+sql+" NO FORCE ROW LEVEL SECURITY;")
		}
		if !creates && !reportedSchemas[schema] {
			reportedSchemas[schema] = true
			p.AddFinding(onward.Warning, schema, strings.TrimSpace(p.role+" may not create anything in schema "+schema),
				"a new table, index, function or view there fails with SQLSTATE 42501", "let its owner grant it:\nGRANT CREATE ON SCHEMA "+quoteName(schema)+" TO "+
					quoteName(p.role)+";")
		}
	})
}

var eventTriggerPresent = &Check{Rule: rule.Rule{
	ID:       "event-trigger-present",
	Category: onward.Configuration, Severity: onward.Info,
	Summary: "Event triggers run at every change of the schema",
	Harm: "What they do happens inside the migration's transaction, with its locks held: " +
		"an error of theirs ends it, time of theirs is time under its locks, and what they change no migration says. " +
		"Extensions and hosting services bring some of their own.",
	Instead: "Know what they do. A superuser can run a migration without them: SET event_triggers = off (from Postgres 17 on), or ALTER EVENT TRIGGER … DISABLE.",
	Manual:  []string{"https://www.postgresql.org/docs/current/event-triggers.html"},
}, Scope: onward.ScopeDatabase, Look: checkEventTriggers}

const eventTriggersSQL = `
SELECT e.evtname::text, e.evtevent::text, e.evtfoid::regproc::text FROM pg_event_trigger e WHERE e.evtenabled NOT IN ('D', 'R') AND e.evtevent <> 'login' ORDER BY 1`

func checkEventTriggers(p *Pass) error {
	var name, event, function string
	return p.Each(eventTriggersSQL, nil, []any{&name, &event, &function}, func() {
		p.AddFinding(onward.Off, name, "event trigger "+name+" runs "+function+" at each "+
			event, "it runs inside the migration: its errors end it, its time is under the migration's locks",
			"nothing, if you know what it does")
	})
}

// diskShort gets the free bytes from a query of the user, or from the file system if the
// server is on this machine.
var diskShort = &Check{Rule: rule.Rule{
	ID:       "disk-short",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "The free disk does not hold a rewrite of the largest table and its WAL",
	Harm: "A statement that rewrites a table writes a second copy of it and its indexes, an index build sorts on disk, and both write as much WAL; " +
		"a backfill leaves a dead row for each row. If the disk is full, the statement fails; " +
		"if it is the disk of pg_wal, the server stops. Less room than the WAL that the server itself may keep (max_wal_size) is an error. " +
		"The check uses the size of the largest table that the release touches, or else of the database, as the last VACUUM or ANALYZE found it.",
	Instead: "Make room before the migration. preflight: in onward.yaml has `disk`, a query that gives the free bytes; " +
		"a server does not tell them, and only over a socket on the same machine they are looked up.",
	Manual: []string{"https://www.postgresql.org/docs/current/disk-full.html"},
}, Scope: onward.ScopeServer, Metric: "disk_free_bytes", Help: "Bytes that are free for the server's files.", Look: checkDisk}

// The sizes date from the last VACUUM or ANALYZE. Exact sizes would lock each table, and
// wait for others who have locked it.
const largestSQL = `
WITH indexes AS (SELECT i.indrelid, sum(greatest(x.relpages, 0)) AS pages FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid GROUP BY 1)
SELECT n.nspname, c.relname, (greatest(c.relpages, 0) + greatest(coalesce(t.relpages, 0), 0) + coalesce(i.pages, 0) + coalesce(ti.pages, 0))::bigint * current_setting('block_size')::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
	LEFT JOIN indexes i ON i.indrelid = c.oid LEFT JOIN indexes ti ON ti.indrelid = t.oid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND @user AND ($1::text[] IS NULL OR n.nspname || '.' || c.relname = ANY($1::text[]))
ORDER BY 3 DESC LIMIT 1`

func checkDisk(p *Pass) error {
	free := int64(-1)
	switch {
	case p.Limits.Disk != "":
		var bytes float64 = -1
		sql := "SELECT coalesce(min(free::text::float8), -1) FROM (" + trimSemicolon(p.Limits.Disk) + ") AS q (free)"
		if ok, err := p.runConfigured("how much disk is free", p.Limits.Disk, sql, &bytes); !ok {
			return err
		}
		free = int64(bytes)
	case p.Free != nil:
		free = p.Free(p.settings["data_directory"])
	}
	if free < 0 {
		p.AddOpaque("how much disk is free", "a server does not tell: name a query that knows it in onward.yaml: preflight: {disk: \"SELECT …\"}")
		return nil
	}
	p.AddMeasure("", float64(free))
	if wal := p.remainingWAL(); free < wal {
		p.AddFinding(onward.Error, "", fmt.Sprintf("%s of disk are free, and the server may write %s of WAL before it clears any (max_wal_size)",
			size.FormatBytes(free), size.FormatBytes(wal)),
			"a migration that writes much fails when the disk is full, and the server stops with it", "make room before the migration")
		return nil
	}
	var schema, name string
	var bytes int64
	if err := p.Each(largestSQL, []any{p.Touched}, []any{&schema, &name, &bytes}, func() {}); err != nil {
		return err
	}
	if need := 2 * bytes; free < need {
		shown, _, qualified := formatRelation(schema, name)
		p.AddFinding(onward.Off, qualified, fmt.Sprintf("%s of disk are free; a rewrite of %s (%s with its indexes) takes as much again, and as much WAL: %s",
			size.FormatBytes(free), shown, size.FormatBytes(bytes), size.FormatBytes(need)),
			"a statement that rewrites it, or a backfill, fails when the disk is full, and the server may stop", "make room before the migration, "+
				"or change the table in batches with VACUUM in between")
	}
	return nil
}

// fewSegments is the least space that a server needs to go on: two segments of WAL.
const fewSegments = 32 << 20

// remainingWAL returns how much WAL the server may add: its limit minus the existing WAL, if
// that can be seen.
func (p *Pass) remainingWAL() int64 {
	megabytes, _ := strconv.ParseInt(p.settings["max_wal_size"], 10, 64)
	limit, walSize := megabytes<<20, int64(0)
	if p.files {
		// Unknown WAL counts as nothing, so that the need is not underestimated.
		_ = p.Each("SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()", nil, []any{&walSize}, func() {})
	}
	return max(fewSegments, limit-walSize)
}
