package dbchecks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// There are about 2,147 million transaction IDs (numbers). The check warns if almost half of them
// are used. It reports an error at 1,600 million, where vacuum skips all but freezing
// (vacuum_failsafe_age).
const (
	numbers          = 1 << 31
	wraparoundWarns  = 1_000_000_000
	wraparoundFailed = 1_600_000_000
)

var wraparoundNear = &Check{Rule: rule.Rule{
	ID:       "wraparound-near",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "Vacuum lags: transaction numbers are running out",
	Harm: "Before the numbers wrap around the server takes no more writes. Until then autovacuum works on the oldest tables with locks that do not give way " +
		"to a migration, and a backfill in batches uses numbers up itself. Told is each database from 1,000 million transactions or multixacts on; " +
		"from 1,600 million on it is an error.",
	Instead: "Find what holds vacuum back (an old transaction, a prepared one, a slot), end it, " +
		"and let VACUUM (FREEZE) run through the oldest tables before the migration.",
	Manual: []string{"https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND"},
}, Scope: onward.ScopeServer, Metric: "wraparound_numbers_left", Help: "Transaction or multixact numbers that are left before wraparound, " +
	"whichever are fewer.", Look: checkWraparound}

const wraparoundSQL = `SELECT datname::text, age(datfrozenxid)::bigint, mxid_age(datminmxid)::bigint FROM pg_database ORDER BY 1`

const oldestSQL = `
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 't') AND (age(c.relfrozenxid) >= $1::bigint OR mxid_age(c.relminmxid) >= $1::bigint)
ORDER BY greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) DESC LIMIT 6`

func checkWraparound(p *Pass) error {
	var name, oldest string
	var transactions, multi int64
	var tables []string
	err := p.Each(oldestSQL, []any{int64(wraparoundWarns)}, []any{&oldest}, func() { tables = append(tables, oldest) })
	if err != nil {
		return err
	}
	return p.Each(wraparoundSQL, nil, []any{&name, &transactions, &multi}, func() {
		used, unit := transactions, "transactions"
		if multi > used {
			used, unit = multi, "multixacts"
		}
		p.AddMeasure(name, float64(numbers-used))
		if used < wraparoundWarns {
			return
		}
		severity := onward.Off
		if used >= wraparoundFailed {
			severity = onward.Error
		}
		fact := fmt.Sprintf("the oldest rows of database %s are %s %s old; %s are left", name, size.FormatCount(used), unit, size.FormatCount(max(0, numbers-used)))
		if name == p.database && len(tables) > 0 {
			fact += ", oldest: " + listNames(formatTables(tables))
		}
		p.AddFinding(severity, name, fact, "autovacuum works with locks that do not give way to a migration, and in the end the server takes no more writes",
			"end what holds vacuum back, then, in that database:\nVACUUM (FREEZE, VERBOSE);")
	})
}
