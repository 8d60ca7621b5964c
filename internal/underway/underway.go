// Package underway reads from the ledger of a database which code may be deployed now, and what the contracts of its unfinished plans will drop. It
// names the commands that go on with a plan.
package underway

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/report/escape"
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
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
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
