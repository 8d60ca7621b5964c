package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// relation is a table at a point, with all that can refuse or change a write to it.
type relation struct {
	OID     uint32
	Schema  string
	Name    string
	Kind    string
	Owner   string
	Columns []column // dropped ones are there, without a name
	// Checks are its constraints, and foreign keys that refer to it.
	Checks []constraint
	// Uniques are its unique indexes.
	Uniques  []unique
	Triggers []trigger
	// Populated: it is no materialised view without data.
	Populated bool
	// Bound is the bound of a partition; Partitions are the partitions of this table.
	Bound      string
	Partitions []partition
	// Helpers are the bodies of functions that its defaults, constraints and policies call, as a hash.
	Helpers string
	// Secured: row-level security is on; Forced: for its owner, too.
	Secured, Forced bool
	Policies        string
}

type column struct {
	Name, Type string
	TypeOID    uint32
	NotNull    bool
	// Filled: it has a default, an identity, or is generated; Generated is the last.
	Filled, Generated bool
	// Sequence is the one that its default takes a number from; 0 for none.
	Sequence uint32
}

type constraint struct {
	Name, Type, Def string
	On              string   // the table that has it
	Columns         []string // of this table
	// Refers: it is another table's foreign key to this one. Deletes and Updates: it then refuses to delete, or to
	// change, a row.
	Refers, Deletes, Updates bool
	Valid                    bool
}

type unique struct {
	Name, Def string
	Columns   []string
	Computed  bool // it has expressions, too
}

// findColumn returns a column of the relation; nil if it has none of that name.
func (r *relation) findColumn(name string) *column {
	if i := slices.IndexFunc(r.Columns, func(c column) bool { return c.Name == name && name != "" }); i >= 0 {
		return &r.Columns[i]
	}
	return nil
}

// detailsSQL reads them. Definitions are spelled for an empty search path.
const detailsSQL = `
SELECT c.oid, jsonb_build_object('OID', c.oid::int8, 'Schema', n.nspname, 'Name', c.relname, 'Kind', c.relkind, 'Owner', pg_get_userbyid(c.relowner),
 'Secured', c.relrowsecurity, 'Forced', c.relforcerowsecurity,
 'Columns', (SELECT jsonb_agg(jsonb_build_object('Name', CASE WHEN a.attisdropped THEN '' ELSE a.attname END, 'Type', format_type(a.atttypid, a.atttypmod), 'TypeOID', a.atttypid::int8,
    'NotNull', a.attnotnull, 'Filled', a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '', 'Generated', a.attgenerated <> '',
    'Sequence', (SELECT min(s.oid::int8) FROM pg_attrdef d JOIN pg_depend o ON o.classid = 'pg_attrdef'::regclass AND o.objid = d.oid AND o.refclassid = 'pg_class'::regclass JOIN pg_class s ON s.oid = o.refobjid AND s.relkind = 'S'
      WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)) ORDER BY a.attnum)
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
 'Checks', (SELECT jsonb_agg(jsonb_build_object('Name', o.conname, 'Type', o.contype, 'Def', pg_get_constraintdef(o.oid), 'On', h.relname, 'Refers', false, 'Valid', o.convalidated,
    'Columns', (SELECT jsonb_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (o.conkey))) ORDER BY o.oid)
  FROM pg_constraint o JOIN pg_class h ON h.oid = o.conrelid WHERE o.conrelid = c.oid AND o.contype IN ('c', 'f', 'x')),
 'Referring', (SELECT jsonb_agg(jsonb_build_object('Name', o.conname, 'Type', o.contype, 'Def', pg_get_constraintdef(o.oid), 'On', h.relname, 'Refers', true, 'Valid', true,
    'Deletes', o.confdeltype IN ('a', 'r'), 'Updates', o.confupdtype IN ('a', 'r'),
    'Columns', (SELECT jsonb_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (o.confkey))) ORDER BY o.oid)
  FROM pg_constraint o JOIN pg_class h ON h.oid = o.conrelid WHERE o.confrelid = c.oid AND o.contype = 'f'),
 'Uniques', (SELECT jsonb_agg(jsonb_build_object('Name', x.relname, 'Computed', 0 = ANY (i.indkey), 'Def', concat_ws('|', i.indkey::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)),
    'Columns', (SELECT jsonb_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey))) ORDER BY i.indexrelid)
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisunique AND i.indisready),
 'Populated', c.relispopulated, 'Bound', coalesce(pg_get_expr(c.relpartbound, c.oid), ''),
 'Partitions', (SELECT jsonb_agg(jsonb_build_object('OID', k.oid::int8, 'Name', k.relname, 'Bound', pg_get_expr(k.relpartbound, k.oid)) ORDER BY k.oid) FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid WHERE i.inhparent = c.oid AND k.relispartition),
 'Helpers', (SELECT md5(string_agg(concat_ws('|', p.oid, p.prosrc), ';' ORDER BY p.oid)) FROM (` + helpersSQL + `) h JOIN pg_proc p ON p.oid = h.func WHERE p.oid >= 16384 AND h.rel = c.oid),
 'Triggers', (SELECT jsonb_agg(jsonb_build_object('Name', t.tgname, 'Type', t.tgtype, 'When', coalesce(pg_get_triggerdef(t.oid), ''), 'Language', l.lanname, 'Body', p.prosrc, 'Own', p.oid >= 16384) ORDER BY t.oid)
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')),
 'Policies', (SELECT string_agg(concat_ws('|', p.polname, p.polcmd, p.polroles::text, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), ';' ORDER BY p.oid) FROM pg_policy p WHERE p.polrelid = c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1)`

