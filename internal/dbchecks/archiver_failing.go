package dbchecks

import (
	"fmt"
	"time"

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
