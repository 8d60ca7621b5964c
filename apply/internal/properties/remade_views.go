package properties

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// remadeView is a view that a step drops and a later one creates again, for example because a column that it reads changes its type.
type remadeView struct {
	name         string // as SQL writes it
	schema       string // "" if its statement names none
	drop, create string // IDs of the steps
}

// listRemadeViews returns the views that the plan drops and creates again.
func listRemadeViews(p *onward.Plan) (views []remadeView) {
	dropped := map[string]string{}
	for i := range p.Steps {
		s := &p.Steps[i]
		f, err := pgparse.SplitText(s.SQL)
		if err != nil {
			continue
		}
		for _, stmt := range f.Stmts {
			for _, name := range listDroppedViews(stmt.Node) {
				dropped[name] = s.ID
			}
			if view := stmt.Node.GetViewStmt().GetView(); view != nil {
				name := relationName(view.Schemaname, view.Relname)
				if drop := dropped[name]; drop != "" {
					views = append(views, remadeView{name, view.Schemaname, drop, s.ID})
				}
			}
		}
	}
	return views
}

// listDroppedViews returns the names of the views that a statement drops.
func listDroppedViews(n *pgparse.Node) (names []string) {
	if drop := n.GetDropStmt(); drop.GetRemoveType() == pgparse.ObjectType_OBJECT_VIEW {
		for _, o := range drop.Objects {
			names = append(names, relationName(pgparse.SchemaAndName(o.GetList().GetItems())))
		}
	}
	return names
}

// readRelationInventory reads the inventory of a relation by its name; nil if it does not exist.
func (props *Properties) readRelationInventory(ctx context.Context, conn *pgx.Conn, name string) (inventory.Inventory, error) {
	ids, err := live.FindRelations(ctx, conn, name)
	if err != nil || ids[0] == 0 {
		return nil, err
	}
	return inventory.ReadInventory(ctx, conn, props.session.Major, ids[0])
}

// describeViewLosses names what a view has that its new form would not get. before is the view at the plan's start; nil for now.
func (props *Properties) describeViewLosses(v *remadeView, now, before inventory.Inventory) (sentences []string) {
	_, lost := inventory.ViewStatements(v.name, now, nil, inventory.ListOwnObjects(props.record.Plan))
	r := &onward.PlanReplacement{Kind: onward.ReplacementTable, Old: "view " + v.name, New: "its new form"}
	for _, l := range lost {
		sentences = append(sentences, l.DescribeLoss(r))
	}
	if before != nil && viewQuery(before) != viewQuery(now) {
		sentences = append(sentences, "view "+v.name+" has another query than at the plan's start, and gets the plan's")
	}
	return sentences
}

// viewQuery returns the query of a view.
func viewQuery(list inventory.Inventory) string {
	for _, e := range list {
		if e.Kind == "query" {
			return e.Definition
		}
	}
	return ""
}

// findViewLosses returns sentences about what the views that the plan creates again would lose.
func (props *Properties) findViewLosses(ctx context.Context, conn *pgx.Conn) (sentences []string, err error) {
	for _, v := range listRemadeViews(props.record.Plan) {
		now, err := props.readRelationInventory(ctx, conn, v.name)
		if err != nil {
			return nil, err
		}
		sentences = append(sentences, props.describeViewLosses(&v, now, nil)...)
	}
	return sentences, nil
}

// RecordViews records, before a step, what the views have that it drops. The guard is for the step's transaction: the server compares once more, after
// which nobody else can change them. It needs onward's own search_path.
func (props *Properties) RecordViews(ctx context.Context, s *onward.PlanStep) (guard string, err error) {
	if props.record.AsWritten || props.record.Undoing {
		return "", nil
	}
	err = props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, v := range listRemadeViews(props.record.Plan) {
			if v.drop != s.ID {
				continue
			}
			before, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, v.name)
			if err != nil {
				return err
			}
			ids, err := live.FindRelations(ctx, conn, v.name)
			if err != nil || ids[0] == 0 {
				return err
			}
			now, err := inventory.ReadInventory(ctx, conn, props.session.Major, ids[0])
			if err != nil {
				return err
			}
			if losses := props.describeViewLosses(&v, now, before); len(losses) > 0 {
				return &run.RefusedError{Step: s.ID, Text: "it would lose something: " + strings.Join(losses, "; ") + ". Nothing was changed by it"}
			}
			if err := ledger.WriteInventory(ctx, conn, props.record.Row.ID, v.name, now); err != nil {
				return err
			}
			c := &inventory.Comparison{Replaced: &onward.PlanReplacement{Kind: onward.ReplacementView, Old: v.name}, Old: now}
			compare, err := c.FormatGuard(props.session.Major, ids[0])
			if err != nil {
				return err
			}
			guard += inventory.ClaimView(props.session.Major, ids[0]) + compare + ";\n"
		}
		return nil
	})
	return guard, err
}

