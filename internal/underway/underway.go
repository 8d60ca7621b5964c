// Package underway reads from the ledger of a database which code may be deployed now, and what the contracts of its unfinished plans will drop. It
// names the commands that go on with a plan.
package underway

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// ContractCommand returns the command that contracts a plan of the ledger. ADDRESS stands for the database's address.
func ContractCommand(p *ledger.Plan, schema string) string {
	return formatCommand("contract", p.ID, schema) + " --release " + escape.QuoteShell(p.Plan.Base)
}

// AbortCommand returns the command that takes a plan of the ledger back.
func AbortCommand(plan, schema string) string { return formatCommand("abort", plan, schema) }

// ForgetCommand returns the command that closes a plan of the ledger which can neither go on nor be aborted.
func ForgetCommand(plan, schema string) string { return AbortCommand(plan, schema) + " --forget" }

// BackfillCommand returns the command that continues the backfills of a plan of the ledger.
func BackfillCommand(plan, schema string) string { return formatCommand("backfill", plan, schema) }

// ApplyCommand returns the command that continues a plan of the ledger, of which file is the name, or unchanged migrations if file is "".
func ApplyCommand(file, schema string) string {
	if file == "" {
		return "onward apply --db ADDRESS" + formatSchemaFlag(schema)
	}
	return formatCommand("apply", escape.QuoteShell(file), schema)
}

func formatCommand(verb, plan, schema string) string {
	return "onward " + verb + " --db ADDRESS --plan " + plan + formatSchemaFlag(schema)
}

func formatSchemaFlag(schema string) string {
	if schema == "" {
		return ""
	}
	return " --schema " + escape.QuoteShell(schema)
}

// State is what the ledger of a database says of its unfinished plans.
type State struct {
	LaterDrops []analysis.LaterDrop
	// Readiness says for each plan which code may be deployed now.
	Readiness []onward.Readiness
	// Replaced are the migrations that the plans take the place of.
	Replaced []onward.PlannedMigration
	// Begun are the plans of which a step is done, oldest first.
	Begun []ledger.UnfinishedPlan
}

// ReadState reads the unfinished plans of a database. deployed is its schema; onlySchema is the schema that it has alone, under the name public,
// or "". names are the schemas whose own plans count; nil means all. The error is a [*live.ServerError] if the server cannot be reached or
// refuses the ledger.
func ReadState(ctx context.Context, url string, deployed *catalog.Catalog, onlySchema string, names []string) (out State, err error) {
	err = withLedgerSession(ctx, url, func(conn *pgx.Conn) error {
		all, err := readUnfinished(ctx, conn, names)
		if err != nil {
			return err
		}
		for i := range all {
			out.Replaced = append(out.Replaced, all[i].Migrations...)
			if len(all[i].Done) > 0 {
				out.Begun = append(out.Begun, all[i])
			}
		}
		if out.Readiness, err = judgePlans(ctx, conn, all); err != nil {
			return err
		}
		out.LaterDrops = ListLaterDrops(excludeAborting(all), deployed, onlySchema)
		return nil
	})
	return out, err
}

// ReadLaterDrops returns what the contracts of a database's unfinished plans will drop, as [ReadState] does.
func ReadLaterDrops(ctx context.Context, url string, deployed *catalog.Catalog, onlySchema string, names []string) (out []analysis.LaterDrop, err error) {
	err = withLedgerSession(ctx, url, func(conn *pgx.Conn) error {
		plans, err := ReadPlans(ctx, conn, names)
		out = ListLaterDrops(plans, deployed, onlySchema)
		return err
	})
	return out, err
}

// withLedgerSession opens a session that reads the ledger.
func withLedgerSession(ctx context.Context, url string, read func(conn *pgx.Conn) error) error {
	conn, err := live.Connect(ctx, url, "onward", nil)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := live.AsOwn(ctx, conn, func() error { return read(conn) }); err != nil {
		return &live.ServerError{What: "read the ledger of onward", Err: err}
	}
	return nil
}

// ReadPlans returns the unfinished plans of the database and of these schemas, without those that an abort undoes; nil means all. Migrations that run
// unchanged are left out.
func ReadPlans(ctx context.Context, conn *pgx.Conn, names []string) ([]ledger.UnfinishedPlan, error) {
	all, err := readUnfinished(ctx, conn, names)
	return excludeAborting(all), err
}

