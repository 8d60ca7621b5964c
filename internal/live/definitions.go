package live

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// definition is a query that returns DDL, one statement per row: CREATE SCHEMA app. limitToSchemas replaces "@user", "@relation",
// "@type" and "@function" in it.
type definition struct {
	what         string // names the objects in errors: "roles"
	since, until int    // major versions; 0: all
	sql          string
}

// userSchemas restricts a query with pg_namespace n to schemas other than the
// server's own.
const userSchemas = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp\_%'`

// definitions are in an order in which their objects can be created.
var definitions = slices.Concat(baseObjects, tableObjects, dependentObjects, namedObjects)

// baseObjects return the objects that tables need.
var baseObjects = []definition{
	{what: "roles", sql: `SELECT format('CREATE ROLE %I', rolname) FROM pg_roles WHERE rolname NOT LIKE 'pg\_%' ORDER BY rolname`},
	{what: "tablespaces", sql: `SELECT format('CREATE TABLESPACE %I LOCATION ''''', spcname) FROM pg_tablespace WHERE spcname NOT LIKE 'pg\_%' ORDER BY spcname`},
	{what: "schemas", sql: `SELECT format('CREATE SCHEMA %I', nspname) FROM pg_namespace n WHERE nspname <> 'public' AND @user ORDER BY oid`},
	{what: "schemas", sql: `SELECT 'DROP SCHEMA public' WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public')`},
	{
		what: "extensions",
		sql:  `SELECT format('CREATE EXTENSION %I WITH SCHEMA %I', extname, nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace ORDER BY e.oid`,
	},
	{
		what: "access methods",
		sql:  `SELECT format('CREATE ACCESS METHOD %I TYPE %s HANDLER %s', amname, CASE amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END, amhandler) FROM pg_am WHERE oid >= 16384 ORDER BY oid`,
	},
	{
		what: "collations",
		sql:  `SELECT format('CREATE COLLATION %I.%I (locale = ''C'')', nspname, collname) FROM pg_collation c JOIN pg_namespace n ON n.oid = collnamespace WHERE @user ORDER BY c.oid`,
	},
	{what: "types", sql: `
SELECT CASE t.typtype
	WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname, (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
	WHEN 'd' THEN format('CREATE DOMAIN %I.%I AS %s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod)) || coalesce(' DEFAULT ' || pg_get_expr(t.typdefaultbin, 0), '') || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
	WHEN 'c' THEN format('CREATE TYPE %I.%I AS (%s)', n.nspname, t.typname, (SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped))
	WHEN 'r' THEN format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s)', n.nspname, t.typname, (SELECT format_type(rngsubtype, NULL) FROM pg_range WHERE rngtypid = t.oid))
	ELSE format('CREATE TYPE %I.%I', n.nspname, t.typname) END
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'b' AND t.typcategory <> 'A' OR NOT t.typisdefined) AND @type ORDER BY t.oid`},
	{what: "foreign-data wrappers", sql: `SELECT format('CREATE FOREIGN DATA WRAPPER %I', fdwname) FROM pg_foreign_data_wrapper ORDER BY oid`},
	{
		what: "servers",
		sql:  `SELECT format('CREATE SERVER %I FOREIGN DATA WRAPPER %I', srvname, fdwname) FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw ORDER BY s.oid`,
	},
	{what: "sequences", sql: `
SELECT format('CREATE %sSEQUENCE %I.%I AS %s', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, n.nspname, c.relname, format_type(seqtypid, NULL))
FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE @relation
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND refclassid = 'pg_class'::regclass AND deptype = 'i') ORDER BY c.oid`},
}

