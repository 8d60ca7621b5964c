// Package migrations has the migrations of a repository that a target does not have yet, and the table in which their tool keeps count.
package migrations

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/schemaplan"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// Config is what [NewPending] needs.
type Config struct {
	// DB is the address of the database, and Schema the schema to migrate.
	DB, Schema string
	Scope      ledger.Scope // of Schema
	// Name is the name of the target in the result.
	Name string
	// Plan is the plan that replaces migrations; nil if they run unchanged.
	Plan *onward.Plan
	// To is the last migration to run; "" runs all.
	To string
	// Within limits the wait for the tool's lock.
	Within time.Duration
	// Tell receives the progress.
	Tell func(run.Event)
	// Repository has the migrations. Source is their directory, and Table the tool's table; "" if there is only one.
	Repository    audit.Config
	Source, Table string
	// AcceptTriggers are triggers, rules and policies on the tool's table that may run.
	AcceptTriggers []string
	// Migrations is a hash of the migrations; "" allows any.
	Migrations string
	// AcceptFindings runs them even if some findings are errors.
	AcceptFindings bool
	// Adopt runs them on a database that has tables, and no record of any migration.
	Adopt bool
	// IsDirect reports whether there is no transaction pooler in between.
	IsDirect func(ctx context.Context) bool
	// Prepare is called once, before the first migration, with the session that takes the tool's lock afterwards.
	Prepare func(ctx context.Context, conn *pgx.Conn) error
	// RunPlan runs the steps of a migration or of the plan. isStarted: an earlier call started them, and the plan is from the ledger.
	RunPlan func(ctx context.Context, p *onward.Plan, isStarted bool) (*onward.Applied, error)
}

// Pending is the migrations that a target does not have.
type Pending struct {
	Config
	conn           *pgx.Conn // holds the tool's lock
	release        *audit.Release
	set            *audit.Set
	table          string // qualified and quoted
	tableExists    bool
	hasRecords     bool   // the table records at least one migration or a baseline
	dirty          string // the key of a migration that was started here and that the table marks as started; "" for none
	toolOnly       []audit.Beyond
	replacedByPlan []*audit.Planned // migrations that a plan replaces
	out            *onward.Applied
}

// NewPending returns the migrations that a target does not have.
func NewPending(c Config) *Pending {
	return &Pending{Config: c, out: &onward.Applied{Schema: onward.AppliedSchema, Name: c.Name, State: onward.ApplyDone, Steps: []onward.AppliedStep{}}}
}

// RunPending runs the pending migrations under the tool's lock. It returns the progress so far also with an error.
func (p *Pending) RunPending(ctx context.Context) (*onward.Applied, error) {
	p.Repository.DB, p.Repository.Only = p.DB, p.Schema
	var err error
	if p.conn, err = live.Connect(ctx, p.DB, "onward apply (lock)", nil); err != nil {
		return p.out, err
	}
	defer p.conn.Close(context.WithoutCancel(ctx))
	if err := p.withOwnSettings(ctx, func() error {
		if _, err := session.PrimaryVersion(ctx, p.conn); err != nil {
			return err
		}
		return p.Prepare(ctx, p.conn)
	}); err != nil {
		return p.out, err
	}
	// The first round takes the tool's lock, which the others keep. A round that finishes a migration which an earlier call
	// started reads the rest again in the next one.
	for locked := false; ; locked = true {
		hasMore, err := p.runOnce(ctx, locked)
		if err != nil || !hasMore {
			return p.out, err
		}
	}
}

// runMigration runs one migration and adds its result. isStarted: an earlier call started it.
func (p *Pending) runMigration(ctx context.Context, plan *onward.Plan, isStarted bool) error {
	r, err := p.RunPlan(ctx, plan, isStarted)
	if r != nil {
		p.out.Plan = r.Plan
		p.out.Steps = append(p.out.Steps, r.Steps...)
		p.out.State = r.State
	}
	return err
}

// DigestMigrations returns a hash of the migrations of a repository, for [PendingConfig.Migrations]. It asks no database.
func DigestMigrations(ctx context.Context, repository audit.Config, source string) (string, error) {
	release, err := audit.Read(ctx, repository)
	if err != nil {
		return "", refusePrograms(err)
	}
	defer release.Close()
	set, err := findSource(release, source)
	if err != nil {
		return "", err
	}
	return digestSource(set), nil
}

// digestSource returns a hash of the IDs, paths and contents of a source's migrations, in their order: 32 hex digits.
func digestSource(set *audit.Set) string {
	h := sha256.New()
	for _, m := range set.Migrations {
		fmt.Fprintf(h, "%q %q %q\n", m.ID, m.Path, m.Hash)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// findSource returns the source of migrations in a directory; for "", the only one.
func findSource(release *audit.Release, source string) (*audit.Set, error) {
	var names []string
	var found []*audit.Set
	for _, s := range release.Heads() {
		if source != "" && s.Source.Dir != strings.Trim(source, "/") {
			continue
		}
		found, names = append(found, s), append(names, cmp.Or(s.Source.Dir, "."))
	}
	switch {
	case len(found) == 0 && source != "":
		return nil, run.NewInputError(fmt.Sprintf("%s has no migrations", source))
	case len(found) == 0:
		return nil, run.NewInputError("there are no migrations")
	case len(found) > 1:
		return nil, run.NewInputError("there are migrations in " + strings.Join(names, ", ") + ": say with --source which of them are this database's")
	}
	return found[0], nil
}

// requireSameMigrations refuses a repository whose migrations differ from those with which the release was begun.
func (p *Pending) requireSameMigrations() error {
	if p.Migrations == "" || p.Migrations == digestSource(p.set) {
		return nil
	}
	return &run.RefusedError{Text: fmt.Sprintf("the migrations in %s are not those with which the release was begun: "+
		"give them a release of their own, or run this where those are", p.release.HeadName())}
}

// requireWithinSchema refuses migrations that would do something outside of their schema, before the first of them runs.
func (p *Pending) requireWithinSchema(plans []*onward.Plan) error {
	if p.Schema == "" {
		return nil
	}
	for _, plan := range plans {
		for i := range plan.Steps {
			s := &plan.Steps[i]
			if err := schemaplan.CheckSchemaFree(s); err != nil {
				m := &plan.Migrations[0]
				return &run.RefusedError{Step: m.ID, Text: fmt.Sprintf("%s cannot run in schemas: %s. "+
					"Run your tool's own command in each schema, with onward guard --targets",
					m.Path, err)}
			}
		}
	}
	return nil
}
