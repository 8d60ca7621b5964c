package dbchecks

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

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
