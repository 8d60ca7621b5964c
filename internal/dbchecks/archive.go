package dbchecks

import (
	"fmt"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgstat"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var archiverFailing = &Check{Rule: rule.Rule{
	ID:       "archiver-failing",
	Category: onward.Configuration, Severity: onward.Error,
	Summary: "The archiver fails, or lags far",
	Harm: "Segments that are not archived stay in pg_wal. A migration that rewrites a table, " +
		"builds an index or fills a column writes WAL as big as what it works on: the disk runs full, and the server stops. " +
		"And until the archiver has caught up there is no way back to any moment since it failed. Failing is an error; " +
		"more than 42 segments that wait are a warning.",
	Instead: "Look into the server's log for what archive_command says, mend it, and wait until nothing waits: SELECT * FROM pg_stat_archiver.",
	Manual:  []string{"https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ARCHIVER-VIEW"},
}, Scope: onward.ScopeServer, Metric: "archiver_segments_waiting", Help: "Segments of WAL that are not archived yet.", Look: checkArchiverFailures}

const archiverSQL = `
SELECT failed_count::bigint, coalesce(last_failed_wal, ''), coalesce(extract(epoch FROM clock_timestamp() - last_failed_time), -1)::float8,
	last_failed_time IS NOT NULL AND (last_archived_time IS NULL OR last_failed_time > last_archived_time),
	coalesce(extract(epoch FROM clock_timestamp() - last_archived_time), -1)::float8
FROM pg_stat_archiver`

func checkArchiverFailures(p *Pass) error {
	if mode := p.settings["archive_mode"]; mode == "off" || p.recovery && mode != "always" {
		return nil
	}
	var failures int64
	var wal string
	var failed, archived float64
	var failing bool
	if err := p.Each(archiverSQL, nil, []any{&failures, &wal, &failed, &failing, &archived}, func() {}); err != nil {
		return err
	}
	if failing {
		since := "nothing was archived since the statistics began"
		if archived >= 0 {
			since = "the last success was " + formatAge(secondsToDuration(archived)) + " ago"
		}
		p.AddFinding(onward.Error, "", fmt.Sprintf("the archiver fails: %s, %s ago; %s", wal, formatAge(secondsToDuration(failed)), since),
			"WAL piles up in pg_wal until the disk is full, which a migration's own WAL brings nearer; there is no way back to any moment since",
			"mend archive_command (the server's log has what it says), and wait until this is newer than the last failure:\n"+
				"SELECT last_archived_time, last_failed_time FROM pg_stat_archiver;")
	}
	if !p.files {
		p.AddOpaque("how many segments wait for the archiver", explainMissingRight(p, "pg_ls_archive_statusdir()"))
		return nil
	}
	var b pgstat.Backlog
	err := p.Each(pgstat.BacklogSQL, nil, b.Columns(), func() {})
	if err != nil {
		return err
	}
	p.AddMeasure("", float64(b.Waiting))
	if b.Waiting > pgstat.MaxBacklog && !failing {
		p.AddFinding(onward.Warning, "", fmt.Sprintf("the archiver lags: %d segments wait, the oldest for %s", b.Waiting,
			formatAge(secondsToDuration(b.Oldest).Round(time.Second))),
			"a migration that writes much WAL increases the lag, and the disk of pg_wal fills", "wait until it has caught up, or make it faster (several at once, "+
				"with an archive_library or the backup tool's own queue)")
	}
	return nil
}

// explainMissingRight explains why the role cannot see something of the server, and which grant shows it.
func explainMissingRight(p *Pass, object string) string {
	return p.role + " may not see " + object + ": GRANT pg_monitor TO " + quoteName(p.role)
}

var archiverOff = &Check{Rule: rule.Rule{
	ID:       "archiver-off",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "The server does not archive its WAL",
	Harm: "After a migration that destroyed something, nobody can restore the moment before. " +
		"There is only the last base backup or dump, without all later writes. Replicas do not help: they repeat the loss. " +
		"A server whose WAL is streamed to an archive (pg_receivewal, Barman) is not reported.",
	Instead: "Archive WAL with a backup tool (archive_mode = on, archive_command or archive_library); or take a dump or snapshot right before the migration.",
	Manual:  []string{"https://www.postgresql.org/docs/current/continuous-archiving.html"},
}, Scope: onward.ScopeServer, Look: checkArchivingOff}

