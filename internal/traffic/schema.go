package traffic

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// relation is a relation that the load queries.
type relation struct {
	oid     uint32
	name    string // schema-qualified, unquoted
	quoted  string
	kind    string // pg_class.relkind
	pages   int64
	columns []column
	// keys are the unique keys of plain columns, the primary key first, as indexes in
	// columns.
	keys [][]int
	// leaves are the quoted names of a partitioned table's partitions.
	leaves []string
	// rows are samples: the text of every column, nil for NULL.
	rows [][][]byte
}

type column struct {
	number   int16
	name     string
	quoted   string
	kind     string // the type's name, or the base type of a domain
	category string // pg_type.typcategory of the same type
	length   int32  // of varchar(n) and char(n); 0 for none
	label    string // an enum's first
	notNull  bool
	omitted  bool // identity, generated, or numbered by a sequence
	filled   bool // has a default
	foreign  bool // part of a foreign key
	routes   bool // part of a partition key
	// refers is the table that a foreign key of this column alone refers to, if it was
	// read, and referred is the column there; nil for none.
	refers   *relation
	referred int
	// For an array: the type of its elements.
	element, elementCategory string
}

const listRelations = `
SELECT c.oid, n.nspname || '.' || c.relname, n.nspname, c.relname, c.relkind::text, greatest(c.relpages, 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relpersistence <> 't'
ORDER BY n.nspname, c.relname`

// A domain counts as its base type; domains over domains are resolved completely.
const listColumns = `
WITH RECURSIVE below AS (
  SELECT oid AS type, oid AS base, typtypmod AS mod, typnotnull AS required, typbasetype AS next FROM pg_type
  UNION ALL
  SELECT b.type, t.oid, CASE WHEN b.mod >= 0 THEN b.mod ELSE t.typtypmod END, b.required OR t.typnotnull, t.typbasetype FROM below b JOIN pg_type t ON t.oid = b.next
)
SELECT a.attrelid, a.attnum, a.attname, t.typname, t.typcategory::text,
  CASE WHEN t.typname IN ('varchar', 'bpchar') THEN greatest(CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.mod END - 4, 0) ELSE 0 END,
  coalesce((SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder LIMIT 1), ''),
  a.attnotnull OR b.required,
  a.attidentity <> '' OR a.attgenerated <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false),
  a.atthasdef,
  EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)),
  EXISTS (SELECT FROM pg_partitioned_table p WHERE p.partrelid = a.attrelid AND a.attnum = ANY (p.partattrs::int2[]))
    OR EXISTS (SELECT FROM pg_inherits i JOIN pg_partitioned_table p ON p.partrelid = i.inhparent JOIN pg_attribute pa ON pa.attrelid = p.partrelid AND pa.attnum = ANY (p.partattrs::int2[])
               WHERE i.inhrelid = a.attrelid AND pa.attname = a.attname)
FROM pg_attribute a
JOIN below b ON b.type = a.atttypid AND b.next = 0
JOIN pg_type t ON t.oid = b.base
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum`

const listKeys = `
SELECT i.indrelid, (SELECT array_agg(k ORDER BY o) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (k, o) WHERE o <= i.indnkeyatts)
FROM pg_index i
WHERE i.indrelid = ANY ($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND NOT 0 = ANY (i.indkey::int2[])
ORDER BY i.indrelid, NOT i.indisprimary, i.indexrelid`

const listLeaves = `
SELECT r.oid, n.nspname, c.relname
FROM pg_class r, pg_partition_tree(r.oid) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.oid = ANY ($1) AND r.relkind = 'p' AND t.isleaf AND c.relkind = 'r'
ORDER BY r.oid, n.nspname, c.relname`