// readRelations reads the tables of a list that are there.
func readRelations(ctx context.Context, c *pgx.Conn, oids []uint32) (map[uint32]*relation, error) {
	out := map[uint32]*relation{}
	var oid uint32
	var text []byte
	err := readObjects(ctx, c, "tables", detailsSQL, oids, []any{&oid, &text}, func() error {
		var r struct {
			relation
			Referring []constraint
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		r.Checks = append(r.Checks, r.Referring...)
		out[oid] = &r.relation
		return nil
	})
	return out, err
}

// readObjects calls a function for each row of a query about the objects of a list.
func readObjects(ctx context.Context, c *pgx.Conn, noun, sql string, oids []uint32, row []any, read func() error) error {
	rows, err := c.Query(ctx, sql, pgx.QueryExecModeExec, oids)
	if err == nil {
		_, err = pgx.ForEachRow(rows, row, read)
	}
	if err != nil {
		return fmt.Errorf("read the %s at a commit point: %w", noun, err)
	}
	return nil
}

// valueType is what values meet of a type: its labels, or the conditions of a domain.
type valueType struct {
	name   string
	labels []string
	// checks are a domain's conditions, by name.
	checks map[string]string
	// parts are the types that it is made of.
	parts []uint32
}

const kindsSQL = `
SELECT t.oid, format_type(t.oid, NULL), (SELECT coalesce(array_agg(e.enumlabel::text ORDER BY e.enumsortorder), '{}') FROM pg_enum e WHERE e.enumtypid = t.oid),
 (SELECT coalesce(jsonb_object_agg(o.conname, replace(pg_get_constraintdef(o.oid), ' NOT VALID', '')), '{}') FROM pg_constraint o WHERE o.contypid = t.oid AND o.contype = 'c'), ARRAY[t.typelem, t.typbasetype]::oid[]
FROM pg_type t WHERE t.oid = ANY ($1)`

// readValueTypes reads types of a list.
func readValueTypes(ctx context.Context, c *pgx.Conn, oids []uint32) (map[uint32]*valueType, error) {
	out := map[uint32]*valueType{}
	var oid uint32
	var k valueType
	err := readObjects(ctx, c, "types", kindsSQL, oids, []any{&oid, &k.name, &k.labels, &k.checks, &k.parts}, func() error {
		kindCopy := k
		kindCopy.name = strings.TrimPrefix(kindCopy.name, "public.")
		out[oid], k = &kindCopy, valueType{}
		return nil
	})
	return out, err
}

// partition is one of a partitioned table.
type partition struct {
	OID         uint32
	Name, Bound string
}

const defaultBound = "DEFAULT"

// lostPartitions finds partitions that are gone, and new bounds, for a table that a query writes rows of.
func lostPartitions(base, m *moment, before *relation, w *tableWrites) []string {
	after := m.relations[before.OID]
	if after == nil || !w.inserts && !w.updates {
		return nil
	}
	var out []string
	if after.Bound != "" && after.Bound != before.Bound && after.Bound != defaultBound {
		out = append(out, fmt.Sprintf("new row for relation %q violates partition constraint", after.Name))
	}
	if slices.ContainsFunc(after.Partitions, func(p partition) bool { return p.Bound == defaultBound }) {
		return out
	}
	for _, p := range before.Partitions {
		if !slices.ContainsFunc(after.Partitions, func(o partition) bool { return o.Bound == p.Bound }) {
			out = append(out, fmt.Sprintf("no partition of relation %q found for row: partition %q is gone", after.Name, p.Name))
			continue
		}
		if child := base.relations[p.OID]; child != nil && len(child.Partitions) > 0 {
			out = append(out, lostPartitions(base, m, child, w)...)
		}
	}
	return out
}
