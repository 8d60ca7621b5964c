package live

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Object is an object of a schema, with the properties that code can depend on.
// Names and definitions are rendered as with an empty search_path. If two
// schemas mean the same to code, their objects are equal except for At.
type Object struct {
	// Kind is the kind of the object: "table", "column", "index", "privilege".
	Kind string
	// Name is unique within its kind: "public.users.email", "users_email_idx on
	// public.users".
	Name string
	// On is the name of the table, type or schema that it belongs to.
	On string
	// Definition describes all its other properties.
	Definition string
	// At is the position of a column in its table, or of a value in its enum.
	At int
}

// Objects reads the objects of a database, repeatedly, on one connection that
// holds no locks in between. Its errors are [*ServerError]s.
type Objects struct{ session *session }

// OpenObjects connects to the database at url. The error is a [*ServerError] or
// an [*address.Error].
func OpenObjects(ctx context.Context, url string) (*Objects, error) {
	s, err := connectSession(ctx, url)
	if err != nil {
		return nil, err
	}
	return &Objects{s}, nil
}

// Close ends the connection.
func (o *Objects) Close(ctx context.Context) { o.session.closeSession(ctx) }

// Read lists the objects of the database, in one snapshot: nothing but
// definitions. It omits:
//   - what belongs to an extension,
//   - the names of sequences that a column owns, and of NOT NULL constraints,
//   - comments,
//   - everything outside of the database.
func (o *Objects) Read(ctx context.Context) ([]Object, error) {
	s := o.session
	if err := s.beginReadOnly(ctx); err != nil {
		return nil, err
	}
	defer func() { _ = s.tx.Rollback(ctx) }() // a lost connection shows at the next reading
	var out []Object
	for _, q := range objects {
		rows, err := s.tx.Query(ctx, strings.NewReplacer("@user", userSchemas, "@kind", q.kind).Replace(q.sql))
		if err == nil {
			var x Object
			_, err = pgx.ForEachRow(rows, []any{&x.Kind, &x.Name, &x.On, &x.Definition, &x.At}, func() error {
				out = append(out, x)
				return nil
			})
		}
		if err != nil {
			return nil, s.serverError(fmt.Sprintf("read each %s", q.kind), err)
		}
	}
	return out, nil
}

// notInExtension returns a condition: the object of a catalog belongs to no extension.
func notInExtension(catalog, oid string) string {
	return `NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '` + catalog + `'::regclass AND e.objid = ` + oid + ` AND e.deptype = 'e')`
}

// ownSequence selects the sequence of a column of pg_attribute a, with the text
// that describes it in the column's definition.
const ownSequence = `SELECT s.seqrelid, ' ' || format_type(s.seqtypid, NULL) || CASE s.seqincrement WHEN 1 THEN '' ELSE ' by ' || s.seqincrement END AS words
	FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
	WHERE (a.attidentity <> '' OR a.atthasdef) AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
	ORDER BY EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_attrdef'::regclass AND x.refobjid = s.seqrelid AND x.objid = f.oid) DESC, s.seqrelid LIMIT 1`

