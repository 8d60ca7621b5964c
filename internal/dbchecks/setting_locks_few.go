package dbchecks

import (
	"fmt"
	"strconv"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

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
