package plan

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/subscriber"
	"github.com/onward-sql/onward/onward"
)

// readDatabase reads from the target database, if one is given, what the proof and the steps depend on.
func (p *planner) readDatabase(ctx context.Context, url string, accepted []string) error {
	if url == "" || len(p.plan.Steps) == 0 {
		return nil
	}
	conn, err := live.Connect(ctx, url, "onward plan", map[string]string{"default_transaction_read_only": "on"})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	settings, err := live.RoleValues(ctx, conn)
	if err != nil {
		return &live.ServerError{What: "read the role's settings", Err: err}
	}
	for _, s := range settings {
		p.plan.Proof.Settings = append(p.plan.Proof.Settings, onward.PlanSetting{Name: s.Name, Value: s.Value})
	}
	if err := p.checkInventory(ctx, conn); err != nil {
		return err
	}
	return p.checkPublications(ctx, conn, accepted)
}

// checkPublications finds the subscribers that the steps would stop, and adds what they need to the plan. A plan is not
// proven until somebody accepts that.
func (p *planner) checkPublications(ctx context.Context, conn *pgx.Conn, accepted []string) error {
	list, err := subscriber.Read(ctx, conn)
	if err != nil {
		return &live.ServerError{What: "read the publications", Err: err}
	}
	path := p.release.Deployed.SearchPath
	for i := range list {
		needs := list[i].ListNeeds(p.plan.Steps, path)
		if len(needs) == 0 {
			continue
		}
		explanation := list[i].ExplainNeeds(needs)
		if slices.Contains(accepted, list[i].Name) {
			p.plan.Notes = append(p.plan.Notes, explanation)
		} else {
			p.blockProof("%s\nThen make the plan with --accept-publication %s", explanation, list[i].Name)
		}
		p.plan.Statements = append(p.plan.Statements, subscriberStatements(&list[i], needs)...)
	}
	return nil
}

// subscriberStatements returns the statements to run on the subscribers of a publication.
func subscriberStatements(p *subscriber.Publication, needs []subscriber.Need) (out []onward.PlanStatement) {
	for _, n := range needs {
		if len(n.Before) > 0 {
			out = append(out, onward.PlanStatement{Name: "before " + n.Step + ", on the subscribers of " + p.Name, SQL: strings.Join(n.Before, ";\n"),
				Text: "Postgres replicates no DDL: a subscriber without this stops at the next row that the step's table sends."})
		}
		if len(n.After) > 0 {
			text := "The subscriber needs this no more."
			if n.Stops {
				text = "From the step on the subscriber stops, until this was run there."
			}
			out = append(out, onward.PlanStatement{Name: "after " + n.Step + ", on the subscribers of " + p.Name, SQL: strings.Join(n.After, ";\n"), Text: text})
		}
	}
	return out
}
