// Package idempotency holds the rules about a second run.
package idempotency

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/catalog"
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
	Preset:    onward.Recommended,
	Summary:   "a migration without a transaction cannot run again when a later statement fails",
	Harm:      "Each statement commits by itself. When one fails (a concurrent build that meets a duplicate, a deadlock or a timeout is enough), what came before stays, the migration is not recorded, and the next run fails at its first statement: somebody has to mend the database by hand.",
	Instead:   "Give the statement that may fail a migration of its own, or make those in front of it pass over what is there: IF NOT EXISTS, IF EXISTS.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
	Migration: partialFailure,
}

func partialFailure(p *rule.Pass, m *rule.Migration) {
	if m.Runner.Resumes {
		return
	}
	for _, txs := range recorded(m) {
		if partial(p, m, txs) {
			return
		}
	}
}

// maxReruns bounds how many failures of one migration are tried.
const maxReruns = 20

// partial reports the first statement that a second run of transactions comes to
// a stop at, after one of them has failed.
func partial(p *rule.Pass, m *rule.Migration, txs []*rule.Tx) bool {
	for at, tries := 0, 0; at+1 < len(txs) && tries < maxReruns; tries++ {
		later, why := mayFail(p, m, txs[at+1:])
		if later == nil {
			return false
		}
		at = slices.Index(txs, later.Tx)
		if first, answer := stuck(txs[:at], later.Tx.Before); first != nil {
			reportPartial(p, first, later, answer, why)
			return true
		}
	}
	return false
}

func reportPartial(p *rule.Pass, first, later *rule.Stmt, answer, why string) {
	severity := onward.Warning
	same := oneOperation(first, later)
	if same {
		severity = onward.Info
	}
	if onlyIndexes(first, later) {
		severity = onward.Info
	}
	p.Report(first, rule.Report{
		Severity: severity,
		Fact:     fmt.Sprintf("if the statement at %s fails, the migration cannot run again: it stops here", later.Where()),
		Harm:     "this statement has committed by then; the second run answers " + answer,
		Instead:  "move the statement at " + later.Where() + " to a migration of its own" + guard(first),
		Way:      advice.Separate{Where: later.Where(), Same: same},
		Evidence: []onward.Evidence{later.Evidence("may fail: " + why)},
	})
}

// oneOperation reports whether a framework made both statements of one operation:
// nobody can part them.
func oneOperation(first, later *rule.Stmt) bool {
	return first.Operation.Class != "" && first.Operation == later.Operation &&
		first.Line == later.Line && first.Column == later.Column
}

// recorded groups the transactions of a migration by what the runner records
// them as: all of them, unless it records the parts of a file by themselves.
func recorded(m *rule.Migration) [][]*rule.Tx {
	var out [][]*rule.Tx
	last := ""
	for _, t := range m.Txs {
		name := ""
		if s := t.Statements[0]; s.Part() < len(m.Script.Source.Parts) {
			name = m.Script.Source.Parts[s.Part()].Name
		}
		if len(out) == 0 || name != last {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], t)
		last = name
	}
	return out
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

// stuck is the statement at which a second run of transactions that committed
// fails, and what the server answers to it; nil when it gets through. It begins
// from the schema that they left.
func stuck(txs []*rule.Tx, again *catalog.Catalog) (*rule.Stmt, string) {
	for _, t := range txs {
		if t.RolledBack {
			continue
		}
		for _, s := range t.Statements {
			if s.Node == nil || s.Parent >= 0 {
				continue
			}
			next, problems := again.Apply(s.Node, s.SQL)
			if len(problems) > 0 && len(s.Problems) == 0 && len(s.Deltas) > 0 {
				return s, problems[0].Message()
			}
			again = next
		}
	}
	return nil, ""
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
