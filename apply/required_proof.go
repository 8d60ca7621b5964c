package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// requireProof refuses a plan that was not started here if its proof failed, is missing, or was made for other values. An
// unchanged migration has no proof: its findings decide.
func (t *Target) requireProof() error {
	if t.record.AsWritten {
		return nil
	}
	for i := range t.record.Plan.Steps {
		if s := &t.record.Plan.Steps[i]; s.Begin+s.Record+s.Unrecord != "" {
			return run.NewInputError(s.ID + `: the plan has "begin", "record" or "unrecord", which only onward apply adds: remove them, or make the plan again with onward plan`)
		}
	}
	reasons, err := listDoubts(t.record.Plan)
	if err != nil || len(reasons) == 0 || t.c.Unproven != "" {
		return err
	}
	remedy := "Make the plan again with onward plan, which proves it"
	if len(reasons) == 1 && lacksRowProof(t.record.Plan) {
		remedy = "Try the plan on a copy of the data"
	}
	return &RefusedError{Text: "the plan is not proven: " + strings.Join(reasons, "; ") + ". Nothing was changed. " + remedy + ", " +
		"or run it as it is with --unproven \"REASON\": onward log keeps the reason",
		Next: progress.PlanCommand(t.record.Plan, t.c.Name)}
}

// listDoubts lists why a plan does not count as proven.
func listDoubts(p *onward.Plan) (reasons []string, err error) {
	digest, err := ledger.PlanDigest(p)
	switch {
	case err != nil:
		return nil, err
	case p.Digest == "":
		reasons = append(reasons, "it has no digest, because an older onward or somebody else made it")
	case p.Digest != digest:
		reasons = append(reasons, "it was changed after it was made, as its digest shows")
	}
	proven := map[string]bool{}
	for _, g := range p.Proof.Groups {
		for _, id := range g.Steps {
			proven[id] = g.Proven
		}
	}
	var steps []string
	for i := range p.Steps {
		if id := p.Steps[i].ID; !proven[id] {
			steps = append(steps, id)
		}
	}
	if len(steps) == 0 {
		if lacksRowProof(p) {
			reasons = append(reasons, "its proof compared no rows, and a backfill writes some ("+p.Proof.Rows+")")
		}
		return reasons, nil
	}
	failed := slices.DeleteFunc(slices.Clone(p.Proof.Checks), func(c onward.PlanCheck) bool { return c.OK })
	switch {
	case len(failed) > 0:
		reasons = append(reasons, fmt.Sprintf("its proof failed (%s)", failed[0].Name))
	case len(p.Proof.Missing) > 0:
		reasons = append(reasons, "its proof lacks something ("+p.Proof.Missing[0]+")")
	default:
		reasons = append(reasons, "its proof is missing")
	}
	reasons[len(reasons)-1] += ", for " + prose.FirstNames(steps, 3)
	return reasons, nil
}

// lacksRowProof reports whether a plan writes rows, and its proof compared the schemas only.
func lacksRowProof(p *onward.Plan) bool {
	return p.Proof.Rows != "" && slices.ContainsFunc(p.Steps, func(s onward.PlanStep) bool { return s.Backfill != nil })
}

// sealPlan gives a plan its digest before the ledger stores it. A plan in the ledger without a digest was therefore started
// by an older onward.
func sealPlan(p *onward.Plan) (err error) {
	p.Digest, err = ledger.PlanDigest(p)
	return err
}

// isPlanStarted reports whether the plan was read from the ledger.
func (t *Target) isPlanStarted() bool { return t.record.Row != nil && !t.record.Row.Began.IsZero() }

// checkStartedPlan checks a plan that was read from the ledger: it must be the one that was begun, as its digest says. A plan that an older onward
// began has none.
func (t *Target) checkStartedPlan(ctx context.Context) error {
	if !t.isPlanStarted() {
		return nil
	}
	digest, err := ledger.PlanDigest(&t.record.Row.Plan)
	if err != nil {
		return err
	}
	if t.record.Row.Digest != "" && t.record.Row.Digest != digest {
		return &RefusedError{Text: fmt.Sprintf("plan %s in the ledger is not the one that was begun, as its digest shows: somebody changed its row in %s.plan. "+
			"Nothing was changed. Find out who may write there, and restore the row", t.record.Row.ID, ledger.Schema)}
	}
	return t.checkSuperuser(ctx)
}

// logUnproven records the reason to run a plan without a proof.
func (t *Target) logUnproven(ctx context.Context, conn ledger.Conn) error {
	if t.c.Unproven == "" {
		return nil
	}
	return t.record.LogEvent(ctx, conn, "", "unproven plan accepted", t.c.Unproven)
}

