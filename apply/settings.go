package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/backfill"
	"github.com/onward-sql/onward/apply/internal/migrations"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// settings are a caller's settings, completed for one run.
type settings struct {
	Config

	scope            ledger.Scope        // of Config.Schema; see useSchema
	moved            bool                // Plan is from the ledger, in its form for Schema
	wholePlan        *onward.Plan        // the plan for the schema public, if Plan is its form for Schema; else nil
	writtenFiles     string              // the written files of this plan, which the migration tool runs; "" for none
	toolRows         migrations.ToolRows // the SQL with which the migration tool counts the plan's migrations as applied
	unrecordedReason string              // why the migration tool's table does not get a row for the plan
	tableUpToDate    bool                // the migration tool's table is up to date
	undoing          bool                // steps are being undone
	asWritten        bool                // the plan is an unchanged migration and was not made for a particular schema
	direct           *bool               // there is no transaction pooler in between; nil if that was not checked yet
	standbys         []*live.Standby
	searchTime       time.Duration // for a statement that looks for wrong rows in a whole table; 0 for the default
	mostHashes       int           // that a search for duplicates keeps; 0 for the default
}

// prepareRun checks and completes the settings of a run.
func (c *settings) prepareRun(ctx context.Context) error {
	if err := c.completeConfig(); err != nil {
		return err
	}
	if err := c.useSchema(ctx); err != nil {
		return address.RedactError(err, c.DB)
	}
	return nil
}

func (c *settings) completeConfig() error {
	if c.Plan == nil || len(c.Plan.Steps) == 0 {
		return errNoSteps
	}
	if c.Plan.Schema != onward.PlanSchema {
		return run.NewInputError(fmt.Sprintf("the plan says %q, and this release reads %q", c.Plan.Schema, onward.PlanSchema))
	}
	if c.Through == "" {
		c.Through = onward.Backfill
	}
	if c.To != "" && !hasStep(c.Plan, c.To) {
		return run.NewInputError(fmt.Sprintf("the plan has no step %q", c.To))
	}
	c.setDefaults()
	return nil
}

func (c *settings) setDefaults() {
	if c.Within <= 0 {
		c.Within = DefaultWithin
	}
	c.Parallel = min(max(1, c.Parallel), backfill.MostParallel)
	if c.MaxStall <= 0 {
		c.MaxStall = DefaultMaxStall
	}
	if c.Who == "" {
		c.Who = ProcessName("apply")
	}
	if c.Tell == nil {
		c.Tell = func(Event) {}
	}
	c.Tell = run.ReportChanges(c.Tell)
}

func hasStep(p *onward.Plan, id string) bool {
	for i := range p.Steps {
		if p.Steps[i].ID == id {
			return true
		}
	}
	return false
}

// useSchema makes the run work on the schema of Config.Schema alone: each session has it as its search_path, and the ledger has a lease and plans
// of its own for it. A second call changes nothing.
func (c *settings) useSchema(ctx context.Context) error {
	if c.Schema == "" || !c.scope.IsDatabase() {
		return nil
	}
	if strings.Contains(c.Schema, ".") {
		return &RefusedError{Text: fmt.Sprintf("the schema %q has a dot in its name, and onward apply cannot tell it from two names", c.Schema)}
	}
	if len(c.Workload) > 0 {
		return run.NewInputError("the queries of --workload can be checked for a whole database only, and not for a schema")
	}
	path := c.SearchPath
	if path == "" {
		path = pgparse.QuoteIdent(c.Schema)
	}
	c.DB = address.WithSetting(c.DB, "search_path", path)
	conn, err := live.Connect(ctx, c.DB, session.ControlName, nil)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var current []string
	err = live.AsOwn(ctx, conn, func() (err error) {
		if current, err = live.SearchSchemas(ctx, conn); err == nil {
			c.scope, err = ledger.FindScope(ctx, conn, c.Schema)
		}
		return err
	})
	if errors.Is(err, ledger.ErrNoSchema) {
		return &RefusedError{Text: fmt.Sprintf("the database has no schema %q", c.Schema)}
	}
	if err == nil && (len(current) == 0 || current[0] != c.Schema) {
		return run.NewInputError(fmt.Sprintf("the search_path %s does not begin with the schema %q", path, c.Schema))
	}
	return err
}

// useSchemaReadOnly is [settings.useSchema] for a command that runs no step: a schema that cannot be used is wrong input.
func (c *settings) useSchemaReadOnly(ctx context.Context) error {
	err := c.useSchema(ctx)
	if refused := new(RefusedError); errors.As(err, &refused) {
		return run.NewInputError(refused.Text)
	}
	return err
}

// isDirect reports whether there is no transaction pooler in between. The answer is cached. If no second session can be opened to find out,
// it reports false.
func (c *settings) isDirect(ctx context.Context) bool {
	if c.direct == nil {
		shared, err := live.SharesSession(ctx, c.DB)
		direct := err == nil && !shared
		c.direct = &direct
	}
	return *c.direct
}

// connectStandbys connects to the standbys, once per run. It refuses a server that is not a standby of this database, before anything starts. A
// connection that is lost later is retried.
func (c *settings) connectStandbys(ctx context.Context, primary *pgx.Conn) (err error) {
	if len(c.standbys) != len(c.Replicas) {
		c.standbys, err = session.ConnectStandbys(ctx, primary, c.Replicas)
	}
	return err
}
