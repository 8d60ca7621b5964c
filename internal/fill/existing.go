package fill

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// mostExisting bounds how many of the rows that were there are referred to.
const mostExisting = 10_000

// existing counts the rows that migrations left, and reads the keys by which
// other tables refer to them.
func (f *filler) existing(ctx context.Context) error {
	for _, t := range f.schema.tables {
		only := "ONLY "
		if t.partitioned {
			only = ""
		}
		if err := f.conn.QueryRow(ctx, "SELECT pg_catalog.count(*) FROM "+only+t.quoted()).Scan(&t.had); err != nil {
			return fmt.Errorf("count the rows of %s: %w", t.name(), err)
		}
		if t.had > 0 {
			if err := f.readExisting(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// readExisting reads the keys of the rows that are in a table now.
func (f *filler) readExisting(ctx context.Context, t *table) error {
	var columns []int
	for _, o := range f.schema.tables {
		for _, r := range o.refs {
			if r.table != t {
				continue
			}
			for _, i := range r.target {
				if i >= 0 && !slices.Contains(columns, i) {
					columns = append(columns, i)
				}
			}
		}
	}
	if len(columns) == 0 {
		return nil
	}
	slices.Sort(columns)
	t.existingColumns, t.existing = columns, nil
	var list, conditions []string
	for _, i := range columns {
		name := quote(t.columns[i].name)
		list = append(list, name+"::pg_catalog.text")
		conditions = append(conditions, name+" IS NOT NULL")
	}
	only := "ONLY "
	if t.partitioned {
		only = ""
	}
	sql := fmt.Sprintf("SELECT ARRAY[%s] FROM %s%s WHERE %s ORDER BY 1 LIMIT %d", strings.Join(list, ", "), only, t.quoted(), strings.Join(conditions, " AND "), mostExisting)
	return query(ctx, f.conn, "the keys of "+t.name(), sql, func(r pgx.Rows) error {
		var row []string
		if err := r.Scan(&row); err != nil {
			return err
		}
		t.existing = append(t.existing, row)
		return nil
	})
}

// candidates are texts that some type or other takes.
var candidates = []string{"(,)", "empty", "1", "a", "(0,0)", "{}", "[]", "1/1", "2020-01-01", "a.b", "0", "", "00000000-0000-4000-8000-000000000000", "POINT(0 0)", "1.0.0", "US", "+15555550100", "USD 1", "10:20:10", "a@example.com", "\\x00"}

// tried finds values of a type that nobody modelled: texts that its input
// function takes, tried on the server.
func (f *filler) tried(ctx context.Context, c *column, r request) (*made, error) {
	list, err := f.valid(ctx, c.typeText, append(slices.Clone(r.facts.in), candidates...))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return choose(list[:min(len(list), 4)], r), nil
}

// valid are the texts that a type takes.
func (f *filler) valid(ctx context.Context, typ string, texts []string) ([]string, error) {
	key := typ + "\x00" + strings.Join(texts, "\x00")
	if l, ok := f.literals[key]; ok {
		return l, nil
	}
	var out []string
	for _, v := range texts {
		if strings.ContainsRune(v, 0) {
			continue
		}
		_, err := f.conn.Exec(ctx, "SELECT CAST("+literal(v)+" AS "+typ+")")
		if ctx.Err() != nil || f.conn.IsClosed() {
			return nil, fmt.Errorf("try values of type %s: %w", typ, err)
		}
		if err == nil && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	f.literals[key] = out
	return out, nil
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
