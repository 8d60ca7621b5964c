package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// schema is what a database holds at a point, each object as a hash of all that a query
// can tell of it.
type schema struct {
	relations map[uint32]*object
	types     map[uint32]*object
	functions map[string]*object // by schema.name, all overloads in one
	// rest is a hash of what may change any query: casts, operators, memberships, settings.
	rest string
	// typeOIDs has types by name, as they are written.
	typeOIDs map[string]uint32
	// typeNames is how they are written.
	typeNames map[uint32]string
	// rowTypes has the relation of each type that is its row, or an array of its rows.
	rowTypes map[uint32]uint32
	roles    map[string]role
}

// object is a relation, type or function.
type object struct {
	schema, name, hash string
	// parts are the types that a type is made of: elements, bases, fields.
	parts []uint32
}

// role has rolsuper and rolbypassrls of pg_roles.
type role struct{ super, bypass bool }

// ours leaves out the system's schemas.
const ours = `n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'`

// relationsSQL has a hash for each relation, part by part. pg_node_tree is compared as it
// is stored: what is spelled anew is another text, and the queries are asked once more.
const relationsSQL = `
SELECT c.oid, n.nspname::text, c.relname::text, md5(concat_ws('|', c.relkind, c.relowner, c.relacl::text, n.nspacl::text, n.nspowner, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relpartbound::text, c.relispopulated, c.relpersistence, c.reloftype)), 0 AS part
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','v','m','f','p','S','c') AND ` + ours + `
UNION ALL SELECT a.attrelid, '', '', md5(string_agg(concat_ws('|', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attisdropped, a.attcollation, a.attacl::text, d.adbin::text), ';' ORDER BY a.attnum)), 1
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attnum > 0 AND a.attrelid >= 16384 GROUP BY a.attrelid
UNION ALL SELECT r.oid, '', '', md5(string_agg(concat_ws('|', o.contype, o.conname, o.convalidated, o.conkey::text, o.confrelid, o.confkey::text, o.confupdtype, o.confdeltype, o.condeferrable, o.conbin::text), ';' ORDER BY o.oid)), 2
  FROM pg_constraint o CROSS JOIN LATERAL (SELECT o.conrelid AS oid UNION SELECT o.confrelid) r WHERE r.oid >= 16384 GROUP BY r.oid
UNION ALL SELECT i.indrelid, '', '', md5(string_agg(concat_ws('|', i.indexrelid, i.indisunique, i.indisvalid, i.indisready, i.indimmediate, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, i.indexprs::text, i.indpred::text), ';' ORDER BY i.indexrelid)), 3
  FROM pg_index i WHERE i.indrelid >= 16384 GROUP BY i.indrelid
UNION ALL SELECT t.tgrelid, '', '', md5(string_agg(concat_ws('|', t.tgname, t.tgfoid, t.tgtype, t.tgenabled, t.tgattr::text, t.tgqual::text, p.prosrc), ';' ORDER BY t.oid)), 4
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal GROUP BY t.tgrelid
UNION ALL SELECT r.ev_class, '', '', md5(string_agg(concat_ws('|', r.rulename, r.ev_type, r.ev_enabled, r.is_instead, r.ev_qual::text, r.ev_action::text), ';' ORDER BY r.oid)), 5
  FROM pg_rewrite r WHERE r.ev_class >= 16384 GROUP BY r.ev_class
UNION ALL SELECT p.polrelid, '', '', md5(string_agg(concat_ws('|', p.polname, p.polcmd, p.polpermissive, p.polroles::text, p.polqual::text, p.polwithcheck::text), ';' ORDER BY p.oid)), 6
  FROM pg_policy p GROUP BY p.polrelid
UNION ALL SELECT i.inhparent, '', '', md5(string_agg(i.inhrelid::text, ';' ORDER BY i.inhrelid)), 7 FROM pg_inherits i GROUP BY i.inhparent
UNION ALL SELECT d.adrelid, '', '', md5(string_agg(concat_ws('|', s.oid, s.relowner, s.relacl::text), ';' ORDER BY s.oid)), 8
  FROM pg_attrdef d JOIN pg_depend o ON o.classid = 'pg_attrdef'::regclass AND o.objid = d.oid AND o.refclassid = 'pg_class'::regclass JOIN pg_class s ON s.oid = o.refobjid AND s.relkind = 'S' GROUP BY d.adrelid
UNION ALL SELECT h.rel, '', '', md5(string_agg(concat_ws('|', p.oid, p.prosrc), ';' ORDER BY p.oid)), 9 FROM (` + helpersSQL + `) h JOIN pg_proc p ON p.oid = h.func WHERE p.oid >= 16384 GROUP BY h.rel
ORDER BY 5, 1`

