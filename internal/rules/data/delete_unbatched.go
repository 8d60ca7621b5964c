package data

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DeleteUnbatched flags DELETE of many rows of an existing table. One without a
// condition is data-delete-all's.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
var DeleteUnbatched = &rule.Rule{
	ID:       "data-delete-unbatched",
	Category: onward.Data,
	Severity: onward.Warning,
	Summary:  "DELETE removes many rows of an existing table in one transaction",
	Harm: "Every deleted row, and every row that cascades from it, stays locked until the transaction commits. " +
		"Foreign keys that point to the table are checked row by row.",
	Instead:   "Delete in batches that commit, by a range of the key, outside the migration.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS"},
	Kinds:     rule.Data,
	Statement: checkDeleteUnbatched,
}

func checkDeleteUnbatched(p *rule.Pass, s *rule.Stmt) {
	for _, w := range listUnbatchedWrites(p, s, "DELETE") {
		if w.Extent == analysis.Whole {
			continue
		}
		table := w.Table.Name.String()
		r := rule.Report{
			Fact:    "DELETE removes as many rows of " + table + " as its condition finds, in one transaction",
			Harm:    "each row stays locked until it commits: every UPDATE and DELETE of such a row waits until then",
			Grows:   w.Table.Name,
			Instead: formatBatchedWrite("DELETE", "", writtenCondition(s, w.Node), w.Table),
		}
		if w.Extent == analysis.Few {
			describeLoop(&r, s, "deletes from "+table, &w)
		}
		addFiredTriggers(&r, s, &w)
		p.Report(s, r)
		return
	}
}
