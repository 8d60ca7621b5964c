package inventory

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// part is a query that returns entries: kind, name, columns and definition.
type part struct {
	since int  // the first major version; 0 for all
	whole bool // its entries have no columns
	sql   string
}

// FormatQuery returns the query for the inventory of a relation with its partitions and children. relation is an expression for the OID. The
// query returns the kind, name, columns and definition of each entry. It needs the settings of [Settings]. A column restricts it to the
// entries about that column, whose other columns it may leave out. excludedOIDs are OIDs of children that it leaves out, with their own
// children.
func FormatQuery(major int, relation, column string, excludedOIDs ...uint32) string {
	isColumn := "true"
	if column != "" {
		isColumn = "a.attname = " + pgparse.QuoteLiteral(column)
	}
	var list []string
	for _, p := range slices.Concat(relationParts, dependentParts) {
		if p.since <= major && (column == "" || !p.whole) {
			list = append(list, p.sql)
		}
	}
	since := func(first int, newer, older string) string {
		if major < first {
			return older
		}
		return newer
	}
	return strings.NewReplacer(
		"@oid", relation,
		"@column", isColumn,
		"@without", formatOIDs(excludedOIDs),
		"@compression", since(14, "nullif(a.attcompression::text, '')", "NULL"),
		"@detached", since(14, "CASE WHEN i.inhdetachpending THEN 'being detached' END", "NULL"),
		"@published", since(15, `'(' || (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = p.prrelid AND attnum = ANY (p.prattrs)) || ')', 'WHERE ' || pg_get_expr(p.prqual, p.prrelid)`, "NULL"),
		"@period", since(18, "CASE WHEN k.conperiod THEN 'period' END", "NULL"),
	).Replace(commonTables + strings.Join(list, "\nUNION ALL\n"))
}

// FormatListQuery returns the query for the inventory of a relation as a list in JSON, in the form of [Inventory]. It needs the settings of [Settings].
// excludedOIDs are OIDs of children that it leaves out.
func FormatListQuery(major int, relation string, excludedOIDs ...uint32) string {
	return `SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
	'kind', i.kind, 'name', nullif(i.name, ''), 'columns', i.columns, 'definition', i.definition)) ORDER BY i.kind, i.name, i.definition)
FROM (` + FormatQuery(major, relation, "", excludedOIDs...) + `) AS i (kind, name, columns, definition)`
}

// formatOID returns an OID as SQL writes it.
func formatOID(oid uint32) string { return strconv.FormatUint(uint64(oid), 10) }

// formatOIDs returns an array of OIDs as SQL writes it.
func formatOIDs(list []uint32) string {
	texts := make([]string, len(list))
	for i, oid := range list {
		texts[i] = formatOID(oid)
	}
	return "'{" + strings.Join(texts, ",") + "}'::oid[]"
}

