package properties

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// exchangedInventoryName is the name in the ledger of the inventory of a table right after its exchange.
func exchangedInventoryName(r *onward.PlanReplacement) string { return "exchanged " + r.Old }

// ExchangedSQL returns SQL for the transaction of a step, after its own and as the role that owns the ledger. It records what a table has right after the
// step has exchanged it, and a view under a table's old name, for the comparison before they go. No kill leaves one without the other. The children are
// recorded already.
func (props *Properties) ExchangedSQL(s *onward.PlanStep, children []TableChildren) string {
	if props.record.AsWritten || props.record.Undoing {
		return ""
	}
	b := props.newStatementBlock()
	for _, r := range stepReplacements(s) {
		switch {
		case r.Kind == onward.ReplacementView:
			b.addInventoryRecord(props.session.Major, props.record.Row.ID, oldNameInventoryName(r.New), r.New, nil)
		case r.Kind == onward.ReplacementTable && removesOldObject(s, &r):
			var excluded []uint32
			for i := range children {
				if children[i].table == r.Old {
					excluded = children[i].relations
				}
			}
			b.addInventoryRecord(props.session.Major, props.record.Row.ID, exchangedInventoryName(&r), r.Old, excluded)
		}
	}
	if b.variables == 0 {
		return ""
	}
	return b.format()
}

// RefuseUndoLosses refuses to undo a step if somebody has added something to the table or the column that goes with the undo.
func (props *Properties) RefuseUndoLosses(ctx context.Context, s *onward.PlanStep) error {
	var losses []string
	err := props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, r := range s.Replaces {
			list, err := props.findUndoLosses(ctx, conn, s, &r)
			if err != nil {
				return err
			}
			losses = append(losses, list...)
		}
		list, err := props.findOldNameLosses(ctx, conn, s.Undo)
		losses = append(losses, list...)
		return err
	})
	if err != nil || len(losses) == 0 {
		return err
	}
	return &run.RefusedError{Step: s.ID, Text: "the abort would lose something: " + strings.Join(losses, "; ") +
		". Drop or revert it first, or finish the plan with onward apply and onward contract"}
}

func (props *Properties) findUndoLosses(ctx context.Context, conn *pgx.Conn, s *onward.PlanStep, r *onward.PlanReplacement) (sentences []string, err error) {
	back := onward.PlanReplacement{Kind: r.Kind, Old: r.Old, New: r.Old, OldColumn: r.NewColumn, NewColumn: r.OldColumn}
	c := &inventory.Comparison{Replaced: &back, Own: inventory.ListOwnObjects(props.record.Plan)}
	exchanged := removesOldObject(s, r)
	switch {
	case r.Kind == onward.ReplacementTable && exchanged:
		if c.Before, err = ledger.ReadInventory(ctx, conn, props.record.Row.ID, exchangedInventoryName(r)); err != nil {
			return nil, err
		}
		if c.Before == nil {
			return nil, &run.RefusedError{Step: s.ID, Text: "the ledger does not say what " + r.Old + " had right after this step, " +
				"so the abort may lose what was added since. Finish the plan with onward apply and onward contract"}
		}
		children, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, childrenInventoryName(r.Old))
		if err != nil {
			return nil, err
		}
		c.Before, c.Exchanged = slices.Concat(children, c.Before), true
	case r.Kind != onward.ReplacementColumn || exchanged:
		return nil, nil
	}
	if c.Old, err = props.readRelationInventory(ctx, conn, r.Old); err != nil {
		return nil, err
	}
	for _, l := range c.FindLosses() {
		if r.Kind == onward.ReplacementColumn && l.IsOfColumn() { // the plan gives its column a default, too
			continue
		}
		l.Equal = ""
		sentences = append(sentences, l.DescribeLoss(&back))
	}
	return sentences, nil
}

// CarryBackSQL returns SQL for the transaction of an undo, before the undo's own: it gives a table that comes back the properties that its exchanged form
// has got meanwhile, such as privileges, comments and settings, but not what the release itself has set.
func (props *Properties) CarryBackSQL(u *onward.PlanStep) (sql string, err error) {
	for _, r := range u.Replaces {
		if r.Kind != onward.ReplacementTable {
			continue
		}
		f, err := pgparse.SplitText(u.SQL)
		if err != nil {
			return "", err
		}
		for _, stmt := range f.Stmts {
			n := stmt.Node.GetRenameStmt()
			if n == nil || n.RenameType != pgparse.ObjectType_OBJECT_TABLE || relationName(n.Relation.Schemaname, n.Newname) != r.Old {
				continue
			}
			back := onward.PlanReplacement{Kind: onward.ReplacementTable, Old: r.Old, New: relationName(n.Relation.Schemaname, n.Relation.Relname), Sets: r.Sets}
			b := props.newStatementBlock()
			b.addPropertyCopies(props.session.Major, &back, b.declareRelation(back.Old), b.declareRelation(back.New))
			sql += b.format()
		}
	}
	return sql, nil
}

