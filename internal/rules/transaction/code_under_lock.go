package transaction

import (
	"fmt"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// codeUnderLock reports programs that work on rows behind a statement, in its
// transaction, which is the last before them: what they send is not known, but
// that they write while its locks, and those before it, are held.
func codeUnderLock(p *rule.Pass, s *rule.Stmt) {
	all := s.Migration.Script
	if !s.InBlock() || s.Parent >= 0 || s.Tx.RolledBack {
		return
	}
	if next := s.Index + 1; next < len(all.Statements) && all.Statements[next].Part() == s.Part() {
		return
	}
	for _, c := range all.Source.Code {
		if c.Few || c.Apart || c.Parts != s.Part()+1 {
			continue
		}
		held, table, ok := p.HeldFor(s, c.Table)
		if !ok {
			continue
		}
		severity := onward.Warning
		if c.Whole {
			severity = onward.Error
		}
		p.ReportAt(s.Migration.ID, s.Migration.Path, c.Line, rule.Report{
			Fact:     fmt.Sprintf("%s %s rows of %s while %s is locked against %s since %s", c.Name, c.Verb, table, held.Name, blocks(held.Lock), held.By.Where()),
			Harm:     fmt.Sprintf("%s waits until the transaction ends, which takes as long as %s is big", analysis.Waiting(&held.Effect), table),
			Instead:  "move the RunPython to a migration of its own after this one, with atomic = False in the migration, and write in batches that commit",
			Severity: severity,
			Cause:    "and %d other functions work while " + held.Name.String() + " is",
			Evidence: []onward.Evidence{held.By.Evidence("takes " + held.Lock.String() + " on " + held.Name.String())},
		})
	}
}
