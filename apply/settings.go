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
	"github.com/onward-sql/onward/audit"
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
	defer conn.Close(context.WithoutCancel(ctx))
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

// PendingConfig is what [Pending] needs.
type PendingConfig struct {
	// Config says where and how to run. Its Plan is created here. To is the last migration, by its ID
	// or version.
	Config
	// Repository has the migrations, at its head. Its base is the deployed code.
	Repository audit.Config
	// Source is the directory of the migrations, and Table is the migration tool's table; "" if there
	// is only one.
	Source, Table string
	// Migrations is what [DigestMigrations] returned when a release on many targets was begun. Other migrations are refused. "" allows any.
	Migrations string
	// AcceptFindings runs them even if some findings are errors.
	AcceptFindings bool
	// Adopt runs them on a database that has tables of their names, or another tool's table, and no record of any of them.
	Adopt bool
}

// AdoptFlag is the flag of onward apply for [PendingConfig.Adopt]. The command that a refusal names ends with it.
const AdoptFlag = migrations.AdoptFlag

// DigestMigrations returns a hash of the migrations of a repository, for [PendingConfig.Migrations]. It asks no database.
func DigestMigrations(ctx context.Context, repository audit.Config, source string) (string, error) {
	return migrations.DigestMigrations(ctx, repository, source)
}

// Pending carries out the migrations of a repository that a database does not have yet. It records
// each one in the table of the migration tool, in the transaction of its last step, so that the tool
// continues as if it had run them itself. It holds the tool's own lock, if the tool has one.
//
// The errors are the same as for [Run] and [audit.Changelog]. The known progress is returned with each
// of them.
func Pending(ctx context.Context, config PendingConfig) (*onward.Applied, error) {
	c := settings{Config: config.Config}
	if c.DB == "" {
		return nil, run.NewInputError("the address of the database is missing")
	}
	c.setDefaults()
	if err := c.useSchema(ctx); err != nil {
		return nil, address.RedactError(err, c.DB)
	}
	defer func() { session.CloseStandbys(ctx, c.standbys) }()
	out, err := config.newPending(&c).RunPending(ctx)
	if err == nil {
		return out, nil
	}
	if err = address.RedactError(err, c.DB); len(out.Steps) == 0 && !run.IsAny[*UnfinishedError](err) {
		return nil, err
	}
	out.Why = err.Error()
	return out, err
}

// DescribeForeignDatabase says why the database may be another service's, as [Pending] does when it refuses that; "" if nothing shows that. It reads
// only. The errors are the same as for [Pending].
func DescribeForeignDatabase(ctx context.Context, config PendingConfig) (string, error) {
	c := settings{Config: config.Config}
	c.setDefaults()
	text, err := config.newPending(&c).DescribeForeignDatabase(ctx)
	if err != nil {
		err = address.RedactError(err, c.DB)
	}
	return text, err
}

// newPending hands over what the search for migrations needs of the settings.
func (config *PendingConfig) newPending(c *settings) *migrations.Pending {
	return migrations.NewPending(migrations.Config{
		DB: c.DB, Schema: c.Schema, Scope: c.scope, Name: c.Name, Plan: c.Plan, To: c.To, Within: c.Within, Tell: c.Tell,
		Repository: config.Repository, Source: config.Source, Table: config.Table, AcceptTriggers: c.AcceptTriggers, Migrations: config.Migrations,
		AcceptFindings: config.AcceptFindings, Adopt: config.Adopt,
		IsDirect: c.isDirect,
		Prepare: func(ctx context.Context, conn *pgx.Conn) error {
			c.isDirect(ctx) // once for the whole run
			return c.connectStandbys(ctx, conn)
		},
		RunPlan: func(ctx context.Context, p *onward.Plan, isStarted bool) (*onward.Applied, error) {
			migration := *c
			migration.Plan, migration.Name, migration.To, migration.Through = p, p.Migrations[0].ID, "", onward.Expand
			migration.asWritten, migration.moved = true, isStarted
			return runPlan(ctx, migration)
		},
	})
}

// RunPlanAndRecord carries out PendingConfig.Plan as [Run] does. The transaction of the last step before the contract also records the
// migrations that the plan replaces in the table of their migration tool: from then on the schema serves the new code, and the tool does not run
// them. That needs their repository, with the migrations as they
// were when the plan was made, and the tool's table in the database. The ledger keeps the statements, so that any process
// may run the last step. If nothing is recorded, Next says so, and why.
//
// The errors are the same as for [Run]. A repository that cannot be read does not stop the plan.
func RunPlanAndRecord(ctx context.Context, config PendingConfig) (*onward.Applied, error) {
	if isEmptyPlan(config.Plan) {
		return runEmptyPlan(ctx, &config.Config)
	}
	c := settings{Config: config.Config}
	if err := c.prepareRun(ctx); err != nil {
		return nil, err
	}
	p := config.newPending(&c)
	rows, err := p.RecordSQL(ctx)
	if run.IsAny[*migrations.ToolTableError](err) {
		return nil, address.RedactError(err, c.DB)
	}
	if c.tableUpToDate = err == nil; err != nil {
		c.unrecordedReason = address.RedactError(err, c.DB).Error()
	}
	c.toolRows, c.writtenFiles = rows, p.FindWritten()
	out, err := runPlan(ctx, c)
	if err != nil || out.State != onward.ApplyDone || out.Next != "" || c.Plan.Dir != "" {
		return out, err
	}
	// The tool's table may have changed between the first step and the last, so it is read again.
	if left, _ := p.ReadUnrecorded(ctx); len(left) > 0 {
		out.Next = migrations.AdviseRecording(left, "it has changed meanwhile")
	}
	return out, nil
}