// CommentsBackSQL returns SQL for the transaction of an undo, after the undo's own SQL. It gives the indexes, constraints and triggers of a table that
// comes back the comments that its exchanged form has for them, apart from what the release itself has set.
func (props *Properties) CommentsBackSQL(ctx context.Context, u *onward.PlanStep) (sql string, err error) {
	for _, r := range u.Replaces {
		if r.Kind != onward.ReplacementTable || newTableName(u, r.Old) == "" {
			continue
		}
		err := props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			exchanged, err := props.readRelationInventory(ctx, conn, r.Old)
			if err != nil || exchanged == nil {
				return err
			}
			c := &inventory.Comparison{Replaced: &onward.PlanReplacement{Kind: r.Kind, Old: r.Old, Sets: r.Sets}, Old: exchanged}
			sql += c.CommentSQL()
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return sql, nil
}

// statementBlock is a DO block, in which the server itself runs the statements that queries return. So a transaction that holds locks waits for no
// message about them. The transaction has onward's own search_path before and afterwards.
type statementBlock struct {
	path      string // by which relations are found
	variables int
	begin     strings.Builder
	body      strings.Builder
}

func (props *Properties) newStatementBlock() *statementBlock {
	return &statementBlock{path: props.session.Path}
}

// declareRelation returns an expression for the OID of a relation, by its name for SQL: NULL if it does not exist when the block begins.
func (b *statementBlock) declareRelation(name string) string {
	b.variables++
	variable := fmt.Sprintf("onward_relation%d", b.variables)
	fmt.Fprintf(&b.begin, "  %s := pg_catalog.to_regclass(%s)::pg_catalog.oid;\n", variable, pgparse.QuoteLiteral(name))
	return variable
}

// addExecuteLoop runs the statements that a query returns, in its order. [CarriedSQL] selects them.
func (b *statementBlock) addExecuteLoop(query string) {
	b.body.WriteString("  FOR onward_command IN\n" + query + `
  LOOP
    EXECUTE onward_command;
    PERFORM pg_catalog.set_config('` + carriedSetting + `',
      (` + carriedList + ` OPERATOR(pg_catalog.||) pg_catalog.to_jsonb(onward_command))::pg_catalog.text, true);
  END LOOP;
`)
}

// addPropertyCopies gives a relation what another one has, if both exist.
func (b *statementBlock) addPropertyCopies(major int, r *onward.PlanReplacement, old, fresh string) {
	b.body.WriteString("  IF " + old + " IS NOT NULL AND " + fresh + " IS NOT NULL THEN\n")
	for _, query := range live.PropertyQueries(major, r, old, fresh) {
		b.addExecuteLoop(query)
	}
	b.body.WriteString("  END IF;\n")
}

// addRefusals refuses the step if a query returns a sentence.
func (b *statementBlock) addRefusals(queries []string) {
	for _, query := range queries {
		b.body.WriteString("  FOR onward_command IN\n" + query + `
  LOOP
    RAISE EXCEPTION USING ERRCODE = '` + session.RefusedCode + `', MESSAGE = onward_command;
  END LOOP;
`)
	}
}

// addInventoryRecord writes what a relation has into the ledger, if it exists, without some of its children.
func (b *statementBlock) addInventoryRecord(major int, plan, name, relation string, excluded []uint32) {
	oid := b.declareRelation(relation)
	write := ledger.WriteInventorySQL(plan, name, inventory.FormatListQuery(major, oid, excluded...))
	b.body.WriteString("  IF " + oid + " IS NOT NULL THEN\n    " + write + ";\n  END IF;\n")
}

// format returns the block as one statement: DO LANGUAGE plpgsql $$ DECLARE … BEGIN … END $$.
func (b *statementBlock) format() string {
	var declared strings.Builder
	for i := range b.variables {
		fmt.Fprintf(&declared, "  onward_relation%d pg_catalog.oid;\n", i+1)
	}
	return "DO LANGUAGE plpgsql " + pgparse.DollarQuote("\nDECLARE\n  onward_command pg_catalog.text;\n"+declared.String()+
		"BEGIN\n  PERFORM pg_catalog.set_config('search_path', "+pgparse.QuoteLiteral(b.path)+", true);\n"+b.begin.String()+
		"  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);\n"+b.body.String()+"END\n") + ";\n"
}

const (
	// carriedSetting has the statements that blocks of this transaction have run, as a list in JSON.
	carriedSetting = "onward.carried"
	carriedList    = "coalesce(nullif(pg_catalog.current_setting('" + carriedSetting + "', true), ''), '[]')::pg_catalog.jsonb"
	// CarriedSQL selects the statements that the blocks of a transaction have run. [ReadCarried] reads them.
	CarriedSQL = "SELECT " + carriedList + "::pg_catalog.text AS " + session.ReportedColumn + ";\n"
)

// ReadCarried returns the statements of [CarriedSQL].
func ReadCarried(texts []string) (statements []string, err error) {
	for _, text := range texts {
		var list []string
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, err
		}
		statements = append(statements, list...)
	}
	return statements, nil
}