func checkArchivingOff(p *Pass) error {
	mode := p.settings["archive_mode"]
	if mode == "always" || mode == "on" && !p.recovery || p.recovery && mode != "off" {
		command, library := p.settings["archive_command"], p.settings["archive_library"]
		if p.stats && command == "" && library == "" || command == "(disabled)" && library == "" {
			p.AddFinding(onward.Off, "", "archive_mode is "+mode+", and there is neither archive_command nor archive_library",
				"WAL piles up and is archived nowhere, until the disk is full", "set archive_command or archive_library, then:\nSELECT pg_reload_conf();")
		}
		return nil
	}
	receivers := 0
	err := p.Each(`SELECT count(*)::int FROM pg_stat_replication WHERE application_name ~* '(receivewal|receive_wal|barman|pgbackrest|wal-g)'`, nil,
		[]any{&receivers}, func() {})
	if err != nil || receivers > 0 {
		return err
	}
	p.AddFinding(onward.Off, "", "the server archives no WAL (archive_mode is "+mode+")",
		"after a migration that destroys something, the last base backup or dump is all there is: what was written since is lost",
		"archive WAL, or take a dump or a snapshot right before the migration")
	return nil
}

// backupOld looks for the history file that every base backup leaves in pg_wal when it
// ends: its time, and the label that the tool wrote. Disk snapshots leave none.
var backupOld = &Check{Rule: rule.Rule{
	ID:       "backup-old",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "The last base backup is old",
	Harm: "The way back from a migration that destroyed something begins at the last base backup and replays all WAL since: " +
		"the older it is, the longer nothing works. It is known by the history file that the server keeps of its last base backup, " +
		"or by a query of yours for snapshots and backups of a replica.",
	Instead: "Take a base backup before the migration, and see why the regular one did not come. " +
		"preflight: in onward.yaml has `backup`, a query that gives the time at which the last one ended, and `backup_days` (default 8).",
	Manual: []string{"https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-BASE-BACKUP"},
}, Scope: onward.ScopeServer, Metric: "backup_age_seconds", Help: "Seconds since the last base backup ended.", Look: checkBackup}

const historySQL = `
SELECT coalesce(extract(epoch FROM clock_timestamp() - max(modification)), -1)::float8, coalesce((array_agg(name ORDER BY modification DESC))[1], '')
FROM pg_ls_waldir() WHERE name LIKE '%.backup'`

func checkBackup(p *Pass) error {
	const query = "name a query that knows it in onward.yaml: preflight: {backup: \"SELECT max(ended_at) FROM …\"}"
	ago, label := -1.0, ""
	switch {
	case p.Limits.Backup != "":
		sql := "SELECT coalesce(extract(epoch FROM clock_timestamp() - max(ended)), -1)::float8 FROM (" + trimSemicolon(p.Limits.Backup) + ") AS q (ended)"
		if ok, err := p.runConfigured("when the last base backup ended", p.Limits.Backup, sql, &ago); !ok {
			return err
		}
		if ago < 0 {
			p.AddFinding(onward.Off, "", "the query of onward.yaml knows no base backup", "there is no way back but a dump", "take one before the migration")
			return nil
		}
	case !p.files:
		p.AddOpaque("when the last base backup ended", explainMissingRight(p, "pg_ls_waldir()")+"; or "+query)
		return nil
	default:
		file := ""
		if err := p.Each(historySQL, nil, []any{&ago, &file}, func() {}); err != nil {
			return err
		}
		if ago < 0 {
			p.AddOpaque("when the last base backup ended", "the server has no history of a backup: none was made since its WAL was last cleared, a replica made it, "+
				"or it is a snapshot; "+query)
			return nil
		}
		label = p.backupLabel(file)
	}
	p.AddMeasure("", ago)
	if last := secondsToDuration(ago); last > p.Limits.BackupAge {
		p.AddFinding(onward.Off, "", "the last base backup ended "+formatAge(last)+" ago"+label,
			"a restore replays all WAL since then", "take a base backup before the migration, and see why the regular one did not come")
	}
	return nil
}

var labelLine = lazyregexp.New(`(?m)^LABEL: (.*)$`)

// backupLabel returns the label that the backup tool wrote, if the role may read it.
func (p *Pass) backupLabel(file string) string {
	text := ""
	err := p.Each("SELECT pg_read_file('pg_wal/' || $1::text)", []any{file}, []any{&text}, func() {})
	if m := labelLine.FindStringSubmatch(text); err == nil && m != nil {
		return " (" + m[1] + ")"
	}
	return ""
}

// trimSemicolon returns a query without its final semicolon, for use inside another query.
func trimSemicolon(sql string) string {
	return strings.TrimRight(strings.TrimSpace(sql), "; \n\t") + "\n"
}
