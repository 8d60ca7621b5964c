package data

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// ProgramUnbatched flags a program of a migration, such as a RunPython, that writes all rows of an existing
// table in one transaction. Work under the lock of an earlier statement is left to
// transaction-long-work-under-lock.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
var ProgramUnbatched = &rule.Rule{
	ID:       "data-program-unbatched",
	Category: onward.Data,
	Severity: onward.Warning,
	Summary:  "a program of the migration writes all rows of an existing table in one transaction",
	Harm: "Every row stays locked until the transaction commits, so everybody who writes to one of them waits: " +
		"with one UPDATE, and with a loop in the transaction of the migration, too. All rows are rewritten: " +
		"the table grows, replicas lag, and VACUUM can clean nothing up meanwhile.",
	Instead:   "Write in batches that commit, by a range of the key, in a migration without a transaction or outside it.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS"},
	Migration: checkProgramUnbatched,
}

func checkProgramUnbatched(p *rule.Pass, m *rule.Migration) {
	var reported []catalog.OID
	for _, list := range analysis.GroupByKey(m.Script.Source.Code, func(c *script.Code) program { return program{c.Name, c.Line} }) {
		if slices.ContainsFunc(list, func(c script.Code) bool { return runsUnderLock(p, m, &c) }) {
			continue // one finding for one program: the worse one
		}
		var written []writtenTable
		for _, c := range list {
			t := p.MappedTable(c.Table)
			if !writesWholeTable(&c) || t == nil || !p.InUse(t) || p.IsTiny(t.Name) || slices.Contains(reported, t.OID) {
				continue
			}
			reported = append(reported, t.OID)
			written = append(written, writtenTable{c.Verb, t.Name.String()})
		}
		if len(written) == 0 {
			continue
		}
		p.ReportAt(m.ID, m.Path, list[0].Line, rule.Report{
			Fact:    list[0].Name + " " + describeWrites(written) + ", all in one transaction",
			Harm:    "each row stays locked until it commits: every UPDATE and DELETE of such a row waits until then",
			Instead: "write in batches that commit: one slice of the keys after the other, with atomic = False in the migration",
			Cause:   "and so do %d other functions",
		})
	}
}

// writesWholeTable reports whether a program writes all rows of a table in one transaction. Without a transaction
// around it each save, and each batch, commits. Which rows it writes while it goes over others is not known.
func writesWholeTable(c *script.Code) bool {
	return c.Whole && !c.Few && c.Verb != "goes over" && !(c.Apart && (c.Batches || c.Verb == "saves" || c.Verb == "removes"))
}

// writtenTable is a table, and what a program does to its rows.
type writtenTable struct{ verb, table string }

// describeWrites is "updates rows of a and b, and deletes rows of c".
func describeWrites(all []writtenTable) string {
	var out []string
	for _, list := range analysis.GroupByKey(all, func(w *writtenTable) string { return w.verb }) {
		var tables []string
		for _, w := range list {
			tables = append(tables, w.table)
		}
		out = append(out, list[0].verb+" rows of "+prose.EnumerateNames(tables))
	}
	return strings.Join(out, ", and ")
}

// runsUnderLock reports whether a program works under the lock of a statement that
// runs before it in its transaction, which another rule reports.
func runsUnderLock(p *rule.Pass, m *rule.Migration, c *script.Code) bool {
	if c.Apart || c.Few {
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
