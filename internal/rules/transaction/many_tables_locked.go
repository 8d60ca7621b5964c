package transaction

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ManyTablesLocked flags a transaction whose statements lock several tables in
// use, one after the other.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS
var ManyTablesLocked = &rule.Rule{
	ID:        "transaction-many-tables-locked",
	Category:  onward.InTransaction,
	Severity:  onward.Warning,
	Preset:    onward.Recommended,
	Summary:   "one transaction locks several existing tables, one after the other",
	Harm:      "The first table stays locked while the transaction waits for the lock on the second, however long a query there runs. A session that uses both tables in the other order deadlocks with it.",
	Instead:   "Give each table a migration of its own, so that no lock is held while another is waited for.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS"},
	Migration: manyTablesLocked,
}

// many is how many tables make a warning. Two or three brief locks are what most
// migrations take, and whoever is told of them does nothing; the wait for each is
// transaction-lock-timeout-missing's.
const many = 4

// lockedTable is the first strong lock on a table of a transaction.
type lockedTable struct {
	effect.Effect
	by *rule.Stmt
}

func manyTablesLocked(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		locked := tables(p, t)
		var second *lockedTable
		for i := range locked {
			if !together(p, locked[i].by, locked[0].by) {
				second = &locked[i]
				break
			}
		}
		if second == nil {
			continue
		}
		first := locked[0]
		names := make([]string, len(locked))
		for i, l := range locked {
			names[i] = l.Name.String()
		}
		r := rule.Report{
			Fact:     fmt.Sprintf("the transaction locks %d existing tables: %s", len(locked), strings.Join(names, ", ")),
			Harm:     fmt.Sprintf("%s, locked since %s, stays so while the lock on %s is waited for; a session that uses them in the other order deadlocks", first.Name, first.by.Where(), second.Name),
			Instead:  "give each table a migration of its own, or commit between them",
			Cause:    "and %d other transactions lock several",
			Evidence: []onward.Evidence{first.by.Evidence("takes " + first.Lock.String() + " on " + first.Name.String())},
		}
		if len(locked) < many {
			r.Severity = onward.Info
		}
		if wait := waited(p, locked); wait > 0 && wait <= analysis.LongestWait {
			r.Severity = onward.Info
			r.Harm = fmt.Sprintf("%s, locked since %s, stays so while other locks are waited for, which lock_timeout ends after %s in all; of a session that uses them in the other order and this one, the server ends one", first.Name, first.by.Where(), analysis.Duration(wait))
		}
		if at := m.Runner.LockTimeoutAt.String(); at != "" && second.by.Settings.LockTimeout == 0 && second.by.Settings.LockTimeoutBy == nil {
			r.Severity = onward.Info
			r.Harm = fmt.Sprintf("%s, locked since %s, stays so while the lock on %s is waited for, which the lock_timeout at %s ends, where that is the session that migrates", first.Name, first.by.Where(), second.Name, at)
		}
		p.Report(second.by, r)
	}
}

// waited is for how long a transaction may wait for locks on tables while it
// has the first, in milliseconds; 0 when a lock_timeout does not bound that.
func waited(p *rule.Pass, locked []lockedTable) int {
	total, last := 0, locked[0].by
	for _, l := range locked[1:] {
		if l.by == last || together(p, l.by, locked[0].by) {
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

// together reports whether two statements are one for whom they lock out: one
// statement, or both make or change new tables. What those lock are the tables
// that their foreign keys reference, each for an instant, and a table with two
// of them does so in one statement: they are
// constraint-foreign-key-locks-referenced's.
func together(p *rule.Pass, a, b *rule.Stmt) bool {
	return a == b || ofNew(p, a) && ofNew(p, b)
}

// ofNew reports whether a statement makes a table that is no partition or
// child, or changes one of this release.
func ofNew(p *rule.Pass, s *rule.Stmt) bool {
	if c := s.Node.GetCreateStmt(); c != nil {
		return len(c.InhRelations) == 0
	}
	r := s.Altered()
	return r != nil && p.New(r.OID)
}

// tables lists the existing tables that a transaction comes to lock against
// writes, in order. Partitions count as their parent, and what the transaction
// drops does not count.
func tables(p *rule.Pass, t *rule.Tx) []lockedTable {
	var out []lockedTable
	seen, passed := map[catalog.Name]bool{}, map[catalog.OID]bool{}
	for _, s := range t.Statements {
		for i := range s.Result.Effects {
			if e := &s.Result.Effects[i]; e.Dropped && e.OID != 0 {
				passed[e.OID] = true // also where a statement before locks it as one that a foreign key references
			}
		}
	}
	for _, s := range t.Statements {
		if s.Result.NoTransaction != "" || s.Result.Refused != nil {
			continue
		}
		for i := range s.Result.Effects {
			e := &s.Result.Effects[i]
			if e.Lock < onward.ShareRowExclusiveLock || !e.Kind.IsTable() || e.Dropped || seen[e.Name] || e.OID != 0 && passed[e.OID] || !p.Existing(e) {
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
