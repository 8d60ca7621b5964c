package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/subscriber"
	"github.com/onward-sql/onward/onward"
)

// refuseLedger refuses to create the ledger, or a new table in it, if a publication would send it: replication stops at a subscriber without
// these tables.
func (t *Target) refuseLedger(ctx context.Context) error {
	return t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var there bool
		if err := conn.QueryRow(ctx, "SELECT pg_catalog.to_regclass($1) IS NOT NULL", ledger.NewestTable).Scan(&there); err != nil || there {
			return err
		}
		list, err := subscriber.Read(ctx, conn)
		if err != nil {
			return err
		}
		for i := range list {
			p := &list[i]
			if !p.AllTables || t.acceptsPublication(p) {
				continue
			}
			return &RefusedError{Text: fmt.Sprintf("publication %s is FOR ALL TABLES, so it sends the schema %s, which onward creates, to %s: "+
				"they stop without these tables. "+
				"Before this, run on the subscriber:\n%s\nThen run the same command with --accept-publication %s", p.Name, ledger.Schema, p.DescribeReaders(), joinStatements(ledger.TableStatements()), p.Name)}
		}
		return nil
	})
}

// refusePublications refuses requested steps that would stop a subscriber, unless its publication was accepted.
func (t *Target) refusePublications(ctx context.Context) error {
	if t.c.undoing {
		return nil
	}
	return t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return t.refuseNeeds(ctx, conn, t.c.Plan.Steps, func(n subscriber.Need) bool { return t.runsStep(n.Step) })
	})
}

// refuseUndonePublications refuses an abort that would stop a subscriber, unless its publication was accepted: the abort drops and
// renames columns that the plan's steps have published.
func (t *Target) refuseUndonePublications(ctx context.Context) error {
	var undos []onward.PlanStep
	for i := range slices.Backward(t.c.Plan.Steps) {
		s := &t.c.Plan.Steps[i]
		if sql := t.undoSQL(s); sql != "" {
			undos = append(undos, onward.PlanStep{ID: "the undo of " + s.ID, SQL: sql})
		}
	}
	return t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return t.refuseNeeds(ctx, conn, undos, func(subscriber.Need) bool { return true })
	})
}

// refuseNeeds refuses steps that need something of a subscriber whose publication was not accepted. Only the needs for which counts is
// true count.
func (t *Target) refuseNeeds(ctx context.Context, conn *pgx.Conn, steps []onward.PlanStep, counts func(n subscriber.Need) bool) error {
	list, err := subscriber.Read(ctx, conn)
	if err != nil || len(list) == 0 {
		return err
	}
	var path []string
	if err := conn.QueryRow(ctx, "SELECT current_schemas(false)::text[]").Scan(&path); err != nil {
		return err
	}
	for i := range list {
		needs := slices.DeleteFunc(list[i].ListNeeds(steps, path), func(n subscriber.Need) bool { return !counts(n) })
		if len(needs) > 0 && !t.acceptsPublication(&list[i]) {
			return &RefusedError{Text: list[i].ExplainNeeds(needs) + "\nThen run the same command with --accept-publication " + list[i].Name}
		}
	}
	return nil
}

// identifyRoom gives the plan's own tables a replica identity if a publication sends them. Without one no backfill could move its cursor
// (55000).
func (t *Target) identifyRoom(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) ([]string, error) {
	if !strings.Contains(s.SQL, onward.PlanRoom+".") || !strings.Contains(s.SQL, "CREATE TABLE") {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `SELECT DISTINCT format('ALTER TABLE %I.%I REPLICA IDENTITY FULL', schemaname, tablename)
		FROM pg_catalog.pg_publication_tables JOIN pg_catalog.pg_class c ON c.oid = format('%I.%I', schemaname, tablename)::regclass WHERE schemaname = $1 AND relreplident <> 'f'`, onward.PlanRoom)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, sql := range list {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	return list, err
}

// runsStep reports whether a step is not done and within the requested range.
func (t *Target) runsStep(id string) bool {
	for i := range t.c.Plan.Steps {
		s := &t.c.Plan.Steps[i]
		if isLater(s.Phase, t.c.Through) {
			return false
		}
		if s.ID == id {
			recorded := t.steps[id]
			return recorded == nil || recorded.State != ledger.Done
		}
		if s.ID == t.c.To {
			return false
		}
	}
	return false
}

func (t *Target) acceptsPublication(p *subscriber.Publication) bool {
	return slices.Contains(t.c.AcceptPublications, p.Name)
}

// joinStatements joins SQL statements.
func joinStatements(list []string) string { return strings.Join(list, ";\n") + ";" }
