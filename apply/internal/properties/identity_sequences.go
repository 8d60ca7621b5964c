package properties

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// IdentitySQL returns SQL for a step's transaction, after its own: it gives the sequences of new identity columns the properties of the old sequences.
// After the undo of an exchange, the sequence that comes back gets those of the sequence that goes.
func (props *Properties) IdentitySQL(ctx context.Context, s *onward.PlanStep) (sql string, err error) {
	if props.record.AsWritten {
		return "", nil
	}
	err = props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, r := range s.Replaces {
			if r.Kind == onward.ReplacementView || props.record.Undoing && r.Kind != onward.ReplacementTable || !removesOldObject(s, &r) {
				continue
			}
			ids, err := live.FindRelationsIn(ctx, conn, props.session.Path, r.Old)
			if err != nil {
				return err
			}
			columns, err := inventory.ReadIdentities(ctx, conn, ids[0])
			if err != nil {
				return err
			}
			b := props.newStatementBlock()
			table := b.declareRelation(r.Old)
			for _, old := range columns {
				switch {
				case r.Kind == onward.ReplacementTable:
					b.addExecuteLoop(old.FormatCarryQuery(table, old.Column))
				case old.Column == r.OldColumn:
					b.addExecuteLoop(old.FormatCarryQuery(table, columnNameAfterStep(s, r.NewColumn)))
				}
			}
			sql += b.format()
		}
		return nil
	})
	return sql, err
}

// columnNameAfterStep returns the name of a column after a step, which may rename it.
func columnNameAfterStep(s *onward.PlanStep, name string) string {
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return name
	}
	for _, stmt := range f.Stmts {
		if n := stmt.Node.GetRenameStmt(); n != nil && n.RenameType == pgparse.ObjectType_OBJECT_COLUMN && n.Subname == name {
			name = n.Newname
		}
	}
	return name
}