// helpersSQL has the functions that defaults, constraints and policies of relations call.
const helpersSQL = `SELECT x.rel, o.refobjid AS func FROM pg_depend o JOIN (
  SELECT 'pg_attrdef'::regclass AS class, oid AS obj, adrelid AS rel FROM pg_attrdef
  UNION ALL SELECT 'pg_constraint'::regclass, oid, conrelid FROM pg_constraint UNION ALL SELECT 'pg_policy'::regclass, oid, polrelid FROM pg_policy) x ON o.classid = x.class AND o.objid = x.obj
WHERE o.refclassid = 'pg_proc'::regclass`

// typesSQL has the types that are no table's row. Those of the system come without a hash.
const typesSQL = `
SELECT t.oid, n.nspname::text, t.typname::text, format_type(t.oid, NULL),
  CASE WHEN t.oid < 16384 THEN '' ELSE md5(concat_ws('|', t.typtype, t.typnotnull, t.typbasetype, t.typtypmod, t.typdefaultbin::text, t.typowner, t.typacl::text, n.nspacl::text,
    (SELECT string_agg(e.enumlabel, ';' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
    (SELECT string_agg(concat_ws('|', o.conname, o.convalidated, o.conbin::text), ';' ORDER BY o.oid) FROM pg_constraint o WHERE o.contypid = t.oid))) END,
  ARRAY[t.typelem, t.typbasetype]::oid[]
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typrelid = 0 OR c.relkind = 'c') AND n.nspname <> 'pg_toast' AND (t.typelem = 0 OR NOT EXISTS (SELECT FROM pg_type e JOIN pg_class k ON k.oid = e.typrelid WHERE e.oid = t.typelem AND k.relkind <> 'c'))`

const functionsSQL = `
SELECT n.nspname::text, p.proname::text, md5(string_agg(concat_ws('|', p.oid, p.proargtypes::text, p.proallargtypes::text, p.proargmodes::text, p.proargnames::text, p.proargdefaults::text, p.prorettype, p.proretset,
  p.prokind, p.provolatile, p.proisstrict, p.prosecdef, p.proacl::text, p.proowner, n.nspacl::text, p.prosrc), ';' ORDER BY p.oid))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ` + ours + ` GROUP BY 1, 2`

const restSQL = `
SELECT md5(concat_ws('|',
  (SELECT string_agg(concat_ws(',', castsource, casttarget, castfunc, castcontext), ';' ORDER BY oid) FROM pg_cast WHERE oid >= 16384),
  (SELECT string_agg(concat_ws(',', oprname, oprleft, oprright, oprcode), ';' ORDER BY oid) FROM pg_operator WHERE oid >= 16384),
  (SELECT string_agg(concat_ws(',', opcname, opcintype, opcdefault), ';' ORDER BY oid) FROM pg_opclass WHERE oid >= 16384),
  (SELECT string_agg(concat_ws(',', oid, cfgname, cfgnamespace), ';' ORDER BY oid) FROM pg_ts_config WHERE oid >= 16384),
  (SELECT string_agg(concat_ws(',', oid, dictname, dictnamespace), ';' ORDER BY oid) FROM pg_ts_dict WHERE oid >= 16384),
  (SELECT string_agg(concat_ws(',', roleid, member), ';' ORDER BY roleid, member) FROM pg_auth_members),
  (SELECT string_agg(concat_ws(',', setdatabase, setrole, setconfig::text), ';' ORDER BY setdatabase, setrole) FROM pg_db_role_setting)))`

// rowTypesSQL has the types of rows, and of their arrays.
const rowTypesSQL = `SELECT t.oid, t.typarray, t.typrelid
	FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE t.typarray <> 0 AND ` + ours

const rolesSQL = `SELECT rolname::text, rolsuper, rolbypassrls FROM pg_roles`

func newSchema() *schema {
	return &schema{
		relations: map[uint32]*object{},
		types:     map[uint32]*object{},
		functions: map[string]*object{},
		typeOIDs:  map[string]uint32{},
		typeNames: map[uint32]string{},
		rowTypes:  map[uint32]uint32{},
		roles:     map[string]role{},
	}
}

