// Package idempotency holds the rules about a second run.
package idempotency

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartialFailure flags a migration of several commits that cannot run again
// from the top when one of the later ones fails.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var PartialFailure = &rule.Rule{
	ID:        "idempotency-partial-failure",
	Category:  onward.Idempotency,
	Severity:  onward.Warning,
	Preset:    rule.Recommended,
	Summary:   "a migration without a transaction cannot run again when a later statement fails",
	Harm:      "Each statement commits by itself. When one fails (a concurrent build that meets a duplicate, a deadlock or a timeout is enough), what came before stays, the migration is not recorded, and the next run fails at its first statement: somebody has to mend the database by hand.",
	Instead:   "Give the statement that may fail a migration of its own, or make those in front of it pass over what is there: IF NOT EXISTS, IF EXISTS.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
	Migration: partialFailure,
}

func partialFailure(p *rule.Pass, m *rule.Migration) {
	if len(m.Txs) < 2 || m.Runner.Resumes {
		return
	}
	for i, t := range m.Txs {
		rest := recordedWith(t, m.Txs[i+1:])
		later, why := mayFail(p, m, rest)
		if later == nil {
			if len(rest) == len(m.Txs)-i-1 {
				return
			}
			continue
		}
		first := stuck(t)
		if first == nil {
			continue
		}
		severity := onward.Warning
		django := "move the operation at " + later.Where() + " to a migration of its own, and give only that one atomic = False"
		if oneOperation(first, later) {
			django = "look at the table before the next run, and take back what the operation has left"
			severity = onward.Info
		}
		if onlyIndexes(first, later) {
			severity = onward.Info
		}
		p.Report(first, rule.Report{
			Severity: severity,
			Fact:     fmt.Sprintf("if the statement at %s fails, the migration cannot run again: it stops here", later.Where()),
			Harm:     "this statement has committed by then; the second run answers " + problem(first),
			Instead:  "move the statement at " + later.Where() + " to a migration of its own" + guard(first),
			Django:   django,
			Evidence: []onward.Evidence{later.Evidence("may fail: " + why)},
		})
		return
	}
}

// oneOperation reports whether a framework made both statements of one operation:
// nobody can part them.
func oneOperation(first, later *rule.Stmt) bool {
	return first.Operation.Class != "" && first.Operation == later.Operation &&
		first.Line == later.Line && first.Column == later.Column
}

// recordedWith lists the transactions that the runner records together with one:
// all of a file, unless it records the parts of it by themselves.
func recordedWith(t *rule.Tx, later []*rule.Tx) []*rule.Tx {
	name := func(t *rule.Tx) string {
		s := t.Statements[0]
		if parts := s.Migration.Script.Source.Parts; s.Part() < len(parts) {
			return parts[s.Part()].Name
		}
		return ""
	}
	own := name(t)
	if own == "" {
		return later
	}
	for i, x := range later {
		if name(x) != own {
			return later[:i]
		}
	}
	return later
}

// onlyIndexes reports whether an index alone is left behind, by a statement that
// builds or drops another one and that no row can make fail: nothing that the
// code sees, and a matter of one DROP INDEX.
func onlyIndexes(first, later *rule.Stmt) bool {
	if first.Node.GetIndexStmt() == nil {
		return false
	}
	index := later.Node.GetIndexStmt()
	return index != nil && !index.GetUnique() || later.Node.GetReindexStmt() != nil ||
		later.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_INDEX
}

// stuck is the statement of a transaction that fails when the transaction,
// once committed, is run again; nil when it can.
func stuck(t *rule.Tx) *rule.Stmt {
	if t.RolledBack {
		return nil
	}
	c := t.After
	for _, s := range t.Statements {
		if s.Node == nil || s.Parent >= 0 || len(s.Deltas) == 0 {
			continue
		}
		next, problems := c.Apply(s.Node, s.SQL)
		if len(problems) > 0 && len(s.Problems) == 0 {
			return s
		}
		c = next
	}
	return nil
}

// mayFail is the first statement that is likely to fail on a busy database, and
// why: one that waits for other transactions while it works. Where the runner
// says that it runs the whole file again, any change counts when there is none.
func mayFail(p *rule.Pass, m *rule.Migration, txs []*rule.Tx) (*rule.Stmt, string) {
	var change *rule.Stmt
	for _, t := range txs {
		for _, s := range t.Statements {
			for i := range s.Result.Effects {
				e := &s.Result.Effects[i]
				if e.Waits && !e.Created {
					return s, "it waits for other transactions and checks every row"
				}
			}
			if change == nil && m.Runner.Rerun && len(s.Deltas) > 0 && slices.ContainsFunc(s.Result.Effects, func(e effect.Effect) bool { return p.Existing(&e) }) {
				change = s
			}
		}
	}
	return change, "a deadlock, a timeout or a lost connection is enough"
}

// problem is what the server answers to the second run.
func problem(s *rule.Stmt) string {
	_, problems := s.Tx.After.Apply(s.Node, s.SQL)
	if len(problems) == 0 {
		return "with an error"
	}
	return problems[0].Message
}

// guard is the second way out, where the statement has one.
func guard(s *rule.Stmt) string {
	words := strings.ToUpper(strings.Join(strings.Fields(s.SQL), " "))
	switch {
	case strings.HasPrefix(words, "CREATE TABLE"), strings.HasPrefix(words, "ALTER TABLE") && strings.Contains(words, " ADD COLUMN "):
		return ", or add IF NOT EXISTS here"
	case strings.HasPrefix(words, "DROP "), strings.HasPrefix(words, "ALTER TABLE") && strings.Contains(words, " DROP "):
		return ", or add IF EXISTS here"
	}
	return ""
}