// tableObjects return the tables, and what belongs to them up to the indexes.
var tableObjects = []definition{
	{what: "tables", sql: tableSQL},
	{what: "checks that are not valid, and NOT NULL constraints of their own", sql: `
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE contype IN ('c', 'n') AND NOT convalidated AND (coninhcount = 0 OR c.relispartition) AND @relation ORDER BY k.oid`},
	{what: "partitions", sql: `
SELECT format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s', inhparent::regclass, c.oid::regclass, pg_get_expr(c.relpartbound, c.oid))
FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition AND c.relkind NOT IN ('i', 'I') AND @relation ORDER BY c.oid`},
	{what: "defaults of inherited columns", sql: `
SELECT format('ALTER TABLE ONLY %s ALTER COLUMN %I ', c.oid::regclass, attname) || CASE WHEN which = 1 THEN 'SET NOT NULL' ELSE 'SET DEFAULT ' || pg_get_expr(adbin, adrelid) END
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum, (VALUES (1), (2)) w (which)
WHERE c.relkind IN ('r', 'f') AND NOT c.relispartition AND attnum > 0 AND NOT attisdropped AND NOT attislocal AND attgenerated = ''
AND CASE which WHEN 1 THEN attnotnull ELSE adbin IS NOT NULL END AND @relation ORDER BY c.oid, attnum, which`},
	{what: "owned sequences", sql: `
SELECT format('ALTER SEQUENCE %s OWNED BY %s.%I', c.oid::regclass, refobjid::regclass, attname)
FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_attribute a ON a.attrelid = refobjid AND a.attnum = refobjsubid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a' AND @relation
-- Of several sequences of one column, the one that its default reads counts.
ORDER BY EXISTS (SELECT FROM pg_depend x JOIN pg_attrdef ON pg_attrdef.oid = x.objid WHERE x.classid = 'pg_attrdef'::regclass AND x.refobjid = c.oid AND adrelid = d.refobjid AND adnum = d.refobjsubid), c.oid`},
	{what: "functions", sql: `
SELECT pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE prokind <> 'a' AND @function
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'i') ORDER BY p.oid`},
	{what: "aggregates", sql: `
SELECT format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s)', nspname, proname, coalesce(nullif(pg_get_function_identity_arguments(p.oid), ''), '*'), aggtransfn, format_type(aggtranstype, NULL))
FROM pg_proc p JOIN pg_aggregate ON aggfnoid = p.oid JOIN pg_namespace n ON n.oid = pronamespace WHERE @function ORDER BY p.oid`},
	{what: "constraints of domains", sql: `
SELECT format('ALTER DOMAIN %I.%I ADD CONSTRAINT %I %s', nspname, typname, conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_type t ON t.oid = contypid JOIN pg_namespace n ON n.oid = typnamespace WHERE contype = 'c' AND @type ORDER BY k.oid`},
	{what: "keys", sql: `
SELECT format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE contype IN ('p', 'u', 'x') AND @relation ORDER BY conrelid, contype <> 'p', k.oid`},
}