// checkSuperuser warns a superuser, because the code of a table runs with the rights of whoever writes its rows. It refuses steps that would
// run code of a role without these rights. --role is no wall: the code may say RESET ROLE.
func (t *Target) checkSuperuser(ctx context.Context) error {
	if t.c.AsSuperuser || t.countRequestedSteps() == 0 {
		return nil
	}
	var super bool
	var owner string // of the ledger, if it is no superuser
	var found []live.TableCode
	var path, first string // the search_path of the steps, and the schema that it finds first
	err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if err := conn.QueryRow(ctx, `SELECT (SELECT bool_or(rolsuper) FROM pg_catalog.pg_roles WHERE rolname IN (session_user, current_user)),
				coalesce((SELECT r.rolname FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
					WHERE n.nspname = $1 AND NOT r.rolsuper), '')`,
			ledger.Schema).Scan(&super, &owner); err != nil || !super {
			return err
		}
		if t.record.Row != nil {
			path = t.record.Row.Path
		} else if err := conn.QueryRow(ctx, "SELECT "+live.SessionPath).Scan(&path); err != nil {
			return err
		}
		if first, err = live.FirstSchema(ctx, conn, path); err != nil {
			return err
		}
		tables, err := t.findWrittenTables(ctx, conn)
		if err != nil || len(tables) == 0 {
			return err
		}
		found, err = live.ReadTableCode(ctx, conn, tables)
		return err
	})
	if err != nil || !super {
		return err
	}
	var danger []string
	for i := range found {
		if c := &found[i]; c.Function != "" && !c.Superuser && !c.AsOwner && c.Kind != "policy" && c.Kind != "default value" && !t.isOwnTrigger(c) {
			danger = append(danger, c.String())
		}
	}
	if first != "pg_catalog" {
		danger = append(danger, "functions and operators that the search_path "+path+" finds before those of pg_catalog")
	}
	if t.isPlanStarted() && owner != "" && (!t.record.AsWritten || t.c.moved) { // else the repository has the SQL
		danger = append(danger, "the SQL of the plan, which the ledger's owner "+owner+" may have changed")
	}
	const advice = "docs/rights.md has a role for onward"
	if len(danger) > 0 {
		return &RefusedError{Text: fmt.Sprintf("this role is a superuser, and the steps would run with its rights, also with --role: %s. "+
			"Nothing was changed. Use a role that is no superuser (%s), or run the same command with --as-superuser", prose.FirstNames(danger, 3), advice)}
	}
	t.c.Tell(Event{Kind: Warned, Words: "this role is a superuser: the code of tables and functions that a step uses runs with all its rights, " +
		"also with --role; " + advice})
	return nil
}

// countRequestedSteps counts the steps that this run may carry out or undo.
func (t *Target) countRequestedSteps() (n int) {
	for i := range t.record.Plan.Steps {
		if id := t.record.Plan.Steps[i].ID; t.record.Undoing && t.record.Steps[id] != nil || !t.record.Undoing && t.record.RunsStep(id) {
			n++
		}
	}
	return n
}

// findWrittenTables returns the tables whose rows the requested steps write. Names in effects are not quoted.
func (t *Target) findWrittenTables(ctx context.Context, conn *pgx.Conn) ([]uint32, error) {
	var names []string
	for i := range t.record.Plan.Steps {
		s := &t.record.Plan.Steps[i]
		if t.record.Undoing || !t.record.RunsStep(s.ID) {
			continue
		}
		for _, e := range s.Effects {
			if e.Lock == onward.RowExclusiveLock && !strings.HasPrefix(e.Relation, onward.PlanRoom+".") {
				names = append(names, e.Relation)
			}
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	rows, _ := conn.Query(ctx, `SELECT c.oid FROM unnest($1::text[]) AS w (name) JOIN pg_catalog.pg_namespace AS n ON starts_with(w.name, n.nspname || '.')
		JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND w.name = n.nspname || '.' || c.relname`, names)
	return pgx.CollectRows(rows, pgx.RowTo[uint32])
}

// isOwnTrigger reports whether the plan made a trigger.
func (t *Target) isOwnTrigger(c *live.TableCode) bool {
	return c.Kind == "trigger" && slices.ContainsFunc(t.record.Plan.Steps, func(s onward.PlanStep) bool {
		return s.Backfill != nil && slices.Contains(s.Backfill.Triggers, c.Name)
	})
}