// objects return kind, name, owner, definition and position.
var objects = []struct{ kind, sql string }{
	{"schema", `SELECT '@kind', quote_ident(nspname), '', '', 0 FROM pg_namespace n WHERE @user AND ` + notInExtension("pg_namespace", "n.oid")},
	{"extension", `SELECT '@kind', quote_ident(extname), '', 'in ' || quote_ident(nspname), 0 FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace`},
	{"type", `
SELECT '@kind', format('%I.%I', n.nspname, t.typname), quote_ident(n.nspname), CASE t.typtype
	WHEN 'e' THEN 'enum'
	WHEN 'd' THEN concat_ws(' ', 'domain over', format_type(t.typbasetype, t.typtypmod), 'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END,
		(SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY conname) FROM pg_constraint k WHERE contypid = t.oid AND contype = 'c'))
	WHEN 'c' THEN '(' || (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) || ')'
	WHEN 'r' THEN 'range of ' || (SELECT format_type(rngsubtype, NULL) FROM pg_range WHERE rngtypid = t.oid)
	ELSE 'base type' END, 0
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'b' AND t.typcategory <> 'A') AND @user AND ` + notInExtension("pg_type", "t.oid")},
	{"value", `
SELECT '@kind', format('%s of %I.%I', quote_literal(enumlabel), n.nspname, t.typname), format('%I.%I', n.nspname, t.typname), '', row_number() OVER (PARTITION BY t.oid ORDER BY enumsortorder)
FROM pg_enum JOIN pg_type t ON t.oid = enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace WHERE @user AND ` + notInExtension("pg_type", "t.oid")},
	{"sequence", `
SELECT '@kind', c.oid::regclass::text, quote_ident(n.nspname), format('%s START %s INCREMENT %s FROM %s TO %s CACHE %s%s', format_type(seqtypid, NULL), seqstart, seqincrement, seqmin, seqmax, seqcache, CASE WHEN seqcycle THEN ' CYCLE' ELSE '' END), 0
FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE @user AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')) AND ` + notInExtension("pg_class", "c.oid")},
	{"table", `
SELECT '@kind', c.oid::regclass::text, quote_ident(n.nspname), concat_ws(', ',
	CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'logged' END,
	CASE c.relkind WHEN 'f' THEN 'foreign' WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(c.oid) END,
	(SELECT 'inherits ' || string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = c.oid), pg_get_expr(c.relpartbound, c.oid),
	'with ' || array_to_string(c.reloptions, ', '),
	(SELECT 'tablespace ' || quote_ident(spcname) FROM pg_tablespace s WHERE s.oid = c.reltablespace),
	CASE WHEN c.relrowsecurity THEN 'row security' END, CASE WHEN c.relforcerowsecurity THEN 'row security forced' END,
	CASE c.relreplident WHEN 'f' THEN 'replica identity full' WHEN 'n' THEN 'replica identity nothing' WHEN 'i' THEN 'replica identity by index' END,
	'owned by ' || quote_ident(pg_get_userbyid(c.relowner))), 0
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f') AND @user AND ` + notInExtension("pg_class", "c.oid")},
	{"column", `
SELECT '@kind', format('%I.%I.%I', n.nspname, c.relname, attname), format('%I.%I', n.nspname, c.relname), concat_ws(' ', format_type(atttypid, atttypmod),
	(SELECT 'COLLATE ' || l.oid::regcollation FROM pg_collation l JOIN pg_type t ON t.oid = atttypid WHERE attcollation NOT IN (0, 100) AND l.oid = attcollation AND attcollation <> t.typcollation),
	CASE WHEN attgenerated <> '' THEN 'GENERATED ALWAYS AS (' || pg_get_expr(adbin, adrelid) || ')' || CASE attgenerated WHEN 's' THEN ' STORED' ELSE ' VIRTUAL' END
		WHEN attidentity <> '' THEN 'GENERATED ' || CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END || ' AS IDENTITY' || coalesce(own.words, '')
		ELSE 'DEFAULT ' || coalesce((SELECT 'nextval of its own sequence' || own.words FROM pg_depend x WHERE x.classid = 'pg_attrdef'::regclass AND x.objid = f.oid AND x.refobjid = own.seqrelid LIMIT 1), pg_get_expr(adbin, adrelid)) END,
	CASE WHEN attnotnull THEN 'NOT NULL' END,
	(SELECT 'NOT VALID' FROM pg_constraint k WHERE a.attnotnull AND k.conrelid = c.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated)), attnum
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef f ON adrelid = attrelid AND adnum = attnum LEFT JOIN LATERAL (` + ownSequence + `) own ON true
WHERE c.relkind IN ('r', 'p', 'f') AND attnum > 0 AND NOT attisdropped AND attinhcount = 0 AND @user AND ` + notInExtension("pg_class", "c.oid")},
	{"constraint", `
SELECT '@kind', format('%I on %I.%I', conname, n.nspname, c.relname), format('%I.%I', n.nspname, c.relname), pg_get_constraintdef(k.oid), 0
FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE contype IN ('c', 'p', 'u', 'x', 'f') AND conparentid = 0 AND (contype <> 'c' OR conislocal AND coninhcount = 0) AND @user AND ` + notInExtension("pg_class", "c.oid")},
	{"index", `
SELECT '@kind', format('%I on %I.%I', i.relname, n.nspname, c.relname), format('%I.%I', n.nspname, c.relname), replace(pg_get_indexdef(i.oid), ' INDEX ' || quote_ident(i.relname) || ' ON ', ' INDEX ON ') || CASE WHEN indisvalid THEN '' ELSE ', invalid' END, 0
FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class c ON c.oid = indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.relispartition AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x')) AND @user AND ` + notInExtension("pg_class", "c.oid")},
	{"view", `
SELECT '@kind', c.oid::regclass::text, quote_ident(n.nspname), concat_ws(', ', CASE c.relkind WHEN 'm' THEN 'materialized' END, CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'no data' END, array_to_string(c.reloptions, ', '),
	(SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped), pg_get_viewdef(c.oid)), 0
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND @user AND ` + notInExtension("pg_class", "c.oid")},
	// Comments and whitespace in a body have no effect.
	{"function", `
SELECT '@kind', p.oid::regprocedure::text, quote_ident(n.nspname), CASE WHEN prokind = 'a' THEN (SELECT concat_ws(' ', 'aggregate', aggtransfn, format_type(aggtranstype, NULL), nullif(aggfinalfn, 0::regproc), agginitval) FROM pg_aggregate WHERE aggfnoid = p.oid)
	ELSE replace(regexp_replace(regexp_replace(pg_get_functiondef(p.oid), '--[^\n]*', '', 'g'), '\s+', ' ', 'g'), '$function$', '$$') END, 0
FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE @user AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'i') AND ` + notInExtension("pg_proc",
		"p.oid")},
	{"trigger", `
SELECT '@kind', format('%I on %s', tgname, c.oid::regclass), c.oid::regclass::text, pg_get_triggerdef(t.oid) || CASE tgenabled WHEN 'D' THEN ', disabled' WHEN 'R' THEN ', on replicas' WHEN 'A' THEN ', always' ELSE '' END, 0
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE NOT tgisinternal AND tgparentid = 0 AND @user AND ` + notInExtension("pg_class", "c.oid")},
	{"rule", `
SELECT '@kind', format('%I on %s', rulename, c.oid::regclass), c.oid::regclass::text, pg_get_ruledef(r.oid), 0
FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace WHERE rulename <> '_RETURN' AND @user AND ` + notInExtension("pg_class", "c.oid")},
	{"policy", `
SELECT '@kind', format('%I on %s', polname, c.oid::regclass), c.oid::regclass::text, concat_ws(' ', CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END, 'FOR ' || polcmd::text,
	'TO ' || (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ' ORDER BY r) FROM unnest(polroles) r), 'USING ' || pg_get_expr(polqual, polrelid), 'CHECK ' || pg_get_expr(polwithcheck, polrelid)), 0
FROM pg_policy p JOIN pg_class c ON c.oid = polrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE @user AND ` + notInExtension("pg_class", "c.oid")},
	{
		"statistics object",
		`SELECT '@kind', format('%I.%I', nspname, stxname), s.stxrelid::regclass::text, pg_get_statisticsobjdef(s.oid), 0 FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = stxnamespace WHERE @user`,
	},
	{
		"event trigger",
		`SELECT '@kind', quote_ident(evtname), '', concat_ws(' ', 'on', evtevent, evtfoid::regproc, evtenabled::text, array_to_string(evttags, ', ')), 0 FROM pg_event_trigger t WHERE ` + notInExtension("pg_event_trigger", "t.oid"),
	},
	{"publication", `
SELECT '@kind', quote_ident(pubname), '', concat_ws(' ', CASE WHEN puballtables THEN 'of all tables' END,
	CASE WHEN to_jsonb(p) ->> 'puballsequences' = 'true' THEN 'of all sequences' END,
	(SELECT CASE WHEN puballtables THEN 'except ' ELSE 'of ' END ||
	string_agg(prrelid::regclass::text, ', ' ORDER BY prrelid::regclass::text) FROM pg_publication_rel WHERE prpubid = p.oid)), 0
FROM pg_publication p`},
	{"privilege", `
SELECT '@kind', format('%s of %s on %s', string_agg(privilege_type, ', ' ORDER BY privilege_type), CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, c.oid::regclass), c.oid::regclass::text, '', 0
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, aclexplode(relacl)
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND grantee <> relowner AND @user AND ` + notInExtension("pg_class", "c.oid") + ` GROUP BY c.oid, grantee`},
	{"privilege", `
SELECT '@kind', format('%s of %s on schema %I', string_agg(privilege_type, ', ' ORDER BY privilege_type), CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, nspname), quote_ident(nspname), '', 0
FROM pg_namespace n, aclexplode(nspacl) WHERE grantee <> nspowner AND @user GROUP BY n.oid, nspname, grantee`},
}