// dependentObjects return objects that depend on tables and keys.
var dependentObjects = []definition{
	{what: "views", sql: `
SELECT format('CREATE %s %s (%s) AS %s', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END, c.oid::regclass,
	(SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped), rtrim(pg_get_viewdef(c.oid), '; '))
	|| CASE WHEN relkind = 'm' AND NOT relispopulated THEN ' WITH NO DATA' ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('v', 'm') AND @relation ORDER BY c.oid`},
	{what: "indexes", sql: `
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = indrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND @relation
AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x')) ORDER BY i.indexrelid`},
	{what: "indexes of partitions", sql: `
SELECT format('ALTER INDEX %s ATTACH PARTITION %s', inhparent::regclass, inhrelid::regclass)
FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('i', 'I') AND @relation ORDER BY (SELECT count(*) FROM pg_partition_ancestors(inhrelid)) DESC, inhrelid`},
	{what: "foreign keys", sql: `
SELECT format('ALTER TABLE %s%s ADD CONSTRAINT %I %s', CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, conrelid::regclass, conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE contype = 'f' AND conparentid = 0 AND @relation ORDER BY k.oid`},
	{what: "clustered tables", sql: `
SELECT format('ALTER TABLE %s CLUSTER ON %I', indrelid::regclass, c.relname) FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE indisclustered AND @relation ORDER BY indrelid`},
	{what: "replica identities", sql: `
SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', c.oid::regclass, CASE relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
	ELSE 'USING INDEX ' || quote_ident((SELECT i.relname FROM pg_index JOIN pg_class i ON i.oid = indexrelid WHERE indrelid = c.oid AND indisreplident)) END)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p') AND relreplident IN ('f', 'n', 'i') AND (relreplident <> 'i' OR EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisreplident)) AND @relation ORDER BY c.oid`},
	{
		what: "statistics",
		sql:  `SELECT pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = stxnamespace WHERE @user ORDER BY s.oid`,
	},
	{what: "triggers", sql: `
SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE NOT tgisinternal AND tgparentid = 0 AND @relation ORDER BY t.oid`},
	{what: "states of triggers", sql: `
SELECT format('ALTER TABLE ONLY %s %s TRIGGER %I', tgrelid::regclass, CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, tgname)
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE NOT (tgisinternal AND tgparentid = 0) AND tgconstraint = 0 AND tgenabled <> 'O' AND @relation ORDER BY t.oid`},
	{
		what: "rules",
		sql:  `SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace WHERE rulename <> '_RETURN' AND @relation ORDER BY r.oid`,
	},
	{what: "row level security", sql: `
SELECT format('ALTER TABLE %s %s ROW LEVEL SECURITY', c.oid::regclass, what) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, (VALUES ('ENABLE'), ('FORCE')) w (what)
WHERE CASE what WHEN 'ENABLE' THEN relrowsecurity ELSE relforcerowsecurity END AND @relation ORDER BY c.oid, what`},
	{what: "policies", sql: `
SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', polname, polrelid::regclass, CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
	CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
	(SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ' ORDER BY r) FROM unnest(polroles) r))
	|| coalesce(' USING (' || pg_get_expr(polqual, polrelid) || ')', '') || coalesce(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', '')
FROM pg_policy p JOIN pg_class c ON c.oid = polrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE @relation ORDER BY p.oid`},
	{
		what: "event triggers",
		sql:  `SELECT format('CREATE EVENT TRIGGER %I ON %s EXECUTE FUNCTION %s()', evtname, evtevent, evtfoid::regproc) FROM pg_event_trigger ORDER BY oid`,
	},
	{what: "publications", until: 14, sql: `
SELECT format('CREATE PUBLICATION %I', pubname) || CASE WHEN puballtables THEN ' FOR ALL TABLES' ELSE coalesce(' FOR TABLE ' || (SELECT string_agg('ONLY ' || prrelid::regclass, ', ' ORDER BY prrelid) FROM pg_publication_rel WHERE prpubid = p.oid), '') END
	|| format(' WITH (publish = %L)', concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END, CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END))
FROM pg_publication p ORDER BY oid`},
	{what: "publications", since: 15, until: 18, sql: `
SELECT format('CREATE PUBLICATION %I', pubname) || CASE WHEN puballtables THEN ' FOR ALL TABLES' ELSE coalesce(' FOR ' || (SELECT string_agg(what, ', ' ORDER BY what) FROM (
	SELECT 'TABLE ONLY ' || prrelid::regclass || coalesce((SELECT ' (' || string_agg(quote_ident(attname), ', ' ORDER BY attnum) || ')' FROM pg_attribute WHERE attrelid = prrelid AND attnum = ANY (prattrs)), '') AS what FROM pg_publication_rel WHERE prpubid = p.oid
	UNION ALL SELECT 'TABLES IN SCHEMA ' || pnnspid::regnamespace FROM pg_publication_namespace WHERE pnpubid = p.oid) parts), '') END
	|| format(' WITH (publish = %L)', concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END, CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END))
FROM pg_publication p ORDER BY oid`},
	{what: "publications", since: 19, sql: `
SELECT format('CREATE PUBLICATION %I', pubname) || CASE WHEN puballtables OR puballsequences
	THEN concat_ws(',', CASE WHEN puballtables THEN ' FOR ALL TABLES'
	|| coalesce((SELECT ' EXCEPT (TABLE ' ||
	string_agg('ONLY ' || prrelid::regclass, ', ' ORDER BY prrelid) || ')'
	FROM pg_publication_rel WHERE prpubid = p.oid), '') END,
	CASE WHEN puballsequences THEN CASE WHEN puballtables THEN ' ALL SEQUENCES' ELSE ' FOR ALL SEQUENCES'
	END END) ELSE coalesce(' FOR ' ||
	(SELECT string_agg(what, ', ' ORDER BY what) FROM (
	SELECT 'TABLE ONLY ' || prrelid::regclass || coalesce((SELECT ' (' || string_agg(quote_ident(attname), ', ' ORDER BY attnum) || ')'
	FROM pg_attribute WHERE attrelid = prrelid AND attnum = ANY (prattrs)), '') AS what
	FROM pg_publication_rel WHERE prpubid = p.oid
	UNION ALL SELECT 'TABLES IN SCHEMA ' || pnnspid::regnamespace FROM pg_publication_namespace WHERE pnpubid = p.oid) parts), '') END
	|| format(' WITH (publish = %L)', concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END,
	CASE WHEN pubupdate THEN 'update' END, CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END))
FROM pg_publication p ORDER BY oid`},
	{what: "owners", sql: `
SELECT format('ALTER %s %s OWNER TO %I', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.oid::regclass, pg_get_userbyid(relowner))
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND @relation
AND NOT (relkind = 'S' AND EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i'))) ORDER BY c.oid`},
	{what: "privileges", sql: `
SELECT format('GRANT %s ON %s %s TO %s', string_agg(privilege_type, ', ' ORDER BY privilege_type), CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, aclexplode(relacl)
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND grantee <> relowner AND @relation GROUP BY c.oid, relkind, grantee ORDER BY c.oid, grantee`},
	{what: "privileges of columns", sql: `
SELECT format('GRANT %s (%I) ON TABLE %s TO %s', privilege_type, attname, c.oid::regclass, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace, aclexplode(attacl)
WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT attisdropped AND @relation ORDER BY c.oid, attnum, grantee, privilege_type`},
	{what: "comments", sql: `
SELECT CASE objsubid WHEN 0 THEN format('COMMENT ON %s %s IS %L', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.oid::regclass, description)
	ELSE format('COMMENT ON COLUMN %s.%I IS %L', c.oid::regclass, attname, description) END
FROM pg_description d JOIN pg_class c ON d.classoid = 'pg_class'::regclass AND c.oid = d.objoid JOIN pg_namespace n ON n.oid = relnamespace LEFT JOIN pg_attribute ON attrelid = c.oid AND attnum = objsubid AND objsubid > 0
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'i', 'I') AND @relation AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e') ORDER BY c.oid, objsubid`},
	{what: "statistics targets", sql: `
SELECT format('ALTER TABLE ONLY %s ALTER COLUMN %I SET STATISTICS %s', c.oid::regclass, attname, attstattarget)
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p', 'f') AND attnum > 0 AND NOT attisdropped AND coalesce(attstattarget, -1) >= 0 AND @relation ORDER BY c.oid, attnum`},
	{what: "privileges of schemas", sql: `
SELECT format('GRANT %s ON SCHEMA %I TO %s', string_agg(privilege_type, ', ' ORDER BY privilege_type), nspname, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM pg_namespace n, aclexplode(nspacl) WHERE grantee <> nspowner AND @user GROUP BY n.oid, nspname, grantee ORDER BY n.oid, grantee`},
	{what: "privileges of functions", sql: `
SELECT format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', p.oid::regprocedure) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE proacl IS NOT NULL AND NOT EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0) AND @function
UNION ALL
SELECT format('GRANT EXECUTE ON ROUTINE %s TO %I', p.oid::regprocedure, pg_get_userbyid(grantee)) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace, aclexplode(proacl)
WHERE grantee NOT IN (0, proowner) AND @function ORDER BY 1`},
	{what: "default privileges of functions", sql: `
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE ALL ON FUNCTIONS FROM PUBLIC', pg_get_userbyid(defaclrole)) FROM pg_default_acl d
WHERE defaclobjtype = 'f' AND defaclnamespace = 0 AND NOT EXISTS (SELECT FROM aclexplode(defaclacl) WHERE grantee = 0) ORDER BY 1`},
	{what: "default privileges", sql: `
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %sGRANT %s ON %s TO %s', pg_get_userbyid(defaclrole), 'IN SCHEMA ' || quote_ident(nspname) || ' ', string_agg(privilege_type, ', ' ORDER BY privilege_type),
	CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = defaclnamespace, aclexplode(defaclacl)
WHERE grantee <> defaclrole AND defaclobjtype IN ('r', 'S', 'f', 'T', 'n') GROUP BY d.oid, defaclrole, nspname, defaclobjtype, grantee ORDER BY d.oid, grantee`},
}

