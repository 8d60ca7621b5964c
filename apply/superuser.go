package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

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
	rows, err := conn.Query(ctx, `SELECT c.oid FROM unnest($1::text[]) AS w (name) JOIN pg_catalog.pg_namespace AS n ON starts_with(w.name, n.nspname || '.')
		JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND w.name = n.nspname || '.' || c.relname`, names)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uint32])
}

// isOwnTrigger reports whether the plan made a trigger.
func (t *Target) isOwnTrigger(c *live.TableCode) bool {
	return c.Kind == "trigger" && slices.ContainsFunc(t.record.Plan.Steps, func(s onward.PlanStep) bool {
		return s.Backfill != nil && slices.Contains(s.Backfill.Triggers, c.Name)
	})
}
