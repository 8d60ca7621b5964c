package dbchecks

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var indexInvalid = &Check{Rule: rule.Rule{
	ID:       "index-invalid",
	Category: onward.ReleaseOrder, Severity: onward.Warning,
	Summary: "A concurrent build that failed left an invalid index",
	Harm: "No query uses it, and every write still pays for it; a unique one is not enforced for rows that were there before. " +
		"The migration that builds it fails the next time, because the name exists, or skips it with IF NOT EXISTS, and the index never becomes valid.",
	Instead: "Drop it with DROP INDEX CONCURRENTLY and build it again; REINDEX INDEX CONCURRENTLY does both. " +
		"The index of a running build is invalid until the build ends, and is not reported.",
	Manual: []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
}, Scope: onward.ScopeDatabase, Metric: "indexes_invalid", Help: "Indexes that a failed build left.", Look: checkInvalidIndexes}

// An index of a partitioned table is invalid until each partition has a matching index. It
// is usually still being built, so it has its own message.
const invalidIndexesSQL = `
SELECT n.nspname, c.relname, t.relname, c.relkind = 'I', i.indisready,
	EXISTS (SELECT FROM pg_stat_progress_create_index b WHERE c.oid = b.index_relid OR t.oid = b.relid),
	EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database()
		AND l.relation = t.oid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND @user
ORDER BY 1, 2`

func checkInvalidIndexes(p *Pass) error {
	var schema, name, table string
	var partitioned, ready, building, locked bool
	n := 0
	err := p.Each(invalidIndexesSQL, nil, []any{&schema, &name, &table, &partitioned, &ready, &building, &locked}, func() {
		if building {
			return
		}
		shown, sql, qualified := formatRelation(schema, name)
		if locked && !p.stats {
			p.AddOpaque("whether invalid index "+shown+" is being built", explainMissingRight(p, "what other roles build"))
			return
		}
		n++
		switch {
		case partitioned:
			p.AddFinding(onward.Warning, qualified, "index "+shown+" of the partitioned table "+table+" is not valid: a partition has none that belongs to it",
				"queries on that partition have no index, and a unique one is not enforced across partitions",
				"build one on each partition CONCURRENTLY, and attach it:\nALTER INDEX "+sql+" ATTACH PARTITION …;")
		default:
			cost := "no query uses it"
			if ready {
				cost += ", and every write to " + table + " pays for it"
			}
			p.AddFinding(onward.Warning, qualified, "index "+shown+" of "+table+" is invalid: its build failed",
				cost+"; building it again fails because the name exists, or skips it with IF NOT EXISTS",
				"drop it, and build it again:\nDROP INDEX CONCURRENTLY "+sql+";")
		}
	})
	p.AddMeasure("", float64(n))
	return err
}
