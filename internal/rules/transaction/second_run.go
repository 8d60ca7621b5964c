package transaction

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
)

// findRerunFailure is the statement at which a second run of transactions that committed
// fails, and what the server answers to it; nil when it gets through. It begins
// from the schema that they left.
func findRerunFailure(txs []*rule.Tx, rerunCatalog *catalog.Catalog) (*rule.Stmt, string) {
	for _, t := range txs {
		if t.RolledBack {
			continue
		}
		for _, s := range t.Statements {
			if s.Node == nil || s.Parent >= 0 {
				continue
			}
			next, problems := rerunCatalog.Apply(s.Node, s.SQL)
			if len(problems) > 0 && s.Conditional {
				continue // such as remove_index with if_exists: the program looks first
			}
			if len(problems) > 0 && len(s.Problems) == 0 && len(s.Deltas) > 0 {
				return s, problems[0].Message()
			}
			rerunCatalog = next
		}
	}
	return nil, ""
}

// findLikelyFailure is the first statement that is likely to fail on a busy database, and
// why: one that waits for other transactions while it works. Where the runner
// runs all of it again, any change counts when there is none.
func findLikelyFailure(p *rule.Pass, reruns bool, txs []*rule.Tx) (*rule.Stmt, string) {
	var change *rule.Stmt
	for _, t := range txs {
		for _, s := range t.Statements {
			for i := range s.Result.Effects {
				e := &s.Result.Effects[i]
				if e.Waits && !e.Created {
					return s, "it waits for other transactions and checks every row"
				}
			}
			if change == nil && reruns && len(s.Deltas) > 0 && slices.ContainsFunc(s.Result.Effects, func(e effect.Effect) bool { return p.IsExisting(&e) }) {
				change = s
			}
		}
	}
	return change, "a deadlock, a timeout or a lost connection is enough"
}

// formatGuardHint is the second way out, where the statement has one.
func formatGuardHint(s *rule.Stmt) string {
	words := strings.ToUpper(strings.Join(strings.Fields(s.SQL), " "))
	switch {
	case strings.HasPrefix(words, "CREATE TABLE"), strings.HasPrefix(words, "ALTER TABLE") && strings.Contains(words, " ADD COLUMN "):
		return ", or add IF NOT EXISTS here"
	case strings.HasPrefix(words, "DROP "), strings.HasPrefix(words, "ALTER TABLE") && strings.Contains(words, " DROP "):
		return ", or add IF EXISTS here"
	}
	return ""
}
