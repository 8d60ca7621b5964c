package data

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// ProgramUnbatched flags a program of a migration, such as a RunPython, that
// writes all rows of an existing table in one transaction. What it does under the
// lock of a statement in front of it is transaction-long-work-under-lock's.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
var ProgramUnbatched = &rule.Rule{
	ID:        "data-program-unbatched",
	Category:  onward.Data,
	Severity:  onward.Warning,
	Preset:    onward.Recommended,
	Summary:   "a program of the migration writes all rows of an existing table in one transaction",
	Harm:      "Every row stays locked until the transaction commits, so everybody who writes to one of them waits: with one UPDATE, and with a loop in the transaction of the migration, too. All rows are rewritten: the table grows, replicas fall behind, and VACUUM can clean nothing up meanwhile.",
	Instead:   "Write in batches that commit, by a range of the key, in a migration without a transaction or outside it.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS"},
	Migration: programUnbatched,
}

func programUnbatched(p *rule.Pass, m *rule.Migration) {
	var said []catalog.OID
	for _, c := range m.Script.Source.Code {
		// Without a transaction around it each save, and each batch, commits. What
		// is written while it goes over rows is not told.
		if !c.Whole || c.Few || c.Verb == "goes over" || c.Apart && (c.Batches || c.Verb == "saves" || c.Verb == "removes") {
			continue
		}
		t := p.Mapped(c.Table)
		if t == nil || !p.InUse(t) || p.Tiny(t.Name) || slices.Contains(said, t.OID) || underLock(p, m, &c) {
			continue
		}
		said = append(said, t.OID)
		p.ReportAt(m.ID, m.Path, c.Line, rule.Report{
			Fact:    c.Name + " " + c.Verb + " rows of " + t.Name.String() + ", all in one transaction",
			Harm:    "each row stays locked until it commits: every UPDATE and DELETE of such a row waits until then",
			Instead: "write in batches that commit: one slice of the keys after the other, with atomic = False in the migration",
			Cause:   "and so do %d other functions",
		})
	}
}

// underLock reports whether a program works under the lock of a statement that
// runs before it in its transaction.
func underLock(p *rule.Pass, m *rule.Migration, c *script.Code) bool {
	if c.Apart {
		return false
	}
	for _, s := range slices.Backward(m.Statements) {
		if s.Part() < c.Parts {
			_, _, ok := p.HeldFor(s, c.Table)
			return ok && s.InBlock()
		}
	}
	return false
}
