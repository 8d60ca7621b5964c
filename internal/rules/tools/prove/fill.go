package prove

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// fillRows is how many rows an empty table gets: enough to tell that it was
// scanned in full.
const fillRows = 20

const listEmpty = `
WITH RECURSIVE base(col, tab, typ, mods) AS (
  SELECT attnum, attrelid, atttypid, atttypmod FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
  UNION ALL SELECT col, tab, t.typbasetype, t.typtypmod FROM base JOIN pg_type t ON t.oid = base.typ WHERE t.typtype = 'd')
SELECT c.oid::regclass::text, coalesce(pg_get_partition_constraintdef(c.oid), 'true'), quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
       t.typname::text, t.typtype::text, t.typcategory::text, a.attnotnull,
       coalesce((SELECT enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY enumsortorder LIMIT 1), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '' AND a.attgenerated = '' AND NOT a.atthasdef
JOIN base b ON b.tab = c.oid AND b.col = a.attnum JOIN pg_type t ON t.oid = b.typ AND t.typtype <> 'd'
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY c.oid, a.attnum`

// column is a column that needs a value.
type column struct {
	name, typ, base, kind, category, label string
	required                               bool
}

// table is a table to be filled.
type table struct {
	name, bound string
	columns     []column
}

// fillEmptyTables puts rows into every empty table, as far as values can be guessed that
// its constraints allow, and analyses them: scans and rewrites show then. It
// gives the statements that worked, to fill other copies.
func fillEmptyTables(ctx context.Context, c *pgx.Conn) ([]string, error) {
	rows, err := c.Query(ctx, listEmpty)
	if err != nil {
		return nil, err
	}
	var tables []table
	var name, bound string
	var col column
	_, err = pgx.ForEachRow(rows, []any{&name, &bound, &col.name, &col.typ, &col.base, &col.kind, &col.category, &col.required, &col.label}, func() error {
		if len(tables) == 0 || tables[len(tables)-1].name != name {
			tables = append(tables, table{name: name, bound: bound})
		}
		t := &tables[len(tables)-1]
		t.columns = append(t.columns, col)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var worked []string
	for _, t := range tables {
		var filled bool
		if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+t.name+")").Scan(&filled); err != nil {
			return nil, err
		}
		for _, s := range []struct {
			text string
			all  bool
		}{{"g::text", true}, {"'u' || g || '@example.com'", true}, {"chr(96 + g)", true}, {"g::text", false}, {"chr(96 + g)", false}} {
			if filled {
				break
			}
			tag, err := c.Exec(ctx, t.formatInsert(s.text, s.all))
			if err == nil && tag.RowsAffected() > 0 {
				worked = append(worked, t.formatInsert(s.text, s.all))
				break
			}
		}
		worked = append(worked, "ANALYZE "+t.name)
		if _, err := c.Exec(ctx, "ANALYZE "+t.name); err != nil {
			return nil, err
		}
	}
	return worked, nil
}

// formatInsert fills the table with rows that its partition bound allows; text is
// the value of texts, all says whether columns that need no value get one.
func (t *table) formatInsert(text string, all bool) string {
	var names, values []string
	for _, c := range t.columns {
		v := c.valueExpr(text)
		// Out of the way of what examples insert; a partition takes what its
		// bound allows, and refers to the same rows with the rest.
		switch {
		case v == "g" && t.bound == "true":
			v = "100 + g"
		case v == "g" && !strings.Contains(t.bound, c.name):
			v = "101 + g % 20"
		}
		if v == "" || !all && !c.required && t.bound == "true" {
			continue
		}
		names, values = append(names, c.name), append(values, fmt.Sprintf("(%s)::%s AS %s", v, c.typ, c.name))
	}
	list := strings.Join(names, ", ")
	if list == "" {
		return fmt.Sprintf("INSERT INTO %s SELECT FROM generate_series(1, %d)", t.name, fillRows)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM (SELECT %s FROM generate_series(1, 4000) g) x WHERE %s LIMIT %d",
		t.name, list, list, strings.Join(values, ", "), t.bound, fillRows)
}

// valueExpr is an expression over g for the column, "" when none is known.
func (c *column) valueExpr(text string) string {
	switch c.base {
	case "uuid":
		return "('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))"
	case "json", "jsonb":
		return "'{}'"
	case "time", "timetz":
		return "'00:00'::time + g * interval '1 s'"
	case "date", "timestamp", "timestamptz":
		return "'2015-01-01'::date + 2 * g"
	case "bytea", "tsvector", "xml":
		return "'x'"
	case "inet", "cidr":
		return "'10.0.0.0'::inet + g"
	case "citext":
		return text
	}
	switch c.category {
	case "N":
		return "g"
	case "S":
		return text
	case "B":
		return "true"
	case "E":
		return "'" + strings.ReplaceAll(c.label, "'", "''") + "'"
	case "A":
		return "'{}'"
	case "R":
		if strings.HasPrefix(c.base, "int") || c.base == "numrange" {
			return "format('[%s,%s)', 10 * g, 10 * g + 5)"
		}
		return "format('[%s,%s)', '2015-01-01'::date + 2 * g, '2015-01-02'::date + 2 * g)"
	}
	return ""
}
