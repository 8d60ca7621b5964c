package ledger

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// openSteps selects the started steps that are not done, of plans for some schemas; 0 means the plans for the whole database.
const openSteps = `SELECT o.schema, s.id, s.state, s.attempts,
		s.rows + (SELECT coalesce(sum(r.rows), 0)::bigint FROM onward_ledger.range AS r WHERE r.plan = s.plan AND r.step = s.id),
		extract(epoch FROM s.waited)::float8, s.began, s.note
	FROM (SELECT sp.schema::bigint AS schema, sp.plan FROM onward_ledger.schema_plan AS sp WHERE sp.schema::bigint = ANY ($1::bigint[])
		UNION ALL SELECT 0, p.id FROM onward_ledger.plan AS p
		WHERE 0 = ANY ($1::bigint[]) AND p.state <> 'done' AND NOT EXISTS (SELECT FROM onward_ledger.schema_plan AS sp WHERE sp.plan = p.id)) AS o
	JOIN onward_ledger.step AS s ON s.plan = o.plan AND s.state IN ('running', 'waiting', 'failed') ORDER BY s.began`

// ReadOpenSteps returns the step that was started last and is not done, for each of some schemas with such a step; the OID 0 means the whole
// database. A ledger that apply of this release has not used yet has none.
func ReadOpenSteps(ctx context.Context, conn Conn, schemas []uint32) (map[uint32]*onward.AppliedStep, error) {
	if n, err := readVersion(ctx, conn); err != nil || n < 4 {
		return nil, err
	}
	if err := Check(ctx, conn, ""); err != nil {
		return nil, err
	}
	list := []int64{}
	for _, oid := range schemas {
		list = append(list, int64(oid))
	}
	rows, err := conn.Query(ctx, openSteps, list)
	if err != nil {
		return nil, err
	}
	out := map[uint32]*onward.AppliedStep{}
	var oid int64
	var next onward.AppliedStep
	var waited float64
	var began time.Time
	_, err = pgx.ForEachRow(rows, []any{&oid, &next.ID, &next.State, &next.Attempts, &next.Rows, &waited, &began, &next.Note}, func() error {
		s, stepBegan := next, began
		s.WaitedMS, s.Began = int64(1000*waited), &stepBegan
		out[uint32(oid)] = &s
		return nil
	})
	return out, err
}
