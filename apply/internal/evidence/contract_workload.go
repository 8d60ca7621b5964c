package evidence

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// mostBroken is how many broken queries a refusal names.
const mostBroken = 10

// CheckWorkload refuses the first contract step if a query of the new code would fail after the last requested step.
func (o *OldCode) CheckWorkload(ctx context.Context, s *onward.PlanStep) error {
	if s.Phase != onward.Contract || o.Workload == nil || o.workloadChecked {
		return nil
	}
	c := &verify.Contract{Major: o.session.Major, Server: o.Server, SearchPath: o.session.Path, New: o.Workload, Steps: o.record.RequestedSteps(s)}
	unknown := func(err error) error {
		return &run.UnfinishedError{
			Step: s.ID,
			Why:  "the contract was not begun, because it is not known whether the queries of the workload work after it: " + session.ServerMessage(err),
			Err:  err,
		}
	}
	var err error
	if c.Schema, err = live.ReadDefinitions(ctx, o.session.URL); err != nil {
		return unknown(err)
	}
	broken, count, err := c.Verify(ctx)
	switch {
	case err != nil:
		return unknown(err)
	case count.Queries == 0:
		return o.record.RefuseAndRecord(ctx, s, "the workload has no query of the code: so it is not known whether the new code works after the contract. "+
			"Record its queries with onward record")
	case len(broken) > 0:
		return o.record.RefuseAndRecord(ctx, s, describeBroken(broken, count))
	}
	o.workloadChecked = true
	return o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		details := prose.CountNoun(count.Queries, "query") + " of the new code, on the schema that the contract leaves"
		return o.record.LogEvent(ctx, conn, s.ID, "workload green", details)
	})
}

// describeBroken names the queries that break, with the server's message and the step.
func describeBroken(broken []onward.Verdict, count *onward.Verified) string {
	ids := map[string]bool{}
	var lines []string
	for i := range broken {
		d := &broken[i]
		ids[d.ID] = true
		moment := "already before the contract"
		if d.After.Migration != "" {
			moment = "behind " + d.After.Migration
		}
		code := ""
		if d.SQLState != "" {
			code = " (SQLSTATE " + d.SQLState + ")"
		}
		line := fmt.Sprintf("query %s breaks %s: %s%s: %s", d.ID, moment, d.Message, code, d.Query)
		if d.Sender != "" {
			line += " [" + d.Sender + "]"
		}
		lines = append(lines, line)
	}
	return fmt.Sprintf("of %s of the workload %d would not work on the schema that the contract leaves. "+
		"Nothing of the contract was begun: change the code, deploy it, and record it again\n%s",
		prose.CountNoun(count.Queries, "query"), len(ids), strings.Join(prose.FirstLines(lines, mostBroken), "\n"))
}
