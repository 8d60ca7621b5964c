package properties

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/subscriber"
	"github.com/onward-sql/onward/onward"
)

// RefuseLedger refuses to create the ledger, or a new table in it, if a publication would send it: replication stops at a subscriber without
// these tables.
func (props *Properties) RefuseLedger(ctx context.Context) error {
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var tableExists bool
		if err := conn.QueryRow(ctx, "SELECT pg_catalog.to_regclass($1) IS NOT NULL", ledger.NewestTable).Scan(&tableExists); err != nil || tableExists {
			return err
		}
		list, err := subscriber.Read(ctx, conn)
		if err != nil {
			return err
		}
		for i := range list {
			p := &list[i]
			if !p.AllTables || props.acceptsPublication(p) {
				continue
			}
			return &run.RefusedError{Text: fmt.Sprintf("publication %s is FOR ALL TABLES, so it sends the schema %s, which onward creates, to %s: "+
				"they stop without these tables. "+
				"Before this, run on the subscriber:\n%s\nThen run the same command with --accept-publication %s", p.Name, ledger.Schema, p.DescribeReaders(), joinStatements(ledger.TableStatements()), p.Name)}
		}
		return nil
	})
}

// RefusePublications refuses requested steps that would stop a subscriber, unless its publication was accepted.
func (props *Properties) RefusePublications(ctx context.Context) error {
	if props.record.Undoing {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return props.refuseSubscriberNeeds(ctx, conn, props.record.Plan.Steps, func(n subscriber.Need) bool { return props.record.RunsStep(n.Step) })
	})
}

// RefuseUndonePublications refuses an abort that would stop a subscriber, unless its publication was accepted: the abort drops and
// renames columns that the plan's steps have published.
func (props *Properties) RefuseUndonePublications(ctx context.Context) error {
	var undos []onward.PlanStep
	for i := range slices.Backward(props.record.Plan.Steps) {
		s := &props.record.Plan.Steps[i]
		if sql := props.record.UndoSQL(s); sql != "" {
			undos = append(undos, onward.PlanStep{ID: "the undo of " + s.ID, SQL: sql})
		}
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return props.refuseSubscriberNeeds(ctx, conn, undos, func(subscriber.Need) bool { return true })
	})
}

// refuseSubscriberNeeds refuses steps that need something of a subscriber whose publication was not accepted. Only the needs for which counts is
// true count.
func (props *Properties) refuseSubscriberNeeds(ctx context.Context, conn *pgx.Conn, steps []onward.PlanStep, counts func(n subscriber.Need) bool) error {
	list, err := subscriber.Read(ctx, conn)
	if err != nil || len(list) == 0 {
		return err
	}
	path, err := live.SearchSchemas(ctx, conn)
	if err != nil {
		return err
	}
	for i := range list {
		needs := slices.DeleteFunc(list[i].ListNeeds(steps, path), func(n subscriber.Need) bool { return !counts(n) })
		if len(needs) > 0 && !props.acceptsPublication(&list[i]) {
			return &run.RefusedError{Text: list[i].ExplainNeeds(needs) + "\nThen run the same command with --accept-publication " + list[i].Name}
		}
	}
	return nil
}

// RoomSQL returns SQL for a step's transaction, after its own: it gives the plan's own tables a replica identity if a publication sends them. Without one
// no backfill could move its cursor (55000).
func (props *Properties) RoomSQL(s *onward.PlanStep) string {
	if !strings.Contains(s.SQL, onward.PlanRoom+".") || !strings.Contains(s.SQL, "CREATE TABLE") {
		return ""
	}
	b := props.newStatementBlock()
	b.addExecuteLoop(`    SELECT DISTINCT format('ALTER TABLE %I.%I REPLICA IDENTITY FULL', p.schemaname, p.tablename) FROM pg_catalog.pg_publication_tables AS p
    JOIN pg_catalog.pg_class AS c ON c.oid = format('%I.%I', p.schemaname, p.tablename)::regclass
    WHERE p.schemaname = ` + pgparse.QuoteLiteral(onward.PlanRoom) + ` AND c.relreplident <> 'f'`)
	return b.format()
}

func (props *Properties) acceptsPublication(p *subscriber.Publication) bool {
	return slices.Contains(props.Accepted, p.Name)
}

// joinStatements joins SQL statements.
func joinStatements(list []string) string { return strings.Join(list, ";\n") + ";" }
