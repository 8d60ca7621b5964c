package fill

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// readRelations reads the tables, partitions and materialized views that are not an extension's.
const readRelations = `
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relispartition, c.relforcerowsecurity,
  coalesce((SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition), 0),
  coalesce(pg_get_partition_constraintdef(c.oid), ''), coalesce(pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', false), c.relispopulated
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.oid`

const readTypes = `
SELECT t.oid, n.nspname, t.typname, t.typtype::text, t.typcategory::text, t.typbasetype, t.typelem, t.typtypmod, t.typnotnull,
  coalesce((SELECT rngsubtype FROM pg_range WHERE rngtypid = t.oid), 0),
  ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
  ARRAY(SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid = t.oid AND contype = 'c' ORDER BY conname)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace`

// Attributes of composite types have typrelid's type as their owner.
const readColumns = `
SELECT a.attrelid, coalesce((SELECT t.oid FROM pg_type t WHERE t.typrelid = a.attrelid), 0), c.relkind::text, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
  a.attidentity <> '', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) ELSE '' END, a.atthasdef,
  coalesce((SELECT format('%I.%I', sn.nspname, s.relname) FROM pg_depend p JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
    WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass LIMIT 1),
   (SELECT format('%I.%I', sn.nspname, s.relname) FROM pg_depend p JOIN pg_class s ON s.oid = p.objid AND s.relkind = 'S' JOIN pg_namespace sn ON sn.oid = s.relnamespace
    WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid AND p.refobjsubid = a.attnum AND p.deptype = 'i' LIMIT 1), ''),
  format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'c') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY a.attrelid, a.attnum`

const readConstraints = `
SELECT c.conrelid, c.conname, c.contype::text, coalesce(c.conkey, '{}'), c.confrelid, coalesce(c.confkey, '{}'), c.condeferrable, c.confmatchtype = 'f', pg_get_constraintdef(c.oid)
FROM pg_constraint c WHERE c.conrelid <> 0 AND c.contype IN ('c', 'f', 'x') AND c.conparentid = 0 ORDER BY c.conrelid, c.conname`

// The columns in an index's expressions and in its condition are found through
// its dependencies.
const readKeys = `
SELECT i.indrelid, c.relname, i.indisprimary, i.indpred IS NOT NULL,
  ARRAY(SELECT DISTINCT k FROM (SELECT unnest(i.indkey[0:i.indnkeyatts - 1]::int2[]) UNION
    SELECT d.refobjsubid FROM pg_depend d WHERE 0 = ANY (i.indkey[0:i.indnkeyatts - 1]::int2[]) AND d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid) AS u(k) WHERE k <> 0 ORDER BY k),
  ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, false) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k), coalesce(pg_get_expr(i.indpred, i.indrelid), '')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND n.nspname NOT IN ('pg_catalog', 'pg_toast') ORDER BY i.indrelid, NOT i.indisprimary, c.relname`

const readTriggers = `
SELECT t.tgrelid, format('%I.%I', n.nspname, c.relname), t.tgname, t.tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' ORDER BY c.relispartition, t.tgrelid, t.tgname`

// eachRow runs a statement and calls each for every row.
func eachRow(ctx context.Context, conn *pgx.Conn, subject, sql string, each func(pgx.Rows) error) error {
	rows, _ := conn.Query(ctx, sql, pgx.QueryExecModeExec) // its error is the rows' error
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return fmt.Errorf("read %s: %w", subject, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read %s: %w", subject, err)
	}
	return nil
}