// copyOwnTypes takes the server's own types from an earlier schema of the same server. They have no hash.
func (s *schema) copyOwnTypes(before *schema) {
	for oid, o := range before.types {
		if o.hash != "" {
			continue
		}
		s.types[oid], s.typeNames[oid] = o, before.typeNames[oid]
		s.typeOIDs[before.typeNames[oid]], s.typeOIDs[o.schema+"."+o.name] = oid, oid
	}
}

// readSchema reads it, on a session that trusts nothing in the database. The system's types come from the schema
// of the point before, if there is one.
func readSchema(ctx context.Context, c *pgx.Conn, before *schema) (*schema, error) {
	s := newSchema()
	var a, b, text, spelled string
	var oid uint32
	var part int
	var r role
	each := func(sql string, to []any, row func()) error {
		rows, err := c.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		if err == nil {
			_, err = pgx.ForEachRow(rows, to, func() error { row(); return nil })
		}
		if err != nil {
			return fmt.Errorf("read the schema at a commit point: %w", err)
		}
		return nil
	}
	if err := each(relationsSQL, []any{&oid, &a, &b, &text, &part}, func() {
		if part == 0 {
			s.relations[oid] = &object{schema: a, name: b}
		}
		if o := s.relations[oid]; o != nil {
			o.hash += fmt.Sprint(part, text)
		}
	}); err != nil {
		return nil, err
	}
	var partOIDs []uint32
	types := typesSQL
	if before != nil {
		types += " AND t.oid >= 16384"
		s.copyOwnTypes(before)
	}
	if err := each(types, []any{&oid, &a, &b, &spelled, &text, &partOIDs}, func() {
		s.types[oid] = &object{schema: a, name: b, hash: text, parts: partOIDs}
		s.typeNames[oid] = spelled
		for _, name := range []string{spelled, a + "." + b} {
			if s.typeOIDs[name] == 0 {
				s.typeOIDs[name] = oid
			}
		}
		partOIDs = nil
	}); err != nil {
		return nil, err
	}
	if err := each(functionsSQL, []any{&a, &b, &text}, func() {
		s.functions[a+"."+b] = &object{schema: a, name: b, hash: text}
	}); err != nil {
		return nil, err
	}
	var array, relation uint32
	if err := each(rowTypesSQL, []any{&oid, &array, &relation}, func() { s.rowTypes[oid], s.rowTypes[array] = relation, relation }); err != nil {
		return nil, err
	}
	if err := each(rolesSQL, []any{&a, &r.super, &r.bypass}, func() { s.roles[a] = r }); err != nil {
		return nil, err
	}
	return s, each(restSQL, []any{&s.rest}, func() {})
}

// changes are the objects that differ between two points.
type changes struct {
	all       bool // what every query may feel
	relations map[uint32]bool
	types     map[uint32]bool
	// names are the names of all objects that changed, were added or were removed: a new table earlier in the search
	// path, or a new overload, can capture a name.
	names map[string]bool
}

// changesSince compares a schema with the one at the point before.
func (s *schema) changesSince(before *schema) *changes {
	c := &changes{all: s.rest != before.rest, relations: map[uint32]bool{}, types: map[uint32]bool{}, names: map[string]bool{}}
	diffObjects(before.relations, s.relations, c.names, func(oid uint32) { c.relations[oid] = true })
	diffObjects(before.types, s.types, c.names, func(oid uint32) { c.types[oid] = true })
	diffObjects(before.functions, s.functions, c.names, func(string) {})
	for more := len(c.types) > 0; more; {
		more = false
		for oid, t := range s.types {
			for _, part := range t.parts {
				if c.types[part] && !c.types[oid] {
					c.types[oid], more = true, true
				}
			}
		}
	}
	return c
}

// diffObjects calls changed for the keys of objects that are not the same, and notes their names.
func diffObjects[K comparable](before, after map[K]*object, names map[string]bool, changed func(K)) {
	note := func(k K, objects ...*object) {
		changed(k)
		for _, o := range objects {
			names[o.name] = true
		}
	}
	for k, o := range after {
		switch old := before[k]; {
		case old == nil:
			note(k, o)
		case old.hash != o.hash || old.name != o.name || old.schema != o.schema:
			note(k, old, o)
		}
	}
	for k, o := range before {
		if after[k] == nil {
			note(k, o)
		}
	}
}