// readSchema finds the named relations. Missing relations, foreign tables and temporary
// tables are left out.
func readSchema(ctx context.Context, conn *pgx.Conn, names []string) ([]*relation, error) {
	rows, _ := conn.Query(ctx, listRelations, names)
	var list []*relation
	byOID, oids := map[uint32]*relation{}, []uint32{}
	var r relation
	var schema, name string
	if _, err := pgx.ForEachRow(rows, []any{&r.oid, &r.name, &schema, &name, &r.kind, &r.pages}, func() error {
		found := r
		found.quoted = pgx.Identifier{schema, name}.Sanitize()
		list, oids, byOID[r.oid] = append(list, &found), append(oids, r.oid), &found
		return nil
	}); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, nil
	}
	for _, read := range []func(context.Context, *pgx.Conn, []uint32, map[uint32]*relation) error{readColumns, readKeys, readLeaves} {
		if err := read(ctx, conn, oids, byOID); err != nil {
			return nil, err
		}
	}
	// A table without columns has nothing to read by name.
	return slices.DeleteFunc(list, func(r *relation) bool { return len(r.columns) == 0 }), nil
}

func readColumns(ctx context.Context, conn *pgx.Conn, oids []uint32, byOID map[uint32]*relation) error {
	rows, _ := conn.Query(ctx, listColumns, oids)
	var oid uint32
	var c column
	_, err := pgx.ForEachRow(rows, []any{
		&oid, &c.number, &c.name, &c.kind, &c.category, &c.length, &c.label, &c.notNull, &c.omitted, &c.filled, &c.foreign,
		&c.routes,
	}, func() error {
		c.quoted = pgx.Identifier{c.name}.Sanitize()
		byOID[oid].columns = append(byOID[oid].columns, c)
		return nil
	})
	return err
}

func readKeys(ctx context.Context, conn *pgx.Conn, oids []uint32, byOID map[uint32]*relation) error {
	rows, _ := conn.Query(ctx, listKeys, oids)
	var oid uint32
	var numbers []int16
	_, err := pgx.ForEachRow(rows, []any{&oid, &numbers}, func() error {
		r := byOID[oid]
		var key []int
		for _, number := range numbers {
			key = append(key, slices.IndexFunc(r.columns, func(c column) bool { return c.number == number }))
		}
		if !slices.Contains(key, -1) {
			r.keys = append(r.keys, key)
		}
		return nil
	})
	return err
}

func readLeaves(ctx context.Context, conn *pgx.Conn, oids []uint32, byOID map[uint32]*relation) error {
	rows, _ := conn.Query(ctx, listLeaves, oids)
	var oid uint32
	var schema, name string
	_, err := pgx.ForEachRow(rows, []any{&oid, &schema, &name}, func() error {
		byOID[oid].leaves = append(byOID[oid].leaves, pgx.Identifier{schema, name}.Sanitize())
		return nil
	})
	return err
}

// Of a relation, samples rows are kept, none of them larger than largestRow.
const (
	samples    = 64
	largestRow = 32 << 10
	mostLeaves = 32
)

// sampleRows reads some existing rows, from all over a large table.
func sampleRows(ctx context.Context, conn *pgx.Conn, r *relation, seed uint64) error {
	columns := formatColumns(r, allIndexes(len(r.columns)))
	var tries []string
	if (r.kind == "r" || r.kind == "m") && r.pages > 2*samples {
		// Blocks, not rows: the cost depends on what it returns.
		percent := max(100*float64(samples)/float64(r.pages), 0.0001)
		tries = append(tries, fmt.Sprintf("SELECT %s FROM %s TABLESAMPLE SYSTEM (%g) REPEATABLE (%d) LIMIT %d", columns, r.quoted, percent, seed%1e6, samples))
	}
	if len(r.leaves) > 0 {
		leaves := r.leaves[:min(len(r.leaves), mostLeaves)]
		var parts []string
		for _, leaf := range leaves {
			parts = append(parts, fmt.Sprintf("(SELECT %s FROM %s LIMIT %d)", columns, leaf, max(samples/len(leaves), 2)))
		}
		tries = append(tries, strings.Join(parts, " UNION ALL "))
	}
	tries = append(tries, fmt.Sprintf("SELECT %s FROM %s LIMIT %d", columns, r.quoted, samples))
	for _, sql := range tries {
		// The simple protocol returns values as text, whatever their types.
		results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		if err != nil {
			return err
		}
		for _, row := range results[0].Rows {
			if rowSize(row) <= largestRow {
				r.rows = append(r.rows, row)
			}
		}
		if len(r.rows) > 0 {
			return nil
		}
	}
	return nil
}

func rowSize(row [][]byte) int {
	n := 0
	for _, value := range row {
		n += len(value)
	}
	return n
}