func readSchema(ctx context.Context, conn *pgx.Conn) (*schema, error) {
	s := &schema{byOID: map[uint32]*table{}, leafOf: map[uint32]*table{}, types: map[uint32]*typ{}}
	if err := conn.QueryRow(ctx, `SELECT rolsuper, EXISTS (SELECT FROM pg_event_trigger WHERE evtenabled <> 'D') FROM pg_roles WHERE rolname = current_user`).Scan(&s.super, &s.events); err != nil {
		return nil, fmt.Errorf("read the role: %w", err)
	}
	parents := map[uint32]uint32{}
	var parts []*leaf
	partKind := map[uint32]string{}
	err := eachRow(ctx, conn, "relations", readRelations, func(r pgx.Rows) error {
		t := &table{}
		var kind, bound string
		var isPart, isDefault, populated bool
		var parent uint32
		if err := r.Scan(&t.oid, &t.schema, &t.rel, &kind, &isPart, &t.rls, &parent, &bound, &isDefault, &populated); err != nil {
			return err
		}
		switch {
		case kind == "m":
			if populated {
				s.views = append(s.views, t.quotedName())
			}
		case isPart:
			parents[t.oid] = parent
			partKind[t.oid] = kind
			parts = append(parts, &leaf{oid: t.oid, schema: t.schema, rel: t.rel, constraint: bound, isDefault: isDefault})
		default:
			t.partitioned = kind == "p"
			s.tables = append(s.tables, t)
			s.byOID[t.oid] = t
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.placePartitions(parts, parents, partKind)
	for _, t := range s.tables {
		slices.SortFunc(t.leaves, func(a, b *leaf) int { return strings.Compare(a.schema+"."+a.rel, b.schema+"."+b.rel) })
	}
	slices.SortFunc(s.tables, func(a, b *table) int { return strings.Compare(a.name(), b.name()) })
	for _, read := range []func(context.Context, *pgx.Conn) error{s.readTypes, s.readColumns, s.readConstraints, s.readKeys, s.readTriggers} {
		if err := read(ctx, conn); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// placePartitions assigns the partitions to the table at the root of their tree.
func (s *schema) placePartitions(parts []*leaf, parents map[uint32]uint32, partKind map[uint32]string) {
	isDefault := map[uint32]bool{}
	for _, p := range parts {
		isDefault[p.oid] = p.isDefault
	}
	for _, p := range parts {
		oid := p.oid
		for parents[oid] != 0 {
			oid = parents[oid]
			p.isDefault = p.isDefault || isDefault[oid]
		}
		root := s.byOID[oid]
		if root == nil {
			continue
		}
		s.leafOf[p.oid] = root
		if partKind[p.oid] == "r" {
			root.leaves = append(root.leaves, p)
		}
	}
}

func (s *schema) readTypes(ctx context.Context, conn *pgx.Conn) error {
	return eachRow(ctx, conn, "types", readTypes, func(r pgx.Rows) error {
		t := &typ{}
		var kind, category string
		if err := r.Scan(&t.oid, &t.schema, &t.name, &kind, &category, &t.base, &t.elem, &t.typmod, &t.notNull, &t.subtype, &t.labels, &t.checks); err != nil {
			return err
		}
		t.kind, t.category = kind[0], category[0]
		s.types[t.oid] = t
		return nil
	})
}

func (s *schema) readColumns(ctx context.Context, conn *pgx.Conn) error {
	return eachRow(ctx, conn, "columns", readColumns, func(r pgx.Rows) error {
		c := &column{}
		var rel, owner uint32
		var kind string
		if err := r.Scan(&rel, &owner, &kind, &c.num, &c.name, &c.typ, &c.typmod, &c.notNull, &c.identity, &c.generated, &c.hasDef, &c.sequence,
			&c.typeText); err != nil {
			return err
		}
		if t := s.byOID[rel]; t != nil {
			c.index = len(t.columns)
			t.columns = append(t.columns, c)
		}
		if t := s.types[owner]; t != nil {
			attribute := *c
			t.attributes = append(t.attributes, &attribute)
		}
		return nil
	})
}

func (s *schema) readConstraints(ctx context.Context, conn *pgx.Conn) error {
	return eachRow(ctx, conn, "constraints", readConstraints, func(r pgx.Rows) error {
		var rel, other uint32
		var name, kind, def string
		var cols, target []int16
		var deferrable, full bool
		if err := r.Scan(&rel, &name, &kind, &cols, &other, &target, &deferrable, &full, &def); err != nil {
			return err
		}
		t := s.byOID[rel]
		if t == nil {
			return nil
		}
		switch kind {
		case "c":
			t.checks = append(t.checks, &check{name: name, sql: unwrapCheck(def), columns: t.columnPositions(cols)})
		case "f":
			if to := s.tableFor(other); to != nil {
				t.refs = append(t.refs, &ref{
					name:       name,
					columns:    t.columnPositions(cols),
					table:      to,
					target:     to.columnPositions(target),
					deferrable: deferrable,
					full:       full,
				})
			}
		case "x":
			k := &key{name: name, exclude: true, pairs: rangePairs(def)}
			for _, i := range t.columnPositions(cols) {
				if i >= 0 {
					k.columns = append(k.columns, i)
				}
			}
			t.keys = append(t.keys, k)
		}
		return nil
	})
}

func (s *schema) readKeys(ctx context.Context, conn *pgx.Conn) error {
	return eachRow(ctx, conn, "unique indexes", readKeys, func(r pgx.Rows) error {
		k := &key{}
		var rel uint32
		var cols []int16
		if err := r.Scan(&rel, &k.name, &k.primary, &k.partial, &cols, &k.texts, &k.where); err != nil {
			return err
		}
		if t := s.byOID[rel]; t != nil {
			k.columns = t.columnPositions(cols)
			t.keys = append(t.keys, k)
		} // else it belongs to a partition; those of the root are repeated in its partitions
		return nil
	})
}

func (s *schema) readTriggers(ctx context.Context, conn *pgx.Conn) error {
	return eachRow(ctx, conn, "triggers", readTriggers, func(r pgx.Rows) error {
		var rel uint32
		var tr trigger
		var enabled string
		if err := r.Scan(&rel, &tr.relation, &tr.name, &enabled); err != nil {
			return err
		}
		tr.enabled = enabled[0]
		if t := s.tableFor(rel); t != nil {
			t.triggers = append(t.triggers, tr)
		}
		return nil
	})
}

// unwrapCheck returns the expression inside CHECK (…).
func unwrapCheck(def string) string {
	for _, suffix := range []string{" NOT VALID", " NOT ENFORCED", " NO INHERIT"} {
		def = strings.TrimSuffix(def, suffix)
	}
	def = strings.TrimPrefix(def, "CHECK ")
	return def
}
