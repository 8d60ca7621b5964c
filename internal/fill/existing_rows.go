package fill

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// mostExisting limits how many of the existing rows the new rows of other tables refer to.
const mostExisting = 10_000

// countExisting counts the rows that migrations have left, and reads the keys by
// which other tables refer to them.
func (f *filler) countExisting(ctx context.Context) error {
	for _, t := range f.schema.tables {
		onlyKeyword := "ONLY "
		if t.partitioned {
			onlyKeyword = ""
		}
		if err := f.conn.QueryRow(ctx, "SELECT pg_catalog.count(*) FROM "+onlyKeyword+t.quotedName()).Scan(&t.had); err != nil {
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

// readExisting reads the keys of a table's current rows.
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
		name := quoteIdent(t.columns[i].name)
		list = append(list, name+"::pg_catalog.text")
		conditions = append(conditions, name+" IS NOT NULL")
	}
	onlyKeyword := "ONLY "
	if t.partitioned {
		onlyKeyword = ""
	}
	sql := fmt.Sprintf("SELECT ARRAY[%s] FROM %s%s WHERE %s ORDER BY 1 LIMIT %d", strings.Join(list, ", "), onlyKeyword, t.quotedName(),
		strings.Join(conditions, " AND "), mostExisting)
	return eachRow(ctx, f.conn, "the keys of "+t.name(), sql, func(r pgx.Rows) error {
		var row []string
		if err := r.Scan(&row); err != nil {
			return err
		}
		t.existing = append(t.existing, row)
		return nil
	})
}

// candidates are texts that are valid input of one type or another.
var candidates = []string{
	"(,)", "empty", "1", "a", "(0,0)", "{}", "[]", "1/1", "2020-01-01", "a.b", "0", "",
	"00000000-0000-4000-8000-000000000000", "POINT(0 0)", "1.0.0", "US", "+15555550100", "USD 1", "10:20:10",
	"a@example.com", "\\x00",
}

// tryCandidates finds values of a type without a generator: texts that its input
// function accepts, tried on the server.
func (f *filler) tryCandidates(ctx context.Context, c *column, r request) (*generator, error) {
	list, err := f.validTexts(ctx, c.typeText, append(slices.Clone(r.facts.in), candidates...))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return makeChoice(list[:min(len(list), 4)], r), nil
}

// validTexts returns the texts that a type accepts.
func (f *filler) validTexts(ctx context.Context, typ string, texts []string) ([]string, error) {
	key := typ + "\x00" + strings.Join(texts, "\x00")
	if l, ok := f.literals[key]; ok {
		return l, nil
	}
	var out []string
	for _, v := range texts {
		if strings.ContainsRune(v, 0) {
			continue
		}
		_, err := f.conn.Exec(ctx, "SELECT CAST("+pgparse.QuoteLiteral(v)+" AS "+typ+")")
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
