package plan

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// verified asks after each step of the plan which queries of both codes still work: those of
// the deployed code up to the first contract, those of the new code from the end of the backfill on.
func (v *prover) verified(c *Config) error {
	db, err := v.stage.Copy(v.ctx)
	if err != nil {
		return err
	}
	defer v.stage.Drop(v.ctx, db)
	conn, err := v.connect(v.stage.URL(db))
	if err != nil {
		return err
	}
	defer conn.Close(v.ctx)
	s := &verify.Steps{Stage: v.stage, Database: db, Old: c.Old, New: c.New, Run: func(_ context.Context, i int) error { return v.run(conn, v.plan.Steps[i:i+1]) }}
	for i := range v.plan.Steps {
		s.Names = append(s.Names, v.plan.Steps[i].ID)
	}
	verdicts, old, fresh, err := s.Verify(v.ctx)
	if err != nil {
		v.check("queries work at each step", false, err.Error())
		return nil
	}
	contract := v.plan.Contract()
	if old != nil && old.Queries > old.Unfit {
		v.green("the deployed code works up to contract", report.Count(old.Queries-old.Unfit, "query"), verdicts, onward.OldCode, 0, contract)
	}
	if fresh != nil && fresh.Queries > fresh.Unfit {
		v.green("the new code works from the end of the backfill on", report.Count(fresh.Queries-fresh.Unfit, "query"), verdicts, onward.NewCode, contract, len(v.plan.Steps))
	}
	return nil
}

// green notes whether no query of a code breaks from one point to another.
func (v *prover) green(name, count string, list []onward.Verdict, code onward.Code, from, to int) {
	var bad []string
	seen := map[string]bool{}
	for point := from; point <= to; point++ {
		for _, d := range verify.At(list, code, point) {
			// New code reads a column whose type changes with its old one until the end.
			if code == onward.NewCode && d.Kind == onward.VerdictResultShape || seen[d.ID] {
				continue
			}
			seen[d.ID] = true
			bad = append(bad, fmt.Sprintf("behind %s: %s: %s", v.plan.Steps[max(point-1, 0)].ID, d.Message, d.Query))
		}
	}
	detail := count
	if len(bad) > 0 {
		detail = strings.Join(bad, "\n")
	}
	v.check(name, len(bad) == 0, detail)
}

// connect is a session that sends what it is given as it stands.
func (v *prover) connect(url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	// A role of the plan's own name would make new tables beside its cursors ("$user").
	config.RuntimeParams["search_path"] = analysis.Idents(v.path)
	return pgx.ConnectConfig(v.ctx, config)
}
