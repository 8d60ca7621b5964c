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

// verifyQueries checks after each step of the plan which queries still work: the deployed code's until
// the first contract, and the new code's from the end of the backfill on.
func (v *prover) verifyQueries(c *Config) error {
	db, err := v.stage.Copy(v.ctx)
	if err != nil {
		return err
	}
	defer v.stage.Drop(v.ctx, db)
	conn, err := v.connectPlain(v.stage.URL(db))
	if err != nil {
		return err
	}
	defer conn.Close(v.ctx)
	s := &verify.Steps{
		Stage:    v.stage,
		Database: db,
		Old:      c.Old,
		New:      c.New,
		Run:      func(_ context.Context, i int) error { return v.runSteps(conn, v.plan.Steps[i:i+1]) },
	}
	for i := range v.plan.Steps {
		s.Names = append(s.Names, v.plan.Steps[i].ID)
	}
	verdicts, old, fresh, err := s.Verify(v.ctx)
	if err != nil {
		v.addCheck("queries work at each step", false, err.Error())
		return nil
	}
	contract := v.plan.Contract()
	if old != nil && old.Queries > old.Unfit {
		v.checkQueries("the deployed code works until the first contract step", report.CountNoun(old.Queries-old.Unfit, "query"), verdicts, onward.OldCode, 0,
			contract)
	}
	if fresh != nil && fresh.Queries > fresh.Unfit {
		v.checkQueries("the new code works after the backfill", report.CountNoun(fresh.Queries-fresh.Unfit, "query"), verdicts, onward.NewCode, contract,
			len(v.plan.Steps))
	}
	return nil
}

// checkQueries records whether all queries of a code work from one point to another.
func (v *prover) checkQueries(name, count string, list []onward.Verdict, code onward.Code, from, to int) {
	var bad []string
	seen := map[string]bool{}
	for point := from; point <= to; point++ {
		for _, d := range verify.ErrorsAt(list, code, point) {
			// New code reads a column whose type changes with its old type until the end.
			if code == onward.NewCode && d.Kind == onward.VerdictResultShape || seen[d.ID] {
				continue
			}
			seen[d.ID] = true
			bad = append(bad, fmt.Sprintf("after %s: %s: %s", v.plan.Steps[max(point-1, 0)].ID, d.Message, d.Query))
		}
	}
	detail := count
	if len(bad) > 0 {
		detail = strings.Join(bad, "\n")
	}
	v.addCheck(name, len(bad) == 0, detail)
}

// connectPlain opens a session that sends SQL unchanged.
func (v *prover) connectPlain(url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	// A role with the name of the plan's schema would create new tables beside its cursors
	// ("$user").
	config.RuntimeParams["search_path"] = analysis.QuoteIdents(v.path)
	for _, s := range v.plan.Proof.Settings {
		config.RuntimeParams[s.Name] = s.Value
	}
	return pgx.ConnectConfig(v.ctx, config)
}