// invalidSQL lists the indexes that a failed concurrent build has left, with
// schema and name on separate lines.
const invalidSQL = `
SELECT n.nspname || E'\n' || c.relname FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE NOT indisvalid AND c.relkind = 'i' AND @relation`

// viewColumnsSQL lists the types of the columns of views, which their queries
// do not always show: schema, view, column and type on separate lines.
const viewColumnsSQL = `
SELECT n.nspname || E'\n' || c.relname || E'\n' || attname || E'\n' || format_type(atttypid, atttypmod)
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('v', 'm') AND attnum > 0 AND NOT attisdropped AND @relation`

// tableSQL returns tables with their columns, checks and parents. A partition
// is created as a table of its own and attached later. A child table lists the
// columns that it declared itself.
const tableSQL = `
SELECT format('CREATE %s%sTABLE %s %s%s', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, CASE c.relkind WHEN 'f' THEN 'FOREIGN ' ELSE '' END, c.oid::regclass,
	CASE WHEN c.reloftype <> 0 THEN 'OF ' || format_type(c.reloftype, NULL) || ' ' ELSE '' END,
	CASE WHEN c.reloftype <> 0 AND concat_ws(', ', columns, checks) = '' THEN '' ELSE '(' || concat_ws(', ', columns, checks) || ')' END)
	|| coalesce(' INHERITS (' || parents || ')', '')
	|| CASE c.relkind WHEN 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) WHEN 'f' THEN (SELECT ' SERVER ' || quote_ident(srvname) FROM pg_foreign_table JOIN pg_foreign_server s ON s.oid = ftserver WHERE ftrelid = c.oid) ELSE '' END
	|| coalesce(' USING ' || quote_ident(nullif(am.amname, 'heap')), '')
	|| coalesce(' WITH (' || (SELECT string_agg(split_part(o, '=', 1) || ' = ' || quote_literal(substr(o, strpos(o, '=') + 1)), ', ') FROM unnest(c.reloptions) o) || ')', '')
	|| coalesce((SELECT ' TABLESPACE ' || quote_ident(spcname) FROM pg_tablespace s WHERE s.oid = c.reltablespace), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam,
LATERAL (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) AS parents FROM pg_inherits WHERE inhrelid = c.oid AND NOT c.relispartition) p,
LATERAL (SELECT string_agg(quote_ident(attname) || CASE WHEN c.reloftype <> 0 THEN ' WITH OPTIONS' ELSE ' ' || format_type(atttypid, atttypmod) END
	|| coalesce((SELECT ' COLLATE ' || CASE cn.nspname WHEN 'pg_catalog' THEN '' ELSE quote_ident(cn.nspname) || '.' END || quote_ident(collname) FROM pg_collation l JOIN pg_namespace cn ON cn.oid = collnamespace JOIN pg_type ty ON ty.oid = atttypid WHERE l.oid = attcollation AND attcollation <> typcollation AND c.reloftype = 0), '')
	|| CASE WHEN attgenerated <> '' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(adbin, adrelid) || ')' || CASE attgenerated WHEN 's' THEN ' STORED' ELSE ' VIRTUAL' END
		WHEN attidentity <> '' THEN ' GENERATED ' || CASE attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END || ' AS IDENTITY' || coalesce((SELECT ' (AS ' || format_type(seqtypid, NULL) || ' SEQUENCE NAME ' || s.oid::regclass || ')' FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_sequence ON seqrelid = s.oid
			WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = attnum AND d.deptype = 'i'), '')
		WHEN adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(adbin, adrelid) ELSE '' END
	|| CASE WHEN NOT attnotnull OR nn.convalidated = false THEN '' ELSE coalesce(' CONSTRAINT ' || quote_ident(nullif(nn.conname, c.relname || '_' || attname || '_not_null')), '') || ' NOT NULL'
		|| CASE WHEN nn.connoinherit THEN ' NO INHERIT' ELSE '' END END, ', ' ORDER BY attnum) AS columns
	FROM pg_attribute a LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum LEFT JOIN pg_constraint nn ON nn.conrelid = c.oid AND nn.contype = 'n' AND nn.conkey = ARRAY[attnum]
	WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND (attislocal OR c.relispartition)
	AND NOT (c.reloftype <> 0 AND NOT attnotnull AND adbin IS NULL AND attidentity = '')) col,
LATERAL (SELECT string_agg(format('CONSTRAINT %I %s', conname, pg_get_constraintdef(k.oid)), ', ' ORDER BY k.oid) AS checks
	FROM pg_constraint k WHERE conrelid = c.oid AND contype = 'c' AND convalidated AND (conislocal OR c.relispartition)) ch
WHERE c.relkind IN ('r', 'p', 'f') AND @relation ORDER BY c.oid`

