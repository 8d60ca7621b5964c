package properties

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// readComparison reads the inventories of the relation that is replaced, and of the one that takes its place. An inventory lists the privileges,
// settings, indexes, triggers and other properties of a relation. Nothing is compared yet.
// before is an earlier inventory, or nil. The result is nil if the old relation does not exist.
func (props *Properties) readComparison(
	ctx context.Context, conn *pgx.Conn, r *onward.PlanReplacement, before inventory.Inventory,
) (c *inventory.Comparison, oldOID uint32, err error) {
	ids, err := live.FindRelations(ctx, conn, r.Old, r.New)
	if err != nil || ids[0] == 0 {
		return nil, 0, err
	}
	old, fresh := ids[0], ids[1]
	c = &inventory.Comparison{Replaced: r, Before: before, Own: inventory.ListOwnObjects(props.record.Plan)}
	if c.Old, err = inventory.ReadInventory(ctx, conn, props.session.Major, old); err != nil {
		return nil, 0, err
	}
	if r.Kind == onward.ReplacementTable && fresh != 0 {
		c.New, err = inventory.ReadInventory(ctx, conn, props.session.Major, fresh)
	}
	return c, old, err
}

// RecordInventories records, for the comparisons at later steps, what the database has on the relations that the plan replaces. What is
// recorded already stays: it is from the plan's start. A plan that an older release began has none.
func (props *Properties) RecordInventories(ctx context.Context) error {
	if props.record.AsWritten || props.record.Undoing {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range props.record.Plan.Steps {
			for _, r := range props.record.Plan.Steps[i].Replaces {
				before, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, r.Old)
				if err != nil {
					return err
				}
				if before != nil || r.Kind == onward.ReplacementView {
					continue
				}
				c, _, err := props.readComparison(ctx, conn, &r, nil)
				if err != nil {
					return err
				}
				if c == nil {
					continue
				}
				if err := ledger.WriteInventory(ctx, conn, props.record.Row.ID, r.Old, c.Old); err != nil {
					return err
				}
			}
		}
		for _, v := range listRemadeViews(props.record.Plan) {
			if err := props.recordRelationInventory(ctx, conn, v.name, v.name); err != nil {
				return err
			}
		}
		return nil
	})
}

// recordRelationInventory records what a relation has now under a name in the ledger, unless something is recorded there or the relation does not exist.
func (props *Properties) recordRelationInventory(ctx context.Context, conn *pgx.Conn, name, relation string) error {
	before, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, name)
	if err != nil || before != nil {
		return err
	}
	now, err := props.readRelationInventory(ctx, conn, relation)
	if err != nil || now == nil {
		return err
	}
	return ledger.WriteInventory(ctx, conn, props.record.Row.ID, name, now)
}

// ReplacementSQL is SQL for the transaction of a step that replaces something.
type ReplacementSQL struct {
	// Guard compares, locks the relation, and compares again. It needs onward's own search_path.
	Guard string
	// Before and After are for the plan's search_path, before and after the step's own.
	Before, After string
	Carried       []string // statements in it that give the replacement what the old one has
	// Sources are relations that stay after the transaction. Their privileges may change until it ends.
	Sources []PrivilegeSource
	// Children are the partitions and children of tables that get the name of others.
	Children []TableChildren
}

// CheckInventory refuses steps that would lose what somebody has added to a replaced relation or column since the plan was begun. If the last of them
// replaces something, the result is for its transaction: the server compares once more, under the step's lock.
func (props *Properties) CheckInventory(ctx context.Context, steps ...onward.PlanStep) (sql ReplacementSQL, err error) {
	if props.record.AsWritten || props.record.Undoing {
		return sql, nil
	}
	err = props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range steps {
			lost, err := props.findOldNameLosses(ctx, conn, steps[i].SQL)
			if err != nil {
				return err
			}
			if len(lost) > 0 {
				return newLossError(&steps[i], lost)
			}
			for number, r := range stepReplacements(&steps[i]) {
				if r.Kind == onward.ReplacementView {
					ids, err := live.FindRelations(ctx, conn, r.New)
					if err != nil {
						return err
					}
					table, err := inventory.ReadInventory(ctx, conn, props.session.Major, ids[0])
					if err != nil {
						return err
					}
					sql.addSource(props.session.Major, PrivilegeSource{ids[0], table, r.New, r.Sets, sourceInventoryName(&steps[i], number)})
					continue
				}
				before, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, r.Old)
				if err != nil {
					return err
				}
				c, oldOID, err := props.readComparison(ctx, conn, &r, before)
				if err != nil {
					return err
				}
				if c == nil {
					continue
				}
				if sentences := c.DescribeLosses(); len(sentences) > 0 {
					return newLossError(&steps[i], sentences)
				}
				if !removesOldObject(&steps[i], &r) {
					continue
				}
				var name string
				if err := conn.QueryRow(ctx, qualifiedName, oldOID).Scan(&name); err != nil {
					return err
				}
				unlocked, locked, err := c.FormatLock(props.session.Major, oldOID, name)
				if err != nil {
					return err
				}
				sql.Guard += unlocked + locked
				if r.Kind == onward.ReplacementTable {
					sql.addSource(props.session.Major, PrivilegeSource{oldOID, c.Old, r.Old, r.Sets, sourceInventoryName(&steps[i], number)})
					children, err := props.readChildren(ctx, conn, &r, c.New)
					if err != nil {
						return err
					}
					sql.Children = append(sql.Children, children)
				}
				for _, l := range c.FindLosses() {
					sql.Before += l.Equal + ";\n"
					sql.Carried = append(sql.Carried, l.Equal)
					if rename := l.RenameStatement(); rename != "" {
						sql.After += "\n" + rename + ";"
					}
				}
				column := ""
				if r.Kind == onward.ReplacementColumn {
					column = columnNameAfterStep(&steps[i], r.NewColumn)
					sql.After += c.ColumnCommentSQL(column)
				}
				sql.After += c.CommentSQL() + c.NotNullCommentSQL(column)
			}
		}
		return nil
	})
	return sql, err
}

// newLossError returns the refusal of a step that would lose something; each sentence names one loss.
func newLossError(s *onward.PlanStep, sentences []string) error {
	return &run.RefusedError{Step: s.ID, Text: "it would lose something: " + strings.Join(sentences, "; ") + ". Nothing was changed by it"}
}

// removesOldObject reports whether a step drops or renames the old object of a replacement.
func removesOldObject(s *onward.PlanStep, r *onward.PlanReplacement) bool {
	if r.Kind == onward.ReplacementTable {
		return newTableName(s, r.Old) != ""
	}
	f, err := pgparse.SplitText(s.SQL)
	if err != nil || r.Kind != onward.ReplacementColumn {
		return false
	}
	for _, stmt := range f.Stmts {
		for _, cmd := range stmt.Node.GetAlterTableStmt().GetCmds() {
			c := cmd.GetAlterTableCmd()
			if c.GetSubtype() == pgparse.AlterTableType_AT_DropColumn && c.GetName() == r.OldColumn {
				return true
			}
		}
	}
	return false
}

// newTableName returns the name that a step gives a table; "" for none.
func newTableName(s *onward.PlanStep, table string) string {
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return ""
	}
	for _, stmt := range f.Stmts {
		n := stmt.Node.GetRenameStmt()
		if n.GetRenameType() == pgparse.ObjectType_OBJECT_TABLE && relationName(n.Relation.Schemaname, n.Relation.Relname) == table {
			return relationName(n.Relation.Schemaname, n.Newname)
		}
	}
	return ""
}
