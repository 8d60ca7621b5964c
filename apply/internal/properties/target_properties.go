package properties

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/subscriber"
	"github.com/onward-sql/onward/onward"
)

// stepReplacements returns the objects that a step replaces: those that the plan names, and a table that the step renames if a view
// takes its old name.
func stepReplacements(s *onward.PlanStep) []onward.PlanReplacement {
	out := slices.Clone(s.Replaces)
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return out
	}
	renamed := map[string]string{}
	for _, stmt := range f.Stmts {
		if n := stmt.Node.GetRenameStmt(); n != nil && n.RenameType == pgparse.ObjectType_OBJECT_TABLE {
			renamed[relationName(n.Relation.Schemaname, n.Relation.Relname)] = relationName(n.Relation.Schemaname, n.Newname)
		}
		view := stmt.Node.GetViewStmt().GetView()
		if view == nil {
			continue
		}
		old := relationName(view.Schemaname, view.Relname)
		if now := renamed[old]; now != "" {
			out = append(out, onward.PlanReplacement{Kind: onward.ReplacementView, Old: now, New: old})
		}
	}
	return out
}

// relationName returns a relation's name, quoted for SQL.
func relationName(schema, name string) string {
	if schema == "" {
		return pgparse.QuoteIdent(name)
	}
	return pgparse.QuoteIdent(schema) + "." + pgparse.QuoteIdent(name)
}

// RefuseLosses refuses a plan before its first step if the target has properties that a step would lose.
func (props *Properties) RefuseLosses(ctx context.Context) error {
	if props.record.AsWritten {
		return nil
	}
	var losses []string
	err := props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range props.record.Plan.Steps {
			for _, r := range stepReplacements(&props.record.Plan.Steps[i]) {
				ids, err := live.FindRelations(ctx, conn, r.Old, r.New)
				if err != nil {
					return err
				}
				list, err := props.readObstacles(ctx, conn, &r, ids)
				if err != nil {
					return err
				}
				if r.Kind != onward.ReplacementView {
					c, _, err := props.readComparison(ctx, conn, &r, nil)
					if err != nil {
						return err
					}
					if c != nil {
						list = append(list, c.DescribeLosses()...)
					}
				}
				for _, sentence := range list {
					if !slices.Contains(losses, sentence) {
						losses = append(losses, sentence)
					}
				}
			}
		}
		views, err := props.findViewLosses(ctx, conn)
		losses = append(losses, views...)
		return err
	})
	if err != nil || len(losses) == 0 {
		return err
	}
	return &run.RefusedError{Text: "this database has what the plan would lose: " + strings.Join(losses, "; ") +
		". Nothing was changed. Change that first, or make the plan with onward plan --db"}
}

// readObstacles returns sentences about properties that no statement gives a replacement. ids are the OIDs of the old relation and of the new one.
func (props *Properties) readObstacles(ctx context.Context, conn *pgx.Conn, r *onward.PlanReplacement, ids []uint32) (sentences []string, err error) {
	for _, query := range live.ObstacleQueries(props.session.Major, props.Role, r, formatOID(ids[0]), formatOID(ids[1])) {
		rows, _ := conn.Query(ctx, query)
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("read the properties of %s: %w", r.Old, err)
		}
		sentences = append(sentences, list...)
	}
	return sentences, nil
}

func formatOID(oid uint32) string { return fmt.Sprintf("%d::pg_catalog.oid", oid) }

// CopySQL returns SQL that gives each replacement in a step the properties of the old object. It is for the step's transaction, before the step's SQL,
// which may drop the old object, and after it, because the SQL may create the new one.
func (props *Properties) CopySQL(s *onward.PlanStep) (sql string) {
	if props.record.AsWritten || props.record.Undoing {
		return ""
	}
	for _, r := range stepReplacements(s) {
		b := props.newStatementBlock()
		old, fresh := b.declareRelation(r.Old), b.declareRelation(r.New)
		b.addPropertyCopies(props.session.Major, &r, old, fresh)
		if r.Kind == onward.ReplacementView { // it may have changed since the plan was started
			b.addRefusals(live.ObstacleQueries(props.session.Major, "", &r, old, fresh))
		}
		sql += b.format()
	}
	return sql
}