// namedObjects returns objects that the catalog keeps by kind and name only. All of
// them are needed, because an object that is missing in a complete catalog does
// not exist. For objects that may hold a password (servers, user mappings,
// subscriptions), only the names are read.
var namedObjects = []definition{
	{what: "languages", sql: `
SELECT format('CREATE LANGUAGE %I HANDLER %s', lanname, lanplcallfoid::regproc) FROM pg_language l
WHERE lanplcallfoid <> 0 AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_language'::regclass AND objid = l.oid AND deptype = 'e') ORDER BY oid`},
	{what: "operators", sql: `
SELECT format('CREATE OPERATOR %I.%s (%sRIGHTARG = %s, FUNCTION = %s)', nspname, oprname, CASE WHEN oprleft = 0 THEN '' ELSE 'LEFTARG = ' || format_type(oprleft, NULL) || ', ' END, format_type(oprright, NULL), oprcode)
FROM pg_operator o JOIN pg_namespace n ON n.oid = oprnamespace WHERE oprcode <> 0 AND @user ORDER BY o.oid`},
	{
		what: "operator families",
		sql:  `SELECT format('CREATE OPERATOR FAMILY %I.%I USING %I', nspname, opfname, amname) FROM pg_opfamily f JOIN pg_namespace n ON n.oid = opfnamespace JOIN pg_am a ON a.oid = opfmethod WHERE @user ORDER BY f.oid`,
	},
	{what: "operator classes", sql: `
SELECT format('CREATE OPERATOR CLASS %I.%I FOR TYPE %s USING %I FAMILY %s.%I AS STORAGE %s', n.nspname, opcname, format_type(opcintype, NULL), amname, quote_ident(fn.nspname), opfname, format_type(opcintype, NULL))
FROM pg_opclass c JOIN pg_namespace n ON n.oid = opcnamespace JOIN pg_am a ON a.oid = opcmethod JOIN pg_opfamily f ON f.oid = opcfamily JOIN pg_namespace fn ON fn.oid = opfnamespace WHERE @user ORDER BY c.oid`},
	{what: "casts", sql: `
SELECT format('CREATE CAST (%s AS %s) ', format_type(castsource, NULL), format_type(casttarget, NULL)) || CASE castmethod WHEN 'b' THEN 'WITHOUT FUNCTION' ELSE 'WITH INOUT' END || CASE castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END
FROM pg_cast WHERE oid >= 16384 ORDER BY oid`},
	{
		what: "transforms",
		sql:  `SELECT format('CREATE TRANSFORM FOR %s LANGUAGE %I (FROM SQL WITH FUNCTION %s)', format_type(trftype, NULL), lanname, (CASE WHEN trffromsql <> 0 THEN trffromsql ELSE trftosql END)::regprocedure) FROM pg_transform t JOIN pg_language l ON l.oid = trflang ORDER BY t.oid`,
	},
	{
		what: "conversions",
		sql:  `SELECT format('CREATE CONVERSION %I.%I FOR %L TO %L FROM %s', nspname, conname, pg_encoding_to_char(conforencoding), pg_encoding_to_char(contoencoding), conproc) FROM pg_conversion c JOIN pg_namespace n ON n.oid = connamespace WHERE @user ORDER BY c.oid`,
	},
	{
		what: "text search parsers",
		sql:  `SELECT format('CREATE TEXT SEARCH PARSER %I.%I (START = prsd_start)', nspname, prsname) FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = prsnamespace WHERE @user ORDER BY p.oid`,
	},
	{
		what: "text search templates",
		sql:  `SELECT format('CREATE TEXT SEARCH TEMPLATE %I.%I (LEXIZE = dsimple_lexize)', nspname, tmplname) FROM pg_ts_template t JOIN pg_namespace n ON n.oid = tmplnamespace WHERE @user ORDER BY t.oid`,
	},
	{
		what: "text search dictionaries",
		sql:  `SELECT format('CREATE TEXT SEARCH DICTIONARY %I.%I (TEMPLATE = simple)', nspname, dictname) FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = dictnamespace WHERE @user ORDER BY d.oid`,
	},
	{
		what: "text search configurations",
		sql:  `SELECT format('CREATE TEXT SEARCH CONFIGURATION %I.%I (PARSER = "default")', nspname, cfgname) FROM pg_ts_config c JOIN pg_namespace n ON n.oid = cfgnamespace WHERE @user ORDER BY c.oid`,
	},
	{
		what: "user mappings",
		sql:  `SELECT format('CREATE USER MAPPING FOR %s SERVER %I', CASE umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(usename) END, srvname) FROM pg_user_mappings ORDER BY umid`,
	},
	{
		what: "subscriptions",
		sql:  `SELECT format('CREATE SUBSCRIPTION %I CONNECTION '''' PUBLICATION p WITH (connect = false)', subname) FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY subname`,
	},
}

// ExecDefinitions runs definitions from [ReadDefinitions] in an empty database. It tries a failed one again after the others, and
// returns the definitions that never work, for example because this machine lacks their extension. The error is for a lost session.
func ExecDefinitions(ctx context.Context, conn *pgx.Conn, ddl []string) (refused []string, err error) {
	for {
		var failedDDL []string
		for _, sql := range ddl {
			if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
				if conn.IsClosed() {
					return nil, err
				}
				failedDDL = append(failedDDL, sql)
			}
		}
		if len(failedDDL) == 0 || len(failedDDL) == len(ddl) {
			return failedDDL, nil
		}
		ddl = failedDDL
	}
}
