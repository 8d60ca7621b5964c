package transaction

import (
	"fmt"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// reportCodeUnderLock reports programs that work on rows after a statement, in its transaction.
// s must be the last statement before them. The program's SQL is not known; only that it
// writes while the locks of this and earlier statements are held.
func reportCodeUnderLock(p *rule.Pass, s *rule.Stmt) {
	all := s.Migration.Script
	if !s.InBlock() || s.Parent >= 0 || s.Tx.RolledBack {
		return
	}
	if next := s.Index + 1; next < len(all.Statements) && all.Statements[next].Part() == s.Part() {
		return
	}
	for _, list := range analysis.GroupByKey(all.Source.Code, func(c *script.Code) program { return program{c.Name, c.Line, c.Parts} }) {
		if list[0].Parts == s.Part()+1 {
			reportProgramUnderLock(p, s, list)
		}
	}
}

// program tells the programs of a migration apart: one may work on several tables.
type program struct {
	name        string
	line, parts int
}

// reportProgramUnderLock reports one program once, whichever of its tables are locked.
func reportProgramUnderLock(p *rule.Pass, s *rule.Stmt, list []script.Code) {
	var tables []string
	var heldLock rule.Held
	var grows catalog.Name
	severity := onward.Warning
	first := list[0]
	for _, c := range list {
		if c.Few || c.Apart {
			continue
		}
		h, table, ok := p.HeldFor(s, c.Table)
		if !ok {
			continue
		}
		if len(tables) == 0 || c.Whole && severity != onward.Error {
			first, heldLock = c, h
		}
		if c.Whole {
			severity = onward.Error
		}
		tables = append(tables, table.String())
		grows = table
	}
	if len(tables) == 0 {
		return
	}
	names := prose.EnumerateNames(tables)
	big := "is"
	if len(tables) > 1 {
		big, grows = "are", catalog.Name{}
	}
	p.ReportAt(s.Migration.ID, s.Migration.Path, first.Line, rule.Report{
		Fact: fmt.Sprintf("%s %s rows of %s while %s is locked against %s since %s", first.Name, first.Verb, names, heldLock.Name, describeBlocked(heldLock.Lock),
			heldLock.By.FormatPlace()),
		Harm:     fmt.Sprintf("%s waits until the transaction ends, which takes as long as %s %s big", analysis.DescribeWaiting(&heldLock.Effect), names, big),
		Grows:    grows,
		Instead:  "move the RunPython to a migration of its own after this one, with atomic = False in the migration, and write in batches that commit",
		Severity: severity,
		Cause:    "and %d other functions work while " + heldLock.Name.String() + " is",
		Evidence: []onward.Evidence{heldLock.By.NewEvidence("takes " + heldLock.Lock.String() + " on " + heldLock.Name.String())},
	})
}
