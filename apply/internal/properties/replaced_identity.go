package properties

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// replacedIdentity is an identity column that a step replaces, and what its replacement is called after the step.
type replacedIdentity struct {
	old           inventory.Identity
	table, column string
}

// ReadIdentities returns the identity columns that a step replaces.
func (props *Properties) ReadIdentities(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) (list []replacedIdentity, err error) {
	if props.record.AsWritten || props.record.Undoing {
		return nil, nil
	}
	for _, r := range s.Replaces {
		if r.Kind == onward.ReplacementView || !replacesNow(s, &r) {
			continue
		}
		ids, err := live.FindRelationsIn(ctx, tx, props.session.Path, r.Old)
		if err != nil {
			return nil, err
		}
		columns, err := inventory.ReadIdentities(ctx, tx, ids[0])
		if err != nil {
			return nil, err
		}
		for _, id := range columns {
			switch {
			case r.Kind == onward.ReplacementTable:
				list = append(list, replacedIdentity{id, r.Old, id.Column})
			case id.Column == r.OldColumn:
				list = append(list, replacedIdentity{id, r.Old, finalColumn(s, r.NewColumn)})
			}
		}
	}
	return list, nil
}

// finalColumn returns the name of a column after a step, which may rename it.
func finalColumn(s *onward.PlanStep, name string) string {
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

// CarryIdentities gives the sequences of new identity columns what the old ones had, and returns the statements.
func (props *Properties) CarryIdentities(ctx context.Context, tx pgx.Tx, list []replacedIdentity) (ran []string, err error) {
	for _, replaced := range list {
		ids, err := live.FindRelationsIn(ctx, tx, props.session.Path, replaced.table)
		if err != nil {
			return nil, err
		}
		table, err := qualifyRelation(ctx, tx, ids[0])
		if err != nil {
			return nil, err
		}
		columns, err := inventory.ReadIdentities(ctx, tx, ids[0])
		if err != nil {
			return nil, err
		}
		for i := range columns {
			if columns[i].Column != replaced.column {
				continue
			}
			for _, sql := range replaced.old.CarryStatements(table, &columns[i]) {
				if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					return nil, err
				}
				ran = append(ran, sql)
			}
		}
	}
	return ran, nil
}
