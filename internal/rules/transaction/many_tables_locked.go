package transaction

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgtime"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ManyTablesLocked flags a transaction whose statements lock several tables in
// use, one after the other.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS
var ManyTablesLocked = &rule.Rule{
	ID:       "transaction-many-tables-locked",
	Category: onward.InTransaction,
	Severity: onward.Warning,
	Summary:  "one transaction locks several existing tables, one after the other",
	Harm: "The first table stays locked while the transaction waits for the lock on the second, however long a query there runs. " +
		"A session that uses both tables in the other order deadlocks with it.",
	Instead:   "Give each table a migration of its own, so that no lock is held while another is waited for.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS"},
	Migration: checkManyTablesLocked,
}

// many is the number of tables from which a warning is reported. Most migrations take two
// or three brief locks, and nobody would act on a warning about them.
// transaction-lock-timeout-missing reports the wait for each.
const many = 4

// lockedTable is the first strong lock on a table of a transaction.
type lockedTable struct {
	effect.Effect
	by *rule.Stmt
}

func checkManyTablesLocked(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		locked := listLockedTables(p, t)
		var second *lockedTable
		for i := 1; i < len(locked); i++ {
			if !countAsOne(p, locked[i].by, locked[0].by) {
				second = &locked[i]
				break
			}
		}
		if second == nil || t.Earlier != nil && !crossesLockThreshold(locked, second, m) {
			continue
		}
		first := locked[0]
		names := make([]string, len(locked))
		for i, l := range locked {
			names[i] = l.Name.String()
		}
		r := rule.Report{
			Fact: fmt.Sprintf("the transaction locks %d existing tables: %s", len(locked), strings.Join(names, ", ")),
			Harm: fmt.Sprintf("%s, locked since %s, stays so while the lock on %s is waited for; a session that uses them in the other order deadlocks",
				first.Name, first.by.RelativePlace(second.by), second.Name),
			Instead:  "give each table a migration of its own, or commit between them",
			Cause:    "and %d other transactions lock several",
			Evidence: []onward.Evidence{first.by.NewEvidence("takes " + first.Lock.String() + " on " + first.Name.String())},
		}
		if m.Together != 0 {
			r.Instead = "lock each table in a release of its own: the runner sends all new migrations in one transaction"
		}
		if first.by == second.by {
			r.Instead = "drop the foreign keys first, each in a transaction of its own, and then the table"
		}
		if len(locked) < many {
			r.Severity = onward.Info
		}
		if wait := totalLockWait(p, locked); wait > 0 && wait <= analysis.LongestWait {
			r.Severity = onward.Info
			r.Harm = fmt.Sprintf("%s, locked since %s, stays so while other locks are waited for, which lock_timeout ends after %s in all; "+
				"of a session that uses them in the other order and this one, the server ends one", first.Name, first.by.RelativePlace(second.by), pgtime.Format(wait))
		}
		if timeoutPlace := m.Runner.LockTimeoutAt.String(); timeoutPlace != "" && second.by.Settings.LockTimeout == 0 && second.by.Settings.LockTimeoutBy == nil {
			r.Severity = onward.Info
			r.Harm = fmt.Sprintf("%s, locked since %s, stays locked while the statement waits for the lock on %s; "+
				"the lock_timeout at %s ends that, if it is set in the session that migrates", first.Name, first.by.RelativePlace(second.by), second.Name, timeoutPlace)
		}
		place := second.by
		if place.Migration != m {
			place = locked[many-1].by
		}
		p.Report(place, r)
	}
}

// crossesLockThreshold reports whether a migration is the first part of a transaction that locks a second table, or so many that it is a
// warning.
func crossesLockThreshold(locked []lockedTable, second *lockedTable, m *rule.Migration) bool {
	return second.by.Migration == m || len(locked) >= many && locked[many-1].by.Migration == m
}

// totalLockWait is for how long a transaction may wait for locks on tables while it
// has the first, in milliseconds; 0 when a lock_timeout does not bound that.
func totalLockWait(p *rule.Pass, locked []lockedTable) int {
	total, last := 0, locked[0].by
	for _, l := range locked[1:] {
		if l.by == last && !dropsTable(l.by) || countAsOne(p, l.by, locked[0].by) {
			continue
		}
		if l.by.Settings.LockTimeout == 0 {
			return 0
		}
		last = l.by
		total += l.by.Settings.LockTimeout
	}
	return total
}

// countAsOne reports whether two statements count as one for the sessions that they block:
// they are the same statement, or both create or change new tables. The latter lock only
// the tables that their foreign keys reference, each for an instant, and one statement
// may do so for two tables. constraint-foreign-key-locks-referenced reports them.
// DROP TABLE waits for the referenced tables one after the other, which the code uses on.
func countAsOne(p *rule.Pass, a, b *rule.Stmt) bool {
	return a == b && !dropsTable(a) || isOnNewTable(p, a) && isOnNewTable(p, b)
}

// dropsTable reports whether a statement drops tables.
func dropsTable(s *rule.Stmt) bool {
	return s.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_TABLE
}

// isOnNewTable reports whether a statement makes a table that is no partition or
// child, or changes one of this release.
func isOnNewTable(p *rule.Pass, s *rule.Stmt) bool {
	if c := s.Node.GetCreateStmt(); c != nil {
		return len(c.InhRelations) == 0
	}
	r := s.AlteredRelation()
	return r != nil && p.IsNew(r.OID)
}

// listLockedTables lists the existing tables that a transaction locks against writes, in order, with the tables of its earlier migrations.
// Partitions count as their parent. Tables that the transaction drops do not count.
func listLockedTables(p *rule.Pass, t *rule.Tx) []lockedTable {
	var out []lockedTable
	seen, passed := map[catalog.Name]bool{}, map[catalog.OID]bool{}
	for s := range t.All() {
		for i := range s.Result.Effects {
			if e := &s.Result.Effects[i]; e.Dropped && e.OID != 0 {
				passed[e.OID] = true // also where a statement before locks it as one that a foreign key references
			}
		}
	}
	for s := range t.All() {
		if s.Result.NoTransaction != "" || s.Result.Refused != nil {
			continue
		}
		for i := range s.Result.Effects {
			e := &s.Result.Effects[i]
			if e.Lock < onward.ShareRowExclusiveLock || !e.Kind.IsTable() || e.Dropped || seen[e.Name] || e.OID != 0 && passed[e.OID] || !p.IsExisting(e) {
				continue
			}
			seen[e.Name], passed[e.OID] = true, true
			if r := s.Before.Relation(e.OID); r != nil && (r.Parent != 0 || len(r.Inherits) > 0) {
				continue
			}
			out = append(out, lockedTable{*e, s})
		}
	}
	return out
}