// commonTables are what the parts read: the relation with its partitions and children, what others may depend on, and the objects that do.
const commonTables = `WITH RECURSIVE tree AS (SELECT @oid::oid AS oid UNION SELECT i.inhrelid FROM tree JOIN pg_inherits AS i ON i.inhparent = tree.oid
	WHERE i.inhrelid NOT IN (SELECT unnest(@without))),
rels AS MATERIALIZED (SELECT c.*, c.oid = @oid AS top, CASE WHEN c.oid = @oid THEN '' ELSE ' of ' || c.oid::regclass::text END AS suffix
	FROM tree JOIN pg_class AS c ON c.oid = tree.oid),
members AS MATERIALIZED (
	SELECT 'pg_class'::regclass::oid AS classid, oid AS objid, oid AS rel FROM rels
	UNION ALL SELECT 'pg_type'::regclass, reltype, oid FROM rels WHERE reltype <> 0
	UNION ALL SELECT 'pg_type'::regclass, y.typarray, r.oid FROM rels AS r JOIN pg_type AS y ON y.oid = r.reltype WHERE y.typarray <> 0
	UNION ALL SELECT 'pg_constraint'::regclass, k.oid, k.conrelid FROM rels AS r JOIN pg_constraint AS k ON k.conrelid = r.oid
	UNION ALL SELECT 'pg_class'::regclass, x.indexrelid, x.indrelid FROM rels AS r JOIN pg_index AS x ON x.indrelid = r.oid
	UNION ALL SELECT 'pg_class'::regclass, d.objid, d.refobjid FROM rels AS r JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND
		d.refobjid = r.oid
		AND d.refobjsubid > 0 AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'),
dependents AS MATERIALIZED (
	SELECT d.classid, d.objid, array_agg(DISTINCT a.attname::text) FILTER (WHERE a.attname IS NOT NULL) AS columns
	FROM members AS m JOIN pg_depend AS d ON d.refclassid = m.classid AND d.refobjid = m.objid
	LEFT JOIN pg_attribute AS a ON m.classid = 'pg_class'::regclass AND m.objid = m.rel AND a.attrelid = m.rel AND a.attnum = d.refobjsubid AND a.attnum > 0
	WHERE @column
	GROUP BY d.classid, d.objid),
objects AS MATERIALIZED (
	SELECT d.classid, d.objid, 'index' AS kind, quote_ident(c.relname) || r.suffix AS name, d.columns, concat_ws('; ', pg_get_indexdef(c.oid),
		` + indexProperties + `) AS definition
	FROM dependents AS d JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid JOIN pg_index AS x ON x.indexrelid = c.oid JOIN
		rels AS r ON r.oid = x.indrelid
	WHERE NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
	UNION ALL
	SELECT d.classid, d.objid, CASE k.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key' WHEN 'u' THEN
		'unique constraint' WHEN 'x' THEN 'exclusion constraint'
		WHEN 'n' THEN 'not null constraint' ELSE 'constraint' END, quote_ident(k.conname) || coalesce(r.suffix, ' of ' || nullif(k.conrelid,
		0)::regclass::text, ''), d.columns,
		concat_ws('; ', pg_get_constraintdef(k.oid), @period, (SELECT concat_ws(', ', pg_get_indexdef(c.oid),
		` + indexProperties + `)
		FROM pg_class AS c JOIN pg_index AS x ON x.indexrelid = c.oid WHERE c.oid = k.conindid AND k.contype IN ('p', 'u', 'x')))
	FROM dependents AS d JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid LEFT JOIN rels AS r ON r.oid = k.conrelid
	WHERE k.conparentid = 0 AND (k.conislocal OR k.conrelid = 0 OR coalesce(r.top, true))
	UNION ALL
	SELECT d.classid, d.objid, 'trigger', quote_ident(g.tgname) || coalesce(r.suffix, ' of ' || g.tgrelid::regclass::text), d.columns,
		pg_get_triggerdef(g.oid) || CASE g.tgenabled WHEN 'D' THEN ', disabled' WHEN 'R' THEN ', on replicas' WHEN 'A' THEN ', always' ELSE '' END
	FROM dependents AS d JOIN pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid LEFT JOIN rels AS r ON r.oid = g.tgrelid
	WHERE NOT g.tgisinternal AND g.tgparentid = 0
	UNION ALL
	SELECT d.classid, d.objid, CASE WHEN w.rulename <> '_RETURN' THEN 'rule' WHEN r.oid IS NOT NULL THEN 'query' WHEN v.relkind = 'm' THEN
		'materialized view' ELSE 'view' END,
		CASE WHEN w.rulename <> '_RETURN' THEN quote_ident(w.rulename) || coalesce(r.suffix, ' of ' || v.oid::regclass::text) WHEN r.oid IS NOT NULL
		THEN '' ELSE ` + ViewName + ` END, d.columns,
		CASE WHEN w.rulename <> '_RETURN' THEN pg_get_ruledef(w.oid) ELSE concat_ws(', ', pg_get_viewdef(v.oid), array_to_string(v.reloptions, ', ')) END
		|| CASE w.ev_enabled WHEN 'D' THEN ', disabled' WHEN 'R' THEN ', on replicas' WHEN 'A' THEN ', always' ELSE '' END
	FROM dependents AS d JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid JOIN pg_class AS v ON v.oid = w.ev_class LEFT
		JOIN rels AS r ON r.oid = w.ev_class
	UNION ALL
	SELECT d.classid, d.objid, 'policy', quote_ident(p.polname) || coalesce(r.suffix, ' of ' || p.polrelid::regclass::text), d.columns, concat_ws(' ',
		CASE WHEN p.polpermissive THEN 'AS PERMISSIVE' ELSE 'AS RESTRICTIVE' END, 'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN
		'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
		'TO ' || (SELECT string_agg(CASE x WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x)) END, ', ' ORDER BY x) FROM unnest(p.polroles) AS x),
		'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', 'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
	FROM dependents AS d JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid LEFT JOIN rels AS r ON r.oid = p.polrelid
	UNION ALL
	SELECT d.classid, d.objid, 'statistics', quote_ident(s.stxname) || coalesce(r.suffix, ''), d.columns,
		concat_ws('; ', pg_get_statisticsobjdef(s.oid), 'target ' || nullif(s.stxstattarget, -1), 'owner ' || quote_ident(pg_get_userbyid(s.stxowner)))
	FROM dependents AS d JOIN pg_statistic_ext AS s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid LEFT JOIN rels AS r ON r.oid = s.stxrelid
	UNION ALL
	SELECT d.classid, d.objid, CASE WHEN a.attgenerated <> '' THEN 'generated column' ELSE 'default' END, quote_ident(a.attname) ||
		coalesce(r.suffix, ' of ' || f.adrelid::regclass::text),
		CASE WHEN r.oid IS NULL THEN d.columns ELSE array_append(array_remove(d.columns, a.attname::text), a.attname::text) END, pg_get_expr(f.adbin,
		f.adrelid)
	FROM dependents AS d JOIN pg_attrdef AS f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid JOIN pg_attribute AS a ON a.attrelid =
		f.adrelid AND a.attnum = f.adnum
	LEFT JOIN rels AS r ON r.oid = f.adrelid
	WHERE coalesce(r.top, true) OR NOT EXISTS (SELECT FROM pg_attrdef AS o JOIN pg_attribute AS oa ON oa.attrelid = o.adrelid AND oa.attnum = o.adnum
		WHERE o.adrelid = @oid AND oa.attname = a.attname AND pg_get_expr(o.adbin, o.adrelid) = pg_get_expr(f.adbin, f.adrelid))
	UNION ALL
	SELECT d.classid, d.objid, 'function', p.oid::regprocedure::text, d.columns, CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
	FROM dependents AS d JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	UNION ALL
	SELECT d.classid, d.objid, 'publication', quote_ident(b.pubname) || r.suffix, d.columns, concat_ws(' ',
		CASE WHEN b.puballtables THEN 'except' ELSE 'table' END,
		@published)
	FROM dependents AS d JOIN pg_publication_rel AS p ON d.classid = 'pg_publication_rel'::regclass AND p.oid = d.objid JOIN pg_publication AS b ON
		b.oid = p.prpubid JOIN rels AS r ON r.oid = p.prrelid
	UNION ALL
	SELECT d.classid, d.objid, 'sequence', quote_ident(c.relname), d.columns, concat_ws(' ', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
		'AS', format_type(s.seqtypid, NULL), 'START', s.seqstart,
		'INCREMENT', s.seqincrement, 'MINVALUE', s.seqmin, 'MAXVALUE', s.seqmax, 'CACHE', s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' ELSE
		'NO CYCLE' END, 'OWNER', quote_ident(pg_get_userbyid(c.relowner)))
	FROM dependents AS d JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid JOIN pg_sequence AS s ON s.seqrelid = c.oid
	UNION ALL
	SELECT d.classid, d.objid, 'object', pg_describe_object(d.classid, d.objid, 0), d.columns, ''
	FROM dependents AS d LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
	WHERE d.classid NOT IN ('pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass,
		'pg_statistic_ext'::regclass, 'pg_attrdef'::regclass, 'pg_proc'::regclass, 'pg_publication_rel'::regclass)
	AND (d.classid <> 'pg_class'::regclass OR d.objid NOT IN (SELECT unnest(@without)))
	AND coalesce(c.relkind, 'r') NOT IN ('i', 'I', 'S', 't') AND NOT EXISTS (SELECT FROM members AS m WHERE m.classid = d.classid AND m.objid = d.objid)
	AND NOT EXISTS (SELECT FROM pg_type AS y JOIN pg_class AS s ON s.oid = y.typrelid WHERE d.classid = 'pg_type'::regclass AND y.oid = d.objid AND
		s.relkind = 'S'))
`

