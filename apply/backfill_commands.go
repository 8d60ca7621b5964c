package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
)

// Command is a command that somebody at another terminal sends to a backfill.
type Command string

// The commands.
const (
	Pause  Command = "pause"
	Resume Command = "resume"
	Cancel Command = "cancel" // the running process stops; the next one goes on
	Tune   Command = "tune"
)

// Tuning sets how a backfill goes on from its next batch. A zero value keeps the current setting.
type Tuning struct {
	// Rows is the maximum number of rows of a batch, Batch its target duration.
	Rows  int
	Batch time.Duration
	// Rest is the pause after a batch, as a part of its duration; below 0 for none.
	Rest float64
}

// Control sends a command to the backfills of the plan with this ID, or of all unfinished plans for "". The
// ledger stores the command, and each backfill reads it before each batch. A command holds until the next one.
// Control returns the IDs of the plans. It returns a *config.InputError if there is no such plan, or no process
// to cancel.
func Control(ctx context.Context, db, id string, word Command, tune Tuning, operator string) ([]string, error) {
	return ControlSchema(ctx, db, "", id, word, tune, operator)
}

// ControlSchema is [Control] for the plans of one schema.
func ControlSchema(ctx context.Context, db, schema, id string, word Command, tune Tuning, operator string) ([]string, error) {
	c := settings{Config: Config{DB: db, Schema: schema}}
	if err := c.useSchemaReadOnly(ctx); err != nil {
		return nil, err
	}
	var ids []string
	hasLedger, err := progress.WithLedger(ctx, c.DB, func(conn *pgx.Conn) error {
		if err := ledger.CreateLedger(ctx, conn, ""); err != nil { // an older ledger is upgraded
			return err
		}
		list, err := progress.UnfinishedPlans(ctx, conn, c.scope)
		if err != nil {
			return err
		}
		if list, err = progress.ChoosePlans(list, id); err != nil {
			return err
		}
		if word == Cancel {
			if err := requireHolder(ctx, conn, c.scope); err != nil {
				return err
			}
		}
		for _, p := range list {
			if err := storeCommand(ctx, conn, p.ID, word, tune, operator); err != nil {
				return err
			}
			ids = append(ids, p.ID)
		}
		return nil
	})
	if err == nil && !hasLedger {
		_, err = progress.ChoosePlans(nil, id)
	}
	return ids, err
}

// requireHolder refuses a cancel if no process is working.
func requireHolder(ctx context.Context, conn *pgx.Conn, scope ledger.Scope) error {
	holder, err := scope.LeaseHolder(ctx, conn)
	if err == nil && holder == "" {
		target := "this database"
		if !scope.IsDatabase() {
			target = "the schema " + scope.Schema
		}
		err = run.NewInputError("nobody is at work on " + target + ": there is nothing to cancel")
	}
	return err
}

// storeCommand stores a command in the ledger and in its log.
func storeCommand(ctx context.Context, conn *pgx.Conn, plan string, word Command, tune Tuning, operator string) error {
	c, err := ledger.ReadControl(ctx, conn, plan)
	if err != nil {
		return err
	}
	c.Who = operator
	detail := ""
	switch word {
	case Pause:
		c.State = ledger.Paused
	case Resume:
		c.State = ""
	case Cancel:
		c.State = ledger.Cancelled
	case Tune:
		if tune.Rows > 0 {
			c.Rows = tune.Rows
		}
		if tune.Batch > 0 {
			c.Batch = tune.Batch
		}
		switch {
		case tune.Rest > 0:
			c.Rest = tune.Rest
		case tune.Rest < 0:
			c.Rest = 0
		}
		detail = fmt.Sprintf("%d rows, %s, rest %g (0, 0s and -1 are the defaults)", c.Rows, c.Batch, c.Rest)
	}
	if err := ledger.StoreControl(ctx, conn, plan, c); err != nil {
		return err
	}
	return ledger.WriteLog(ctx, conn, &ledger.Entry{Who: operator, Plan: plan, Event: "backfill " + string(word), Detail: detail})
}
