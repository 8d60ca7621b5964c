package progress

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/permit"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

const (
	// countTime limits the count of rows whose value cannot be converted. It reads the table once.
	countTime = 3 * time.Second
	// mostFailed is how many such rows are counted.
	mostFailed = 10_000
)

// AddFailedRows adds how many rows of finished backfills have a value that the new column cannot have, and the key of one of them. The
// deployed code can write such rows up to the last step, which they refuse. If the count takes too long or fails, the query is given without it.
func AddFailedRows(ctx context.Context, conn ledger.Conn, p *ledger.Plan, out *onward.Applied) error {
	for i := range out.Steps {
		s, planned := &out.Steps[i], &p.Plan.Steps[i]
		if planned.Backfill == nil || planned.Backfill.Failed == "" || s.State != onward.ApplyDone ||
			isContracted(out, &p.Plan, s.ID) || permit.CheckStep(planned, planned.Class) != nil {
			continue
		}
		keys := make([]string, len(planned.Backfill.Keys))
		for n, key := range planned.Backfill.Keys {
			keys[n] = "t." + key
		}
		rows := " FROM " + planned.Backfill.Table + " AS t WHERE " + planned.Backfill.Failed
		s.FindFailed = "SELECT " + strings.Join(keys, ", ") + rows
		// The failure of a statement must not end the transaction in which the ledger is read.
		begin := fmt.Sprintf("SAVEPOINT count_failed; SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = %d; "+
			"SELECT pg_catalog.set_config('search_path', %s, true)", countTime.Milliseconds(), pgparse.QuoteLiteral(p.Path))
		if _, err := conn.Exec(ctx, begin, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		count := fmt.Sprintf("WITH failed AS MATERIALIZED (SELECT pg_catalog.concat_ws(', ', %s) AS key%s LIMIT %d) "+
			"SELECT pg_catalog.count(*), coalesce(pg_catalog.min(key), '') FROM failed", strings.Join(keys, ", "), rows, mostFailed)
		err := conn.QueryRow(ctx, count).Scan(&s.Failed, &s.FailedKey)
		if _, back := conn.Exec(ctx, "ROLLBACK TO SAVEPOINT count_failed"); back != nil {
			return back
		}
		if err == nil && s.Failed == 0 {
			s.FindFailed = ""
		}
	}
	return nil
}

// isContracted reports whether a step that removes one side of a backfill is done.
func isContracted(out *onward.Applied, p *onward.Plan, backfill string) bool {
	for i := range p.Steps {
		if out.Steps[i].State == onward.ApplyDone && DependsOnComparison(&p.Steps[i], backfill) {
			return true
		}
	}
	return false
}

// DependsOnComparison reports whether a step depends on the comparison of a backfill.
func DependsOnComparison(s *onward.PlanStep, backfill string) bool {
	return slices.ContainsFunc(s.Requires, func(r onward.Requirement) bool { return r.Kind == onward.RequiresVerified && r.Step == backfill })
}