// ReportCopiedProperties reports, after the commit, the statements that a step ran in addition to its own.
func (props *Properties) ReportCopiedProperties(ctx context.Context, s *onward.PlanStep, ran []string) error {
	if len(ran) == 0 {
		return nil
	}
	words := strings.Join(ran, "; ")
	props.record.ReportEvent(run.Carried, s, words)
	return props.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return props.record.LogEvent(ctx, conn, s.ID, "carried over", words)
	})
}

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
				"Before this, run on the subscriber:\n%s\nThen run the same command with --accept-publication %s", p.Name, ledger.Schema, p.DescribeReaders(), strings.Join(ledger.TableStatements(), ";\n")+";", p.Name)}
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

// TableChildren are the partitions and children of a table that gets the name of another one in a step. What they have does not change with the table's
// name, and reading it takes long if there are many. So it is recorded before the step's transaction, and the transaction reads the rest.
type TableChildren struct {
	table     string // the name after the step
	relations []uint32
	entries   inventory.Inventory
}

// childrenInventoryName is the name in the ledger of the inventory of a table's children before its exchange.
func childrenInventoryName(table string) string { return "children of " + table }

// readChildren reads the children of the table that replaces another one. whole is the inventory of that table.
func (props *Properties) readChildren(ctx context.Context, conn *pgx.Conn, r *onward.PlanReplacement, whole inventory.Inventory) (
	list TableChildren, err error,
) {
	list.table = r.Old
	ids, err := live.FindRelations(ctx, conn, r.New)
	if err != nil || ids[0] == 0 {
		return list, err
	}
	rows, err := conn.Query(ctx, "SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = $1", ids[0])
	if err != nil {
		return list, err
	}
	if list.relations, err = pgx.CollectRows(rows, pgx.RowTo[uint32]); err != nil {
		return list, fmt.Errorf("read the children of %s: %w", r.New, err)
	}
	if len(list.relations) == 0 {
		return list, nil
	}
	rest, err := inventory.ReadInventory(ctx, conn, props.session.Major, ids[0], list.relations...)
	if err != nil {
		return list, err
	}
	for i := range whole {
		if !rest.HasEntry(&whole[i]) {
			list.entries = append(list.entries, whole[i])
		}
	}
	return list, nil
}

// RecordChildren records the children of tables before the transaction of the step that gives the tables other names.
func (props *Properties) RecordChildren(ctx context.Context, children []TableChildren) error {
	if len(children) == 0 {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range children {
			if err := ledger.WriteInventory(ctx, conn, props.record.Row.ID, childrenInventoryName(children[i].table), children[i].entries); err != nil {
				return err
			}
		}
		return nil
	})
}

// foreignRoutines selects those of some functions that the role of the steps does not own.
const foreignRoutines = `SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text, o.rolname::text, r.rolname::text
	FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_roles AS o ON o.oid = p.proowner
	JOIN pg_catalog.pg_roles AS r ON r.rolname = coalesce(nullif($2::text, ''), current_user)
	WHERE p.oid = ANY ($1::oid[]) AND NOT r.rolsuper AND NOT pg_catalog.pg_has_role(r.oid, p.proowner, 'USAGE') ORDER BY 1`

// RefuseForeignRoutines refuses a plan before its first step if a later step makes sessions compile a function again that the role of the steps does
// not own: only an owner may run ALTER ROUTINE.
func (props *Properties) RefuseForeignRoutines(ctx context.Context, path string) error {
	var names []string
	for i := range props.record.Plan.Steps {
		file, err := pgparse.SplitText(props.record.Plan.Steps[i].SQL)
		if err != nil {
			continue // the step's permission says it
		}
		for _, s := range file.Stmts {
			if name := recipe.RecompiledRoutine(props.record.Plan.Steps[i].SQL[s.Start:s.End]); name != "" {
				names = append(names, name)
			}
		}
	}
	if props.record.AsWritten || len(names) == 0 {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		ids, err := live.FindRoutinesIn(ctx, conn, path, names...)
		if err != nil {
			return err
		}
		rows, _ := conn.Query(ctx, foreignRoutines, ids, props.Role)
		var routine, owner, role string
		var list []string
		_, err = pgx.ForEachRow(rows, []any{&routine, &owner, &role}, func() error {
			list = append(list, routine+" of "+owner)
			return nil
		})
		if err != nil || len(list) == 0 {
			return err
		}
		return &run.RefusedError{Text: "a step must make sessions compile functions again that the role " + role + " does not own: " + prose.FirstNames(list, 8) +
			". Nothing was changed. Let a role run the plan (--role) that owns them, too, or give them another owner"}
	})
}