// indexProperties are the properties of an index that pg_get_indexdef does not print.
const indexProperties = `CASE WHEN NOT x.indisvalid THEN 'invalid' END, CASE WHEN NOT x.indisready THEN 'not ready' END, CASE WHEN NOT x.indislive
		THEN 'being dropped' END,
	CASE WHEN x.indisclustered THEN 'clustered' END, CASE WHEN x.indisreplident THEN 'replica identity' END, (SELECT 'tablespace ' ||
		quote_ident(spcname) FROM pg_tablespace WHERE oid = c.reltablespace),
	(SELECT 'statistics targets ' || string_agg(attnum || ': ' || attstattarget, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND
		attstattarget >= 0)`

// ViewName is the name of the view v as in a plan's SQL.
const ViewName = `(SELECT CASE nspname WHEN 'public' THEN '' ELSE quote_ident(nspname) || '.' END || quote_ident(v.relname) FROM pg_namespace WHERE
		oid = v.relnamespace)`

// relationParts read the relation itself, and its columns. Of a child only what differs from the relation is an entry.
var relationParts = []part{
	{whole: true, sql: `SELECT p.kind, trim(p.suffix) AS name, NULL::text[] AS columns, p.definition FROM (
	SELECT r.oid, r.suffix, r.top, v.* FROM rels AS r CROSS JOIN LATERAL (VALUES
		('kind', r.relkind::text), ('schema', quote_ident((SELECT nspname FROM pg_namespace WHERE oid = r.relnamespace))), ('owner',
		quote_ident(pg_get_userbyid(r.relowner))),
		('persistence', r.relpersistence::text), ('access method', (SELECT quote_ident(amname) FROM pg_am WHERE oid = r.relam)),
		('tablespace', (SELECT quote_ident(spcname) FROM pg_tablespace WHERE oid = r.reltablespace)),
		('settings', (SELECT string_agg(x, ', ' ORDER BY x) FROM unnest(r.reloptions) AS x)),
		('settings of TOAST', (SELECT string_agg(x, ', ' ORDER BY x) FROM pg_class AS c, unnest(c.reloptions) AS x WHERE c.oid = r.reltoastrelid)),
		('row security', nullif(concat_ws(', ', CASE WHEN r.relrowsecurity THEN 'enabled' END, CASE WHEN r.relforcerowsecurity THEN 'forced' END), '')),
		('type', nullif(r.reloftype, 0)::regtype::text), ('partition key', pg_get_partkeydef(r.oid)),
		('default partition', (SELECT nullif(partdefid, 0)::regclass::text FROM pg_partitioned_table WHERE partrelid = r.oid)),
		('populated', CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN 'no' END),
		('extension', (SELECT string_agg(quote_ident(e.extname), ', ' ORDER BY e.extname) FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
			WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_extension'::regclass)),
		('initial privileges', (SELECT string_agg(privtype::text || ' ' || initprivs::text, ', ') FROM pg_init_privs WHERE classoid =
		'pg_class'::regclass AND objoid = r.oid)),
		('foreign table', (SELECT concat_ws(', ', quote_ident(srvname), array_to_string(ftoptions, ', ')) FROM pg_foreign_table JOIN
		pg_foreign_server AS s ON s.oid = ftserver WHERE ftrelid = r.oid))
	) AS v (kind, definition) WHERE v.definition IS NOT NULL) AS p
WHERE p.top OR p.kind NOT IN ('kind', 'schema') AND NOT EXISTS (SELECT FROM pg_class AS o WHERE o.oid = @oid AND CASE p.kind
	WHEN 'owner' THEN p.definition = quote_ident(pg_get_userbyid(o.relowner)) WHEN 'persistence' THEN p.definition = o.relpersistence::text
	WHEN 'access method' THEN o.relam = 0 AND p.definition = 'heap' OR p.definition = (SELECT quote_ident(amname) FROM pg_am WHERE oid = o.relam) END)`},
	{whole: true, sql: `SELECT 'replica identity', trim(r.suffix), NULL, CASE r.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END
FROM rels AS r WHERE r.relreplident IN ('f', 'n')`},
	{sql: `SELECT 'replica identity', trim(r.suffix), array_agg(a.attname::text), x.indexrelid::regclass::text
FROM rels AS r JOIN pg_index AS x ON x.indrelid = r.oid AND x.indisreplident AND r.relreplident = 'i' LEFT JOIN pg_attribute AS a ON a.attrelid = r.oid
	AND a.attnum = ANY (x.indkey)
WHERE @column GROUP BY r.oid, r.suffix, x.indexrelid`},
	{whole: true, sql: `SELECT CASE WHEN p.oid IS NULL THEN 'parent' WHEN c.relispartition THEN 'partition' ELSE 'child' END, CASE WHEN p.oid IS NULL THEN
		i.inhparent ELSE i.inhrelid END::regclass::text, NULL,
	concat_ws(', ', pg_get_expr(c.relpartbound, c.oid), @detached) FROM rels AS c JOIN pg_inherits AS i ON i.inhrelid = c.oid LEFT JOIN rels AS p ON
		p.oid = i.inhparent`},
	{sql: `SELECT v.kind, quote_ident(a.attname) || r.suffix, ARRAY[a.attname::text], v.definition FROM rels AS r JOIN pg_attribute AS a ON
		a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS y ON y.oid = a.atttypid LEFT JOIN pg_attribute AS o ON NOT r.top AND o.attrelid = @oid AND o.attname = a.attname AND NOT o.attisdropped
CROSS JOIN LATERAL (VALUES
	('column', concat_ws(' ', format_type(a.atttypid, a.atttypmod), (SELECT 'COLLATE ' || l.oid::regcollation FROM pg_collation AS l WHERE l.oid =
		a.attcollation AND a.attcollation <> y.typcollation),
		CASE a.attgenerated WHEN 's' THEN 'STORED' WHEN 'v' THEN 'VIRTUAL' END, CASE WHEN r.top AND a.attinhcount > 0 THEN 'inherited' END),
		o.atttypid = a.atttypid AND o.atttypmod = a.atttypmod AND o.attcollation = a.attcollation AND o.attgenerated = a.attgenerated),
	('not null', CASE WHEN a.attnotnull THEN 'NOT NULL' END, o.attnotnull),
	('identity', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END, o.attidentity = a.attidentity),
	('storage', CASE WHEN a.attstorage <> y.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
		ELSE 'EXTENDED' END END, o.attstorage = a.attstorage),
	('compression', @compression, false),
	('statistics target', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END, o.attstattarget = a.attstattarget),
	('settings of column', array_to_string(a.attoptions, ', '), o.attoptions = a.attoptions),
	('options of column', array_to_string(a.attfdwoptions, ', '), o.attfdwoptions = a.attfdwoptions)
) AS v (kind, definition, inherited) WHERE v.definition IS NOT NULL AND v.inherited IS DISTINCT FROM true AND @column`},
	{whole: true, sql: `SELECT 'privilege', x.privilege_type || ` + grantee + ` || r.suffix, NULL, ` + grant + `
FROM rels AS r, aclexplode(coalesce(r.relacl, acldefault('r', r.relowner))) AS x`},
	{sql: `SELECT 'privilege', x.privilege_type || ' (' || quote_ident(a.attname) || ')' || ` + grantee + ` || r.suffix, ARRAY[a.attname::text], ` + grant + `
FROM rels AS r CROSS JOIN LATERAL
	(SELECT * FROM pg_attribute AS a WHERE a.attrelid = r.oid AND NOT a.attisdropped AND a.attacl IS NOT NULL OFFSET 0) AS a,
	aclexplode(a.attacl) AS x WHERE @column`},
	{sql: `SELECT 'privilege', x.privilege_type || ' on sequence ' || o.name || ` + grantee + `, o.columns, ` + grant + `
FROM objects AS o JOIN pg_class AS c ON o.kind = 'sequence' AND c.oid = o.objid, aclexplode(coalesce(c.relacl, acldefault('s', c.relowner))) AS x`},
	{sql: `SELECT 'comment', trim(coalesce(quote_ident(a.attname), '') || r.suffix), CASE WHEN a.attname IS NOT NULL THEN ARRAY[a.attname::text] END,
		d.description
FROM rels AS r JOIN pg_description AS d ON d.classoid = 'pg_class'::regclass AND d.objoid = r.oid LEFT JOIN pg_attribute AS a ON a.attrelid = r.oid
		AND a.attnum = d.objsubid AND d.objsubid > 0 WHERE @column`},
	{sql: `SELECT 'security label', trim(concat_ws(' ', l.provider, coalesce(quote_ident(a.attname), '') || r.suffix)), CASE WHEN a.attname IS NOT
		NULL THEN ARRAY[a.attname::text] END, l.label
FROM rels AS r JOIN pg_seclabel AS l ON l.classoid = 'pg_class'::regclass AND l.objoid = r.oid LEFT JOIN pg_attribute AS a ON a.attrelid = r.oid AND
		a.attnum = l.objsubid AND l.objsubid > 0 WHERE @column`},
}

