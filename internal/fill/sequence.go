package fill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/redact"
)

// advanceSequences calls setval for each sequence with the largest generated number. COPY with explicit keys does not advance
// sequences, so the next INSERT would conflict.
func (f *filler) advanceSequences(ctx context.Context) error {
	linked := map[string]bool{}
	for _, t := range f.schema.tables {
		for _, c := range t.columns {
			// A text may contain a number from a sequence.
			if c.sequence == "" || !slices.Contains(counted, c.typeText) {
				continue
			}
			linked[c.sequence] = true
			if t.added == 0 {
				continue
			}
			if err := f.advanceSequenceTo(ctx, c.sequence, t.name(), "(SELECT pg_catalog.max("+quoteIdent(c.name)+")::bigint FROM "+t.quotedName()+")"); err != nil {
				return err
			}
		}
	}
	return f.advanceUnlinkedSequences(ctx, linked)
}

// advanceSequenceTo sets a sequence to a number, unless the sequence is already beyond it.
func (f *filler) advanceSequenceTo(ctx context.Context, sequence, relation, number string) error {
	return f.tryStatement(ctx, relation, "advance "+sequence, fmt.Sprintf("SELECT pg_catalog.setval(%s, x.m) FROM (SELECT %s AS m) AS x WHERE x.m "+
		"OPERATOR(pg_catalog.>=) (SELECT last_value FROM %s)",
		pgparse.QuoteLiteral(sequence), number, sequence))
}

// advanceUnlinkedSequences advances the sequences that no column default uses but that the migrations have used: a statement may call
// nextval() itself. A sequence whose name begins with a table's follows this table's key; any other follows the keys of all
// tables.
func (f *filler) advanceUnlinkedSequences(ctx context.Context, linked map[string]bool) error {
	var used []string
	err := eachRow(ctx, f.conn, "sequences", `SELECT pg_catalog.quote_ident(s.schemaname), pg_catalog.quote_ident(s.sequencename) FROM pg_catalog.pg_sequences AS s
		WHERE s.last_value IS NOT NULL AND s.increment_by OPERATOR(pg_catalog.>) 0 ORDER BY 1, 2`, func(r pgx.Rows) error {
		var schema, name string
		if err := r.Scan(&schema, &name); err != nil {
			return err
		}
		if sequence := schema + "." + name; !linked[sequence] {
			used = append(used, sequence)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, sequence := range used {
		_, name, _ := strings.Cut(sequence, ".")
		var all []string
		ownerMax, longest := "", 0
		for _, t := range f.schema.tables {
			c := t.numberedKey()
			if c == nil || t.added == 0 {
				continue
			}
			number := "(SELECT pg_catalog.max(" + quoteIdent(c.name) + ")::bigint FROM " + t.quotedName() + ")"
			all = append(all, number)
			if strings.HasPrefix(strings.Trim(name, `"`), t.rel+"_") && len(t.rel) > longest {
				ownerMax, longest = number, len(t.rel)
			}
		}
		switch {
		case ownerMax != "":
			err = f.advanceSequenceTo(ctx, sequence, sequence, ownerMax)
		case len(all) > 0:
			err = f.advanceSequenceTo(ctx, sequence, sequence, "GREATEST("+strings.Join(all, ", ")+")")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// numberedKey returns the column that is the numeric primary key of the table; nil for none.
func (t *table) numberedKey() *column {
	for _, k := range t.keys {
		if !k.primary || len(k.columns) != 1 || k.columns[0] < 0 {
			continue
		}
		if c := t.columns[k.columns[0]]; slices.Contains(counted, c.typeText) {
			return c
		}
	}
	return nil
}

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
