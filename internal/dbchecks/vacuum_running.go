package dbchecks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

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
