package fill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/redact"
)

// finishTables advances sequences, refreshes materialized views, analyzes the tables,
// and reports what they contain now.
func (f *filler) finishTables(ctx context.Context) error {
	if _, err := f.conn.Exec(ctx, "DROP TABLE IF EXISTS "+stageName); err != nil {
		return fmt.Errorf("drop the samples: %w", err)
	}
	var filled []string
	for _, t := range f.schema.tables {
		if t.added == 0 && t.had == 0 {
			continue
		}
		filled = append(filled, t.quotedName())
	}
	if err := f.advanceSequences(ctx); err != nil {
		return err
	}
	for _, v := range f.schema.views {
		if err := f.tryStatement(ctx, v, "refresh", "REFRESH MATERIALIZED VIEW "+v); err != nil {
			return err
		}
	}
	filled = append(filled, f.schema.views...)
	if len(filled) > 0 {
		if _, err := f.conn.Exec(ctx, "ANALYZE "+strings.Join(filled, ", ")); err != nil {
			return fmt.Errorf("analyze: %w", err)
		}
	}
	for _, t := range f.schema.tables {
		if t.added+t.had > 0 {
			if err := f.reportTable(ctx, t); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(f.result.Tables, func(a, b Table) int { return strings.Compare(a.Relation, b.Relation) })
	return nil
}

// counted are the column types whose sequence is advanced past the column's maximum.
var counted = []string{"smallint", "integer", "bigint", "numeric"}

// tryStatement runs a statement whose failure is a problem.
func (f *filler) tryStatement(ctx context.Context, relation, step, sql string) error {
	_, err := f.conn.Exec(ctx, sql)
	var pg *pgconn.PgError
	if err == nil {
		return nil
	}
	if !errors.As(err, &pg) || f.conn.IsClosed() {
		return fmt.Errorf("%s: %w", step, err)
	}
	f.result.Problems = append(f.result.Problems, Problem{relation, step + ": " + redact.RedactMessage(pg)})
	return nil
}

// reportTable adds a table and its partitions to the result.
func (f *filler) reportTable(ctx context.Context, t *table) error {
	whole := Table{Relation: t.name(), Rows: t.added + t.had}
	if !t.partitioned {
		if err := f.conn.QueryRow(ctx, fmt.Sprintf("SELECT pg_catalog.pg_table_size(%d)", t.oid)).Scan(&whole.Bytes); err != nil {
			return fmt.Errorf("ask for the size of %s: %w", t.name(), err)
		}
		f.result.Tables = append(f.result.Tables, whole)
		return nil
	}
	whole.Rows = 0
	sql := fmt.Sprintf("SELECT pg_catalog.concat(n.nspname, '.', c.relname), x.rows, pg_catalog.pg_table_size(c.oid) FROM (SELECT tableoid, "+
		"pg_catalog.count(*) AS rows FROM %s GROUP BY 1) AS x"+
		" JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) x.tableoid JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace", t.quotedName())
	err := eachRow(ctx, f.conn, "the sizes of the partitions of "+t.name(), sql, func(r pgx.Rows) error {
		var p Table
		if err := r.Scan(&p.Relation, &p.Rows, &p.Bytes); err != nil {
			return err
		}
		whole.Rows += p.Rows
		whole.Bytes += p.Bytes
		f.result.Tables = append(f.result.Tables, p)
		return nil
	})
	f.result.Tables = append(f.result.Tables, whole)
	return err
}