// grantee and grant describe the privilege x.
const (
	grantee = `' to ' || CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END`
	grant   = `'by ' || quote_ident(pg_get_userbyid(x.grantor)) || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END`
)

// dependentParts read what depends on the relation, and what names it without a dependency.
var dependentParts = []part{
	{sql: `SELECT o.kind, o.name, o.columns, o.definition FROM objects AS o`},
	{sql: `SELECT 'comment', o.kind || ' ' || o.name, o.columns, d.description FROM objects AS o JOIN pg_description AS d ON d.classoid = o.classid
		AND d.objoid = o.objid AND d.objsubid = 0`},
	{sql: `SELECT 'comment', 'index ' || o.name, o.columns, d.description FROM objects AS o JOIN pg_constraint AS k ON
		o.classid = 'pg_constraint'::regclass AND k.oid = o.objid AND k.contype IN ('p', 'u', 'x') JOIN pg_description AS d ON d.classoid =
		'pg_class'::regclass AND d.objoid = k.conindid AND d.objsubid = 0`},
	{sql: `SELECT 'security label', l.provider || ' ' || o.kind || ' ' || o.name, o.columns, l.label FROM objects AS o JOIN pg_seclabel AS l ON
		l.classoid = o.classid AND l.objoid = o.objid AND l.objsubid = 0`},
	{whole: true, sql: `SELECT 'publication', quote_ident(p.pubname), NULL, 'all tables' FROM rels AS r JOIN pg_publication AS p ON p.puballtables WHERE r.top AND
		r.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_publication_rel AS e WHERE e.prpubid = p.oid AND (e.prrelid = r.oid OR e.prrelid IN (SELECT
		a.relid FROM pg_partition_ancestors(r.oid) AS a)))`}, // what EXCEPT names is not sent
	{since: 15, whole: true, sql: `SELECT 'publication', quote_ident(p.pubname), NULL, 'schema' FROM rels AS r JOIN pg_publication_namespace AS n ON n.pnnspid =
		r.relnamespace JOIN pg_publication AS p ON p.oid = n.pnpubid
WHERE r.top AND r.relkind IN ('r', 'p')`},
	// The role may not be allowed to read pg_subscription.
	{whole: true, sql: `SELECT 'subscription', replace(pg_describe_object('pg_subscription'::regclass, x.srsubid, 0), 'subscription ', '') || r.suffix, NULL,
		'state ' || x.srsubstate::text
FROM rels AS r JOIN pg_subscription_rel AS x ON x.srrelid = r.oid`},
}
