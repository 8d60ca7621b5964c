package attempt

import (
	"context"
	"strings"

	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// ClearMarks empties the marks of a step, before its check reads the rows. A trigger of the plan adds a mark for each row that is written wrong.
// A concurrent writer commits its mark after this, or its row before the check.
func (a *Attempt) ClearMarks(ctx context.Context, s *onward.PlanStep) error {
	if len(s.Marks) == 0 || a.record.AsWritten {
		return nil
	}
	var deletes []string
	for _, m := range s.Marks {
		deletes = append(deletes, "DELETE FROM "+m.Marks)
	}
	_, err := a.session.CommitSQL(context.WithoutCancel(ctx), queue.FirstStall, session.UnderLock, strings.Join(deletes, "; "))
	return err
}

// recheckMarkedRowsSQL returns the SQL that has a step checked again if a row has gone wrong since its check. It locks the tables
// first: then all marks are committed.
func (a *Attempt) recheckMarkedRowsSQL(s *onward.PlanStep) (sql string) {
	if a.record.AsWritten || a.record.Undoing {
		return ""
	}
	for _, m := range s.Marks {
		sql += "LOCK TABLE " + m.Table + " IN ACCESS EXCLUSIVE MODE;\n" + session.RecheckIf("EXISTS (SELECT FROM "+m.Marks+")",
			"rows of "+m.Table+" went wrong since the check")
	}
	for _, g := range a.Guards {
		sql += "LOCK TABLE " + g.Table + " IN ACCESS EXCLUSIVE MODE;\n" + session.RecheckIf(
			"("+g.Query+") OPERATOR(pg_catalog.<>) "+pgparse.QuoteLiteral(g.State), "the triggers of "+g.Table+" were changed since the check")
	}
	return sql
}
