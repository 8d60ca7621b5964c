package properties

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
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
		rows, err := conn.Query(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("read the properties of %s: %w", r.Old, err)
		}
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