// readUnfinished is [ReadPlans] with the plans that an abort undoes.
func readUnfinished(ctx context.Context, conn *pgx.Conn, names []string) ([]ledger.UnfinishedPlan, error) {
	exists, err := ledger.HasLedger(ctx, conn)
	if err != nil || !exists {
		return nil, err
	}
	plans, err := ledger.ReadUnfinished(ctx, conn, names)
	return slices.DeleteFunc(plans, func(p ledger.UnfinishedPlan) bool { return p.IsUnchangedMigration() }), err
}

func excludeAborting(all []ledger.UnfinishedPlan) []ledger.UnfinishedPlan {
	return slices.DeleteFunc(slices.Clone(all), func(p ledger.UnfinishedPlan) bool { return p.State == ledger.Aborting })
}

// ListLaterDrops returns what the contracts of plans will drop, as [ReadState] does.
func ListLaterDrops(plans []ledger.UnfinishedPlan, deployed *catalog.Catalog, onlySchema string) (out []analysis.LaterDrop) {
	if onlySchema != "" {
		deployed = analysis.RenameSchema(deployed, "public", onlySchema)
	}
	for i := range plans {
		p := &plans[i]
		schema := analysis.RenameSchema(deployed, p.Schema, p.Last.Schema)
		if p.Path != "" {
			schema = analysis.ApplyAll(schema, "SET search_path = "+p.Path)
		}
		drops := analysis.ListLaterDrops(&p.Plan.Plan, schema, func(step string) bool { return p.Done[step] })
		for j := range drops {
			d := &drops[j]
			d.Plan, d.ContractCommand, d.AbortCommand = p.ID, ContractCommand(p.Plan, p.Schema), AbortCommand(p.ID, p.Schema)
			for _, m := range p.Migrations {
				d.Replaces = append(d.Replaces, m.Path)
			}
		}
		out = append(out, drops...)
	}
	return out
}

// judgePlans says for each plan which code may be deployed now. Schemas that have the same plan are judged together.
func judgePlans(ctx context.Context, conn *pgx.Conn, plans []ledger.UnfinishedPlan) (out []onward.Readiness, err error) {
	var keys []string
	targets := map[string][]readiness.Target{}
	first := map[string]*ledger.Plan{}
	for i := range plans {
		p := &plans[i]
		judged, err := judgePlan(ctx, conn, p)
		if err != nil {
			return nil, err
		}
		if first[p.Key] == nil {
			keys, first[p.Key] = append(keys, p.Key), p.Plan
		}
		targets[p.Key] = append(targets[p.Key], readiness.Target{Name: p.Schema, Readiness: judged})
	}
	for _, key := range keys {
		p, judged, place := first[key], readiness.JudgeEach(targets[key], "schema"), "on the database"
		switch n := len(targets[key]); {
		case n > 1:
			place = "in " + prose.CountNoun(n, "schema")
		case targets[key][0].Name != "":
			place = "in the schema " + targets[key][0].Name
		}
		judged.UnderWay = true
		judged.Text = fmt.Sprintf("Plan %s (%s → %s) is under way %s: %s", p.ID, p.Plan.Base, p.Plan.Head, place, judged.Text)
		out = append(out, *judged)
	}
	return out, nil
}

// PlanTarget is a plan of the ledger of a database, or of one of its schemas.
type PlanTarget struct {
	*ledger.Plan
	// Schema is "" for a plan of the whole database.
	Schema, Key string
	Readiness   *onward.Readiness
}

// ReadPlanTargets returns the plans with these keys with which code may be deployed now, also of those that are finished.
func ReadPlanTargets(ctx context.Context, conn *pgx.Conn, keys []string) (out []PlanTarget, err error) {
	exists, err := ledger.HasLedger(ctx, conn)
	if err != nil || !exists {
		return nil, err
	}
	plans, err := ledger.ReadByKey(ctx, conn, keys)
	if err != nil {
		return nil, err
	}
	for i := range plans {
		judged, err := judgePlan(ctx, conn, &plans[i])
		if err != nil {
			return nil, err
		}
		out = append(out, PlanTarget{plans[i].Plan, plans[i].Schema, plans[i].Key, judged})
	}
	return out, nil
}

