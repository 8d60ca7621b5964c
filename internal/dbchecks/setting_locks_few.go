package dbchecks

import (
	"fmt"
	"strconv"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var settingLocksFew = &Check{Rule: rule.Rule{
	ID:       "setting-locks-few",
	Category: onward.Configuration, Severity: onward.Warning, Preset: onward.Recommended,
	Summary: "A partitioned table has more partitions and indexes than half of all locks that the server has room for",
	Harm: "What locks the table locks every partition, and for most changes every index of each: " +
		"when the table of locks is full the statement fails with SQLSTATE 53200 (out of shared memory), and so may any other session's at the same moment. " +
		"There is room for max_locks_per_transaction for each connection and prepared transaction, all together.",
	Instead: "Change the partitions one after the other, in transactions of their own; or set max_locks_per_transaction higher, which takes a restart.",
	Manual:  []string{"https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION"},
}, Scope: onward.ScopeTouched, Look: checkLockRoom}

const treesSQL = `
WITH RECURSIVE tree AS (
	SELECT c.oid AS root, c.oid AS member FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind = 'p' AND NOT c.relispartition AND @user AND ($1::text[] IS NULL OR n.nspname || '.' || c.relname = ANY($1::text[]))
	UNION ALL SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.member)
SELECT n.nspname, c.relname, count(*)::int + (sum((SELECT count(*) FROM pg_index x WHERE x.indrelid = t.member)))::int
FROM tree t JOIN pg_class c ON c.oid = t.root JOIN pg_namespace n ON n.oid = c.relnamespace GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5`

func checkLockRoom(p *Pass) error {
	setting := func(name string) int { n, _ := strconv.Atoi(p.settings[name]); return n }
	room := setting("max_locks_per_transaction") * (setting("max_connections") + setting("max_prepared_transactions"))
	var schema, name string
	var members int
	return p.Each(treesSQL, []any{p.Touched}, []any{&schema, &name, &members}, func() {
		if room == 0 || members*2 < room {
			return
		}
		shown, _, qualified := formatRelation(schema, name)
		p.AddFinding(onward.Off, qualified, fmt.Sprintf("%s has %d partitions and indexes, and the server has room for %d locks in all", shown, members, room),
			"a change of the whole table fails with SQLSTATE 53200, and so may other sessions at that moment",
			"change the partitions one after the other, or set max_locks_per_transaction higher and restart")
	})
}