// ViewStatements returns the statements that give the views which a step creates again what the old ones had, and SQL that sets their privileges before.
// Both are for the step's transaction, after its own SQL, with onward's own search_path and settings of values.
func (props *Properties) ViewStatements(ctx context.Context, s *onward.PlanStep) (statements []string, before string, err error) {
	if props.record.AsWritten || props.record.Undoing {
		return nil, "", nil
	}
	err = props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, v := range listRemadeViews(props.record.Plan) {
			if v.create != s.ID {
				continue
			}
			old, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, v.name)
			if err != nil || old == nil {
				return err
			}
			schema, err := live.CreationSchema(ctx, conn, props.session.Path)
			if err != nil {
				return err
			}
			name := v.name
			if v.schema == "" {
				name = pgparse.QuoteIdent(schema) + "." + name
			}
			// The new view belongs to the role of the step, and has what its statement says.
			created := inventory.Inventory{{Kind: "owner", Definition: pgparse.QuoteIdent(props.session.Role)}}
			list, _ := inventory.ViewStatements(name, old, created, inventory.ListOwnObjects(props.record.Plan))
			statements = append(statements, list...)
			before += acl.SetOwnerAlone(acl.Relation, name) + ";\n"
		}
		return nil
	})
	return statements, before, err
}

// qualifiedName is a query for the name of a relation with its schema. The transaction has onward's own search_path.
const qualifiedName = "SELECT $1::pg_catalog.oid::pg_catalog.regclass::pg_catalog.text"

// oldNameInventoryName is the name in the ledger of the inventory of a view right after it was made under a renamed table's old name.
func oldNameInventoryName(view string) string { return "old name " + view }

// findOldNameLosses says what somebody has changed on a view under a table's old name, which SQL drops, unless the table has it, too. Privileges,
// comments and defaults that an administrator gives to the old name are meant for the table.
func (props *Properties) findOldNameLosses(ctx context.Context, conn *pgx.Conn, sql string) (sentences []string, err error) {
	if !strings.Contains(sql, "DROP VIEW ") {
		return nil, nil
	}
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return nil, nil //nolint:nilerr // it is no plan's step
	}
	var dropped []string
	for _, stmt := range f.Stmts {
		dropped = append(dropped, listDroppedViews(stmt.Node)...)
	}
	for i := range props.record.Plan.Steps {
		for _, r := range stepReplacements(&props.record.Plan.Steps[i]) {
			if r.Kind != onward.ReplacementView || !slices.Contains(dropped, r.New) {
				continue
			}
			before, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, oldNameInventoryName(r.New))
			if err != nil {
				return nil, err
			}
			view, err := props.readRelationInventory(ctx, conn, r.New)
			if err != nil {
				return nil, err
			}
			if before == nil || view == nil {
				continue
			}
			table, err := props.readRelationInventory(ctx, conn, r.Old)
			if err != nil {
				return nil, err
			}
			for _, e := range view {
				if !e.IsMadeWithView() && !before.HasEntry(&e) && !table.HasEntry(&e) {
					sentences = append(sentences, e.FullName()+" of the view "+r.New+" would go with it: give "+r.Old+" the same if it needs it, or drop it")
				}
			}
			for _, e := range before {
				missing := !slices.ContainsFunc(view, func(o inventory.Entry) bool { return o.FullName() == e.FullName() })
				if missing && !e.IsMadeWithView() && table.HasEntry(&e) {
					sentences = append(sentences, e.FullName()+" is missing on the view "+r.New+" only, and "+r.Old+" still has it: both must agree")
				}
			}
		}
	}
	return sentences, nil
}

// hiddenRows selects the tables among some whose policies hold for a role: the role that is set for the steps, or else the session's. Owners are
// exempt without FORCE ROW LEVEL SECURITY.
const hiddenRows = `SELECT c.oid::regclass::text, c.relforcerowsecurity, r.rolname::text
	FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_roles AS r ON r.rolname = coalesce(nullif($2::text, ''), current_user)
	WHERE c.oid = ANY ($1::oid[]) AND c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
		AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')) ORDER BY 1 LIMIT 1`

// RefuseRowSecurity refuses a plan before its first step if a policy could hide rows of a backfill from the role of the steps.
func (props *Properties) RefuseRowSecurity(ctx context.Context) error {
	var names []string
	for i := range props.record.Plan.Steps {
		if b := props.record.Plan.Steps[i].Backfill; b != nil {
			names = append(names, b.Table)
		}
	}
	if props.record.AsWritten || len(names) == 0 {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		ids, err := live.FindRelations(ctx, conn, names...)
		if err != nil {
			return err
		}
		rows, _ := conn.Query(ctx, hiddenRows, ids, props.Role)
		var table, role string
		var forced bool
		hidden := ""
		_, err = pgx.ForEachRow(rows, []any{&table, &forced, &role}, func() error {
			action := "ENABLE"
			if forced {
				action = "FORCE"
			}
			hidden = fmt.Sprintf("%s has row-level security (%s ROW LEVEL SECURITY), which may hide rows from the role %s: a backfill would be refused", table,
				action, role)
			return nil
		})
		if err != nil || hidden == "" {
			return err
		}
		return &run.RefusedError{Text: strings.Join([]string{
			hidden, "Nothing was changed",
			"Run the plan as the owner of the table, if it is not forced, or give the role BYPASSRLS for the time of the plan",
		}, ". ")}
	})
}
