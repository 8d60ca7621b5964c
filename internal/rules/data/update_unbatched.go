package data

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// UpdateUnbatched flags UPDATE and MERGE of many rows of an existing table.
// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
var UpdateUnbatched = &rule.Rule{
	ID:       "data-update-unbatched",
	Category: onward.Data,
	Severity: onward.Error,
	Summary:  "UPDATE writes many rows of an existing table in one transaction",
	Harm: "Every row stays locked until the transaction commits, so everybody who writes to one of them waits. " +
		"All rows are rewritten: the table grows to twice its size, replicas lag, and VACUUM can clean nothing up meanwhile.",
	Instead:   "Write in batches that commit, by a range of the key, outside the migration.",
	Manual:    []string{"https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS"},
	Kinds:     rule.Data,
	Statement: checkUpdateUnbatched,
}

func checkUpdateUnbatched(p *rule.Pass, s *rule.Stmt) {
	writes := listUnbatchedWrites(p, s, "UPDATE")
	if len(writes) == 0 {
		return
	}
	w := writes[0]
	table := w.Table.Name.String()
	stmt, _ := w.Node.(*pgparse.UpdateStmt)
	set := writtenAssignment(s, stmt)
	if len(stmt.GetFromClause()) > 0 {
		set += " FROM …"
	}
	r := rule.Report{
		Severity: severityOfExtent(w.Extent),
		Fact:     w.Verb + " writes every row of " + table + " in one transaction",
		Harm:     "each row stays locked until it commits: every UPDATE and DELETE of a row waits for as long as " + table + " is big",
		Grows:    w.Table.Name,
		Instead:  formatBatchedWrite("UPDATE", set, writtenCondition(s, w.Node), w.Table),
		Cause:    "and so do %d others on " + table,
		Way:      advice.Apart{Work: advice.Fills, SQL: s.SQL},
	}
	switch {
	case w.Extent == analysis.Few:
		r.Severity = onward.Warning
		describeLoop(&r, s, "writes "+table, &w)
	case w.Extent == analysis.Some:
		r.Fact = w.Verb + " writes as many rows of " + table + " as its condition finds, in one transaction"
		r.Harm = "each row stays locked until it commits: every UPDATE and DELETE of such a row waits until then"
		r.Cause = "and so do %d others"
	}
	addFiredTriggers(&r, s, &w)
	p.Report(s, r)
}