// ListPlanUses returns the plans that were begun on a database or in one of its schemas.
func ListPlanUses(ctx context.Context, conn *pgx.Conn) ([]ledger.PlanUse, error) {
	exists, err := ledger.HasLedger(ctx, conn)
	if err != nil || !exists {
		return nil, err
	}
	return ledger.ListPlanUses(ctx, conn)
}

// judgePlan says for a plan which code may be deployed now. It does not look for losses under the former name of the plan's schema.
func judgePlan(ctx context.Context, conn *pgx.Conn, p *ledger.UnfinishedPlan) (*onward.Readiness, error) {
	isDone := func(step string) bool { return p.Done[step] }
	var damage readiness.Damage
	if len(p.Done) > 0 && p.Schema == p.Last.Schema && p.State != ledger.Done {
		var err error
		if damage, err = ReadDamage(ctx, conn, p.Plan, isDone); err != nil {
			return nil, err
		}
	}
	return readiness.JudgeApplied(&p.Plan.Plan, p.ID, onward.ApplyState(p.State), damage, isDone), nil
}

// FindObjects returns which tables and columns exist, or which do not. path is the plan's search_path.
func FindObjects(ctx context.Context, conn ledger.Conn, path string, list []undo.Object, exist bool) (out []undo.Object, err error) {
	for _, o := range list {
		ids, err := live.FindRelationsIn(ctx, conn, path, o.QuotedTable())
		if err != nil {
			return nil, err
		}
		found := ids[0] != 0
		if found && o.Column != "" {
			if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1::oid AND attname = $2 AND NOT attisdropped)", ids[0],
				o.Column).Scan(&found); err != nil {
				return nil, err
			}
		}
		if found == exist {
			out = append(out, o)
		}
	}
	return out, nil
}

// ReadDamage finds what somebody else has taken from a plan of the ledger. isDone reports whether a step is done.
func ReadDamage(ctx context.Context, conn ledger.Conn, p *ledger.Plan, isDone func(step string) bool) (out readiness.Damage, err error) {
	if p.IsUnchangedMigration() {
		return out, nil
	}
	droppedObjects, err := FindObjects(ctx, conn, p.Path, undo.ListDropped(&p.Plan, isDone), false)
	for _, o := range droppedObjects {
		out.Gone = append(out.Gone, o.String())
	}
	if err != nil {
		return out, err
	}
	for _, broken := range undo.FindBrokenTriggers(&p.Plan, droppedObjects, isDone) {
		for _, trigger := range broken.Failing {
			exists, err := hasTrigger(ctx, conn, p.Path, trigger)
			if err != nil {
				return out, err
			}
			out.WritesFail = out.WritesFail || exists
		}
	}
	missing, err := FindMissing(ctx, conn, p.Path, undo.ListMade(&p.Plan, isDone))
	for _, m := range missing {
		out.Missing = append(out.Missing, m.String())
	}
	return out, err
}

// FindMissing returns what a plan has made and somebody else has dropped.
func FindMissing(ctx context.Context, conn ledger.Conn, path string, list []undo.Made) (out []undo.Made, err error) {
	for _, m := range list {
		var exists bool
		switch {
		case m.Index:
			index := undo.Object{Table: m.Name}
			if schema, _, qualified := strings.Cut(m.Table.Table, "."); qualified {
				index.Table = schema + "." + m.Name
			}
			var found []undo.Object
			found, err = FindObjects(ctx, conn, path, []undo.Object{index}, true)
			exists = len(found) > 0
		case m.Name != "":
			exists, err = hasTrigger(ctx, conn, path, undo.Trigger{Table: m.Table, Name: m.Name})
		default:
			var found []undo.Object
			found, err = FindObjects(ctx, conn, path, []undo.Object{m.Table}, true)
			exists = len(found) > 0
		}
		if err != nil {
			return nil, err
		}
		if !exists {
			out = append(out, m)
		}
	}
	return out, nil
}

// hasTrigger reports whether a trigger exists: a column that was dropped with CASCADE takes the triggers on it along.
func hasTrigger(ctx context.Context, conn ledger.Conn, path string, t undo.Trigger) (exists bool, err error) {
	ids, err := live.FindRelationsIn(ctx, conn, path, t.Table.QuotedTable())
	if err != nil {
		return false, err
	}
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::oid AND tgname = $2)", ids[0], t.Name).Scan(&exists)
	return exists, err
}
