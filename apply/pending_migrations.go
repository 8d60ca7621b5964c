package apply

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/migrations"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/onward"
)

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
