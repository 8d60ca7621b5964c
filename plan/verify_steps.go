package plan

import (
	"context"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// verifyQueries checks after each step of the plan which queries still work: the deployed code's until
// the first contract, and the new code's from the end of the backfill on, after what the plan leaves.
func (v *prover) verifyQueries() error {
	db, err := v.stage.Copy(v.ctx)
	if err != nil {
		return err
	}
	defer v.stage.Drop(v.ctx, db)
	conn, err := v.connectSimpleProtocol(v.stage.URL(db))
	if err != nil {
		return err
	}
	defer conn.Close(v.ctx)
	var work []func() error
	s := &verify.Steps{
		Stage:    v.stage,
		Database: db,
		Old:      v.config.Old,
		New:      v.config.New,
		Run:      func(_ context.Context, i int) error { return work[i]() },
	}
	add := func(name string, run func() error) { s.Names, work = append(s.Names, name), append(work, run) }
	contract, fresh := v.plan.Contract(), v.plan.Contract()
	for i := 0; i <= len(v.plan.Steps); i++ {
		if i == contract && len(v.plan.Left) > 0 {
			fresh++
			add("what the plan leaves", func() error { return v.runLeftChanges(conn) })
		}
		if i < len(v.plan.Steps) {
			add(v.plan.Steps[i].ID, func() error { return v.runSteps(conn, v.plan.Steps[i:i+1]) })
		}
	}
	verdicts, old, news, err := s.Verify(v.ctx)
	if err != nil {
		v.addCheck("queries work at each step", false, err.Error())
		return nil
	}
	v.addCachedQueries(verdicts, s.Names, fresh)
	if old != nil && old.Queries > old.Unfit {
		v.checkQueries("the deployed code works until the first contract step", prose.CountNoun(old.Queries-old.Unfit, "query"), verdicts, onward.OldCode,
			s.Names[:contract], 0)
	}
	if news != nil && news.Queries > news.Unfit {
		v.checkQueries("the new code works after the backfill", prose.CountNoun(news.Queries-news.Unfit, "query"), verdicts, onward.NewCode, s.Names, fresh)
	}
	return nil
}

// checkQueries records whether all queries of a code work from one point on, until the last of the steps whose names are given.
func (v *prover) checkQueries(name, count string, list []onward.Verdict, code onward.Code, steps []string, from int) {
	var bad []string
	seen := map[string]bool{}
	if code == onward.NewCode {
		seen = v.noteBrokenQueries(list, len(steps))
	}
	for point := from; point <= len(steps); point++ {
		for _, d := range verify.BreakingVerdictsAt(list, code, point) {
			// New code reads a column whose type changes with its old type until the end.
			if code == onward.NewCode && d.Kind == onward.VerdictResultShape || seen[d.ID] {
				continue
			}
			seen[d.ID] = true
			after := "before the first step"
			if point > 0 {
				after = "after " + steps[point-1]
			}
			bad = append(bad, fmt.Sprintf("%s: %s: %s", after, d.Message, d.Query))
		}
	}
	detail := count
	if len(bad) > 0 {
		detail = strings.Join(bad, "\n")
	}
	v.addCheck(name, len(bad) == 0, detail)
}

// noteBrokenQueries notes the queries of the new code that fail on the schema that the steps and the migrations both end with. They are
// the release's own failures, and not the plan's.
func (v *prover) noteBrokenQueries(list []onward.Verdict, last int) map[string]bool {
	broken := map[string]bool{}
	for _, d := range verify.BreakingVerdictsAt(list, onward.NewCode, last) {
		if !broken[d.ID] && d.Kind != onward.VerdictResultShape {
			broken[d.ID] = true
			v.plan.Notes = appendUnique(v.plan.Notes, []string{fmt.Sprintf("a query of the new code fails on the release's own schema: %s: %s", d.Message, d.Query)})
		}
	}
	return broken
}
