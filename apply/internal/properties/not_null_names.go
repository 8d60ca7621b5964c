package properties

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// notNullName is the NOT NULL constraint of a column that replaces another one, before a step runs. Such constraints have names from
// Postgres 18 on. A plan for older versions, too, cannot rename them.
type notNullName struct {
	table                        uint32
	number                       int16 // of the column
	relation, column, name       string
	replacedColumn, replacedName string
}

// notNullNamesQuery finds the constraints of a new column, or of all columns of a new table, with those of the old one.
const notNullNamesQuery = `
SELECT c.oid, a.attnum, c.relname::text, a.attname::text, n.conname::text, coalesce(oa.attname::text, ''), coalesce(o.conname::text, '')
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
JOIN pg_catalog.pg_constraint AS n ON n.conrelid = c.oid AND n.contype = 'n' AND n.conkey = ARRAY[a.attnum] AND n.coninhcount = 0
LEFT JOIN pg_catalog.pg_attribute AS oa ON oa.attrelid = nullif($1::oid, 0::oid) AND oa.attname = CASE WHEN $3::text = '' THEN a.attname ELSE $3::name END
LEFT JOIN pg_catalog.pg_constraint AS o ON o.conrelid = oa.attrelid AND o.contype = 'n' AND o.conkey = ARRAY[oa.attnum]
WHERE c.oid = $2::oid AND ($3::text = '' OR a.attname = $4::name)`

// ReadNotNullNames returns the NOT NULL constraints of the columns and tables that a step may rename.
func (props *Properties) ReadNotNullNames(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) (out []notNullName, err error) {
	if props.session.Major < 18 || props.record.AsWritten {
		return nil, nil
	}
	for _, r := range s.Replaces {
		if r.Kind == onward.ReplacementView {
			continue
		}
		ids, err := live.FindRelationsIn(ctx, tx, props.session.Path, r.Old, r.New)
		if err != nil {
			return nil, err
		}
		rows, err := tx.Query(ctx, notNullNamesQuery, ids[0], ids[1], r.OldColumn, r.NewColumn)
		if err != nil {
			return nil, err
		}
		list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n notNullName, err error) {
			return n, row.Scan(&n.table, &n.number, &n.relation, &n.column, &n.name, &n.replacedColumn, &n.replacedName)
		})
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// RenameNotNull renames the constraints whose column or table got its final name in the step, and returns the statements. It leaves a
// constraint alone if the name is taken, or if a child table does not have it under the same name.
func RenameNotNull(ctx context.Context, tx pgx.Tx, before []notNullName) (ran []string, err error) {
	for _, n := range before {
		var table, relation, column, name string
		err := tx.QueryRow(ctx, `SELECT c.oid::regclass::text, c.relname::text, a.attname::text, k.conname::text FROM pg_catalog.pg_class AS c
			JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = $2 AND NOT a.attisdropped
			JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] WHERE c.oid = $1`, n.table, n.number).Scan(&table, &relation, &column, &name)
		if errors.Is(err, pgx.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		want := catalog.ObjectName(relation, column, "not_null")
		if n.replacedName != "" && n.replacedColumn == column {
			want = n.replacedName
		}
		if renamed := relation != n.relation || column != n.column; !renamed || name == want || name != catalog.ObjectName(n.relation, n.column, "not_null") {
			continue
		}
		var free bool
		if err := tx.QueryRow(ctx, `WITH RECURSIVE tree AS (SELECT $1::oid AS oid UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid)
			SELECT NOT EXISTS (SELECT FROM tree WHERE EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = tree.oid AND conname = $3)
				OR NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = tree.oid AND conname = $2))`, n.table, name, want).Scan(&free); err != nil {
			return nil, err
		}
		if !free {
			continue
		}
		sql := "ALTER TABLE " + table + " RENAME CONSTRAINT " + pgparse.QuoteIdent(name) + " TO " + pgparse.QuoteIdent(want)
		if _, err := tx.Exec(ctx, sql); err != nil {
			return nil, err
		}
		ran = append(ran, sql)
	}
	return ran, nil
}
