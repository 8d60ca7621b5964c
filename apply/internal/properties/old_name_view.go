package properties

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// oldNameView is the name in the ledger of the inventory of a view right after it was made under a renamed table's old name.
func oldNameView(view string) string { return "old name " + view }

// recordOldNameViews records what the views have that a step has just made under the old names of tables.
func (props *Properties) recordOldNameViews(ctx context.Context, conn *pgx.Conn, s *onward.PlanStep) error {
	for _, r := range stepReplacements(s) {
		if r.Kind != onward.ReplacementView {
			continue
		}
		before, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, oldNameView(r.New))
		if err != nil {
			return err
		}
		now, err := props.readRelation(ctx, conn, r.New)
		if err != nil || now == nil || before != nil {
			return err
		}
		if err := ledger.WriteInventory(ctx, conn, props.record.Row.ID, oldNameView(r.New), now); err != nil {
			return err
		}
	}
	return nil
}

// findOldNameLosses says what somebody has changed on a view under a table's old name, which SQL drops, unless the table has it, too. Privileges,
// comments and defaults that an administrator gives to the old name are meant for the table.
func (props *Properties) findOldNameLosses(ctx context.Context, conn *pgx.Conn, sql string) (sentences []string, err error) {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return nil, nil //nolint:nilerr // it is no plan's step
	}
	for i := range props.record.Plan.Steps {
		for _, r := range stepReplacements(&props.record.Plan.Steps[i]) {
			if r.Kind != onward.ReplacementView || !slices.ContainsFunc(f.Stmts, func(s pgparse.Stmt) bool { return dropsView(s.Node, r.New) }) {
				continue
			}
			before, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, oldNameView(r.New))
			if err != nil || before == nil {
				return nil, err
			}
			view, err := props.readRelation(ctx, conn, r.New)
			if err != nil || view == nil {
				return nil, err
			}
			table, err := props.readRelation(ctx, conn, r.Old)
			if err != nil {
				return nil, err
			}
			for _, e := range view {
				if !e.IsMadeWithView() && !hasEntry(before, &e) && !hasEntry(table, &e) {
					sentences = append(sentences, e.FullName()+" of the view "+r.New+" would go with it: give "+r.Old+" the same if it needs it, or drop it")
				}
			}
			for _, e := range before {
				missing := !slices.ContainsFunc(view, func(o inventory.Entry) bool { return o.FullName() == e.FullName() })
				if missing && !e.IsMadeWithView() && hasEntry(table, &e) {
					sentences = append(sentences, e.FullName()+" is missing on the view "+r.New+" only, and "+r.Old+" still has it: both must agree")
				}
			}
		}
	}
	return sentences, nil
}

// hasEntry reports whether an inventory has an entry.
func hasEntry(list inventory.Inventory, e *inventory.Entry) bool {
	return slices.ContainsFunc(list, func(o inventory.Entry) bool { return o.FullName() == e.FullName() && o.Definition == e.Definition })
}

// dropsView reports whether a statement drops a view, whose name is quoted for SQL.
func dropsView(n *pgparse.Node, view string) bool {
	drop := n.GetDropStmt()
	return drop.GetRemoveType() == pgparse.ObjectType_OBJECT_VIEW && slices.ContainsFunc(drop.GetObjects(), func(o *pgparse.Node) bool {
		parts := pgparse.ListItems(o)
		names := make([]string, len(parts))
		for i, p := range parts {
			names[i] = pgparse.QuoteIdent(p.GetString_().GetSval())
		}
		return strings.Join(names, ".") == view
	})
}

// refuseOldNameLosses refuses a step that drops a view under a table's old name if something would be lost.
func (props *Properties) refuseOldNameLosses(ctx context.Context, conn *pgx.Conn, s *onward.PlanStep) error {
	sentences, err := props.findOldNameLosses(ctx, conn, s.SQL)
	if err != nil || len(sentences) == 0 {
		return err
	}
	return &run.RefusedError{Step: s.ID, Text: "it would lose something: " + strings.Join(sentences, "; ") + ". Nothing was changed by it"}
}
