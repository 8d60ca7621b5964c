package live

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// SQLSession is a connection, or a transaction on one, with which a table's properties are read and changed.
type SQLSession interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// PropertyQueries returns queries that return statements. These copy the properties of an old relation or column to its replacement: owner,
// privileges, comments, settings. Run the statements of a query before the next query. old and fresh are expressions for the OIDs of the relations.
func PropertyQueries(major int, r *onward.PlanReplacement, old, fresh string) (queries []string) {
	sets := make([]string, len(r.Sets))
	for i, s := range r.Sets {
		sets[i] = pgparse.QuoteLiteral(s)
	}
	withClause := fmt.Sprintf("WITH given AS (SELECT %s AS old, %s AS new, %s::text AS old_column, %s::text AS new_column, ARRAY[%s]::text[] AS sets) ",
		old, fresh,
		pgparse.QuoteLiteral(r.OldColumn), pgparse.QuoteLiteral(r.NewColumn), strings.Join(sets, ", "))
	names := strings.NewReplacer("@acl_old", relationPrivilegesQuery(old), "@acl_new", relationPrivilegesQuery(fresh), "@columns", columnPairs)
	for _, p := range carriedProperties {
		if p.since <= major && slices.Contains(p.kinds, r.Kind) {
			queries = append(queries, withClause+names.Replace(p.sql))
		}
	}
	return queries
}

// carriedProperty is a query that returns the statements which copy one property.
type carriedProperty struct {
	what  string // for readers
	kinds []onward.ReplacementKind
	since int
	sql   string
}

var (
	forView      = []onward.ReplacementKind{onward.ReplacementView}
	forTable     = []onward.ReplacementKind{onward.ReplacementTable}
	forRelations = []onward.ReplacementKind{onward.ReplacementView, onward.ReplacementTable}
	forStorage   = []onward.ReplacementKind{onward.ReplacementTable, onward.ReplacementColumn}
	forAll       = []onward.ReplacementKind{onward.ReplacementView, onward.ReplacementTable, onward.ReplacementColumn}
)

// relationPrivilegesQuery selects the privileges on a relation. The owner is listed as -1, because the owners may differ.
func relationPrivilegesQuery(oid string) string {
	return `(SELECT CASE WHEN x.grantee = c.relowner THEN -1 ELSE x.grantee::bigint END AS who, x.privilege_type AS privilege, bool_or(x.is_grantable) AS grantable
		FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) x WHERE c.oid = ` + oid + ` GROUP BY 1, 2)`
}

// columnOnlyCondition returns a condition: a role has a privilege on columns of a relation, and not on the relation.
func columnOnlyCondition(oid string) string {
	return `EXISTS (SELECT FROM pg_attribute a, aclexplode(a.attacl) x WHERE a.attrelid = ` + oid + ` AND NOT a.attisdropped AND NOT EXISTS (
		SELECT FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) y WHERE c.oid = a.attrelid AND y.grantee IN (x.grantee, 0) AND y.privilege_type = x.privilege_type))`
}

// columnPairs selects the columns of the old relation, each with its replacement.
const columnPairs = `(SELECT o.attname AS old_name, f.attname AS name, o.attnum AS old_number, f.attnum AS number, o.attacl AS old_acl, f.attacl AS acl,
		o.attstattarget AS old_target, f.attstattarget AS target, o.attoptions AS old_options, f.attoptions AS options, o.attstorage AS old_storage,
	f.attstorage AS storage,
		ot.typstorage AS old_usual, ft.typstorage AS usual
	FROM given JOIN pg_attribute o ON o.attrelid = given.old JOIN pg_attribute f ON f.attrelid = given.new
	JOIN pg_type ot ON ot.oid = o.atttypid JOIN pg_type ft ON ft.oid = f.atttypid
	WHERE o.attnum > 0 AND f.attnum > 0 AND NOT o.attisdropped AND NOT f.attisdropped
	AND CASE WHEN given.old_column = '' THEN o.attname = f.attname ELSE o.attname = given.old_column AND f.attname = given.new_column END)`

// grantee is a role for SQL: the new relation's owner for -1.
const grantee = `CASE a.who WHEN 0 THEN 'PUBLIC' WHEN -1 THEN (SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class WHERE oid = given.new) ELSE quote_ident(pg_get_userbyid(a.who::oid)) END`

// columnGrantee is a role for SQL, of a privilege on a column.
const columnGrantee = `CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END`

// newTables selects the new relation and its partitions.
const newTables = `WITH RECURSIVE tree AS (SELECT given.new AS oid FROM given UNION ALL SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = tree.oid)
	SELECT c.oid, c.relkind, c.relowner, c.reloptions, c.relreplident, c.reltoastrelid FROM tree JOIN pg_class c ON c.oid = tree.oid`

// carriedProperties are in the order of copying: each is read after the previous ones were changed. A column that replaces another one gets
// exactly what the old one has: it loses what the old one has lost. A new table and its columns get the old comments, apart from those that the release
// changes, and the old settings.
var carriedProperties = []carriedProperty{
	{what: "the owner", kinds: forRelations, sql: `
SELECT format('ALTER %s %s OWNER TO %I', CASE n.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, n.oid::regclass, pg_get_userbyid(o.relowner))
FROM given JOIN pg_class o ON o.oid = given.old, LATERAL (` + newTables + `) n WHERE o.relowner <> n.relowner AND NOT 'owner' = ANY (given.sets)`},
	// With security_invoker a role needs privileges on all columns of the view: a role with privileges on some would lose access.
	{what: "who reads through the view", kinds: forView, since: 15, sql: `
SELECT format('ALTER VIEW %s SET (security_invoker = %s)', n.oid::regclass, wanted) FROM given JOIN pg_class o ON o.oid = given.old JOIN pg_class
	n ON n.oid = given.new,
LATERAL (SELECT o.relrowsecurity OR NOT ` + columnOnlyCondition("given.old") + ` AS wanted) w
WHERE n.relkind = 'v' AND wanted <> EXISTS (SELECT FROM pg_options_to_table(n.reloptions) WHERE option_name = 'security_invoker' AND option_value::boolean)`},
	// Revoke what ALTER DEFAULT PRIVILEGES granted on the new relation and nobody has on the old one.
	{what: "privileges", kinds: forRelations, sql: `
SELECT format('REVOKE %s ON TABLE %s FROM %s', string_agg(a.privilege, ', ' ORDER BY a.privilege), given.new::regclass, ` + grantee + `)
FROM given, @acl_new a WHERE NOT EXISTS (SELECT FROM @acl_old b WHERE b.who = a.who AND b.privilege = a.privilege AND b.grantable >= a.grantable)
AND NOT lower(a.privilege || ' to ' || ` + grantee + `) = ANY (given.sets) GROUP BY given.new, a.who`},
	{what: "privileges", kinds: forRelations, sql: `
SELECT format('GRANT %s ON TABLE %s TO %s%s', string_agg(a.privilege, ', ' ORDER BY a.privilege), given.new::regclass, ` + grantee + `, CASE WHEN
	a.grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM given, @acl_old a WHERE NOT EXISTS (SELECT FROM @acl_new b WHERE b.who = a.who AND b.privilege = a.privilege AND b.grantable >= a.grantable)
AND NOT lower(a.privilege || ' to ' || ` + grantee + `) = ANY (given.sets) GROUP BY given.new, a.who, a.grantable`},
	{what: "privileges on columns", kinds: forAll, sql: `
SELECT format('REVOKE %s (%I) ON TABLE %s FROM %s', a.privilege_type, p.name, given.new::regclass, ` + columnGrantee + `)
FROM given, @columns p, aclexplode(p.acl) a
WHERE NOT EXISTS (SELECT FROM aclexplode(p.old_acl) b WHERE b.grantee = a.grantee AND b.privilege_type = a.privilege_type AND b.is_grantable >=
	a.is_grantable)
AND NOT lower(a.privilege_type || ' to ' || ` + columnGrantee + `) = ANY (given.sets) ORDER BY p.number, 1`},
	{what: "privileges on columns", kinds: forAll, sql: `
SELECT format('GRANT %s (%I) ON TABLE %s TO %s%s', a.privilege_type, p.name, given.new::regclass, ` + columnGrantee + `, CASE WHEN a.is_grantable
	THEN ' WITH GRANT OPTION' ELSE '' END)
FROM given, @columns p, aclexplode(p.old_acl) a
WHERE NOT EXISTS (SELECT FROM aclexplode(p.acl) b WHERE b.grantee = a.grantee AND b.privilege_type = a.privilege_type AND b.is_grantable >= a.is_grantable)
AND NOT lower(a.privilege_type || ' to ' || ` + columnGrantee + `) = ANY (given.sets) ORDER BY p.number, 1`},
	{what: "the comment", kinds: forRelations, sql: `
SELECT format('COMMENT ON %s %s IS %L', CASE n.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, n.oid::regclass, obj_description(given.old, 'pg_class'))
FROM given JOIN pg_class n ON n.oid = given.new WHERE obj_description(given.old, 'pg_class') IS DISTINCT FROM obj_description(given.new,
	'pg_class') AND NOT 'comment' = ANY (given.sets)`},
	{what: "comments on columns", kinds: forAll, sql: `
SELECT format('COMMENT ON COLUMN %s.%I IS %L', given.new::regclass, p.name, col_description(given.old, p.old_number)) FROM given, @columns p
WHERE col_description(given.old, p.old_number) IS DISTINCT FROM col_description(given.new, p.number)
AND NOT CASE WHEN given.old_column = '' THEN '` + onward.CommentOn + `' || p.name ELSE 'comment' END = ANY (given.sets) ORDER BY p.number`},
	{what: "statistics targets", kinds: forStorage, sql: `
SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', given.new::regclass, p.name, coalesce(p.old_target, -1)) FROM given, @columns p
WHERE coalesce(p.old_target, -1) <> coalesce(p.target, -1) AND NOT 'settings' = ANY (given.sets) ORDER BY p.number`},
	{what: "settings of columns", kinds: forStorage, sql: `
SELECT format('ALTER TABLE %s ALTER COLUMN %I RESET (%s)', given.new::regclass, p.name, (SELECT string_agg(option_name, ', ') FROM
	pg_options_to_table(p.options))) FROM given, @columns p
WHERE p.options IS NOT NULL AND p.old_options IS DISTINCT FROM p.options AND NOT 'settings' = ANY (given.sets) ORDER BY p.number`},
	{what: "settings of columns", kinds: forStorage, sql: `
SELECT format('ALTER TABLE %s ALTER COLUMN %I SET (%s)', given.new::regclass, p.name, (SELECT string_agg(option_name || ' = ' ||
	quote_literal(option_value), ', ') FROM pg_options_to_table(p.old_options))) FROM given, @columns p
WHERE p.old_options IS NOT NULL AND p.options IS NULL AND NOT 'settings' = ANY (given.sets) ORDER BY p.number`},
	{what: "storage of columns", kinds: forStorage, sql: `
SELECT format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', given.new::regclass, p.name, CASE w.storage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN
	'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END)
FROM given, @columns p, LATERAL (SELECT CASE WHEN p.old_storage = p.old_usual THEN p.usual ELSE p.old_storage END AS storage) w
WHERE p.storage <> w.storage AND p.usual <> 'p' AND NOT given.sets && ARRAY['settings', 'storage of ' || p.name] ORDER BY p.number`},
	{what: "compression of columns", kinds: forStorage, since: 14, sql: `
SELECT format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION %s', given.new::regclass, p.name, CASE o.attcompression WHEN 'l' THEN 'lz4' WHEN
	'p' THEN 'pglz' ELSE 'default' END)
FROM given, @columns p, pg_attribute o, pg_attribute f WHERE o.attrelid = given.old AND o.attnum = p.old_number AND f.attrelid = given.new AND
	f.attnum = p.number
AND o.attcompression <> f.attcompression AND p.usual <> 'p' AND NOT given.sets && ARRAY['settings', 'compression of ' || p.name] ORDER BY p.number`},
	{what: "settings", kinds: forTable, sql: `
SELECT format('ALTER TABLE %s RESET (%s)', n.oid::regclass, string_agg(x.name, ', ' ORDER BY x.name))
FROM given JOIN pg_class o ON o.oid = given.old LEFT JOIN pg_class ot ON ot.oid = o.reltoastrelid, LATERAL (` + newTables + `) n LEFT JOIN
	pg_class nt ON nt.oid = n.reltoastrelid,
LATERAL (SELECT option_name AS name, option_value AS value FROM pg_options_to_table(n.reloptions) UNION ALL SELECT 'toast.' || option_name,
	option_value FROM pg_options_to_table(nt.reloptions)) x
WHERE n.relkind = 'r' AND NOT given.sets && ARRAY['settings', 'storage parameters']
AND NOT EXISTS (SELECT FROM pg_options_to_table(o.reloptions) WHERE option_name = x.name AND option_value = x.value) AND NOT EXISTS (SELECT FROM
	pg_options_to_table(ot.reloptions) WHERE 'toast.' || option_name = x.name AND option_value = x.value) GROUP BY n.oid`},
	{what: "settings", kinds: forTable, sql: `
SELECT format('ALTER TABLE %s SET (%s)', n.oid::regclass, string_agg(x.name || ' = ' || quote_literal(x.value), ', ' ORDER BY x.name))
FROM given JOIN pg_class o ON o.oid = given.old LEFT JOIN pg_class ot ON ot.oid = o.reltoastrelid, LATERAL (` + newTables + `) n LEFT JOIN
	pg_class nt ON nt.oid = n.reltoastrelid,
LATERAL (SELECT option_name AS name, option_value AS value FROM pg_options_to_table(o.reloptions) UNION ALL SELECT 'toast.' || option_name,
	option_value FROM pg_options_to_table(ot.reloptions)) x
WHERE n.relkind = 'r' AND NOT given.sets && ARRAY['settings', 'storage parameters']
AND NOT EXISTS (SELECT FROM pg_options_to_table(n.reloptions) WHERE option_name = x.name) AND NOT EXISTS (SELECT FROM
	pg_options_to_table(nt.reloptions) WHERE 'toast.' || option_name = x.name) GROUP BY n.oid`},
	{what: "the replica identity", kinds: forTable, sql: `
SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', n.oid::regclass, CASE o.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE 'DEFAULT' END)
FROM given JOIN pg_class o ON o.oid = given.old, LATERAL (` + newTables + `) n WHERE o.relreplident <> n.relreplident AND 'i' NOT IN
	(o.relreplident, n.relreplident) AND n.relkind = 'r' AND NOT 'replica identity' = ANY (given.sets)`},
}

// ObstacleQueries returns queries for properties of a relation that [PropertyQueries] cannot copy to its replacement: they return sentences.
// Package inventory lists the objects on the relation, such as indexes. old and fresh are expressions for the OIDs of the relations, which
// are 0 or NULL for one that does not exist. role runs the steps; "" means the session's own.
func ObstacleQueries(major int, role string, r *onward.PlanReplacement, old, fresh string) (queries []string) {
	// t is the relation to be replaced. Before the rename, the table has the name that the view will have.
	table := fmt.Sprintf(`WITH t AS (SELECT c.oid, c.oid::regclass::text AS name, c.relnamespace, c.relowner, c.relrowsecurity,
		coalesce(nullif(%s, ''), current_user::text) AS role
	FROM pg_class c WHERE c.oid = coalesce(nullif(%s, 0::oid), %s)) `, pgparse.QuoteLiteral(role), old, fresh)
	for _, o := range propertyObstacles {
		if o.since <= major && (o.until == 0 || o.until >= major) && slices.Contains(o.kinds, r.Kind) {
			queries = append(queries, table+o.sql)
		}
	}
	return queries
}

// propertyObstacle is a query that returns a sentence for each property that cannot be copied.
type propertyObstacle struct {
	kinds        []onward.ReplacementKind
	since, until int // major versions; 0: no limit
	sql          string
}

var propertyObstacles = []propertyObstacle{
	{kinds: forView, until: 14, sql: `
SELECT t.name || ' has row-level security: before Postgres 15 the view that takes its old name would show every row to everybody. Update the server to 15 or later, or rename the table while no old code runs' FROM t WHERE t.relrowsecurity`},
	{kinds: forView, since: 15, sql: `
SELECT t.name || ' has row-level security, and a role has privileges on some of its columns only: the view that takes the old name can keep one of the two. GRANT that role the table, or rename the table while no old code runs'
FROM t WHERE t.relrowsecurity AND ` + columnOnlyCondition("t.oid")},
	{kinds: forRelations, sql: `
SELECT t.name || ' belongs to ' || quote_ident(pg_get_userbyid(t.relowner)) || ', and ' || quote_ident(t.role) || ' cannot give that role what takes the place of the table: use --role, or GRANT the role and CREATE on the schema'
FROM t WHERE pg_get_userbyid(t.relowner) <> t.role AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = t.role)
AND NOT (pg_has_role(t.role, t.relowner, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AND has_schema_privilege(t.relowner, t.relnamespace, 'CREATE'))`},
}

// TableCode is code that runs when rows of a table are written, or hides rows from a reader: a trigger, a rule or a policy, or a default, a
// constraint or an index that calls a function of somebody.
type TableCode struct {
	// Table is qualified. Kind is the server's word: "trigger", "rule", "policy", "default value", "generated
	// column", "table constraint", "index".
	Table, Kind, Name string
	// Function is what it calls, of the role Owner; "" for none.
	Function, Owner string
	// Trusted: the owner is a superuser, the session's role, or a role that it is a member of. Superuser: it is a superuser.
	Trusted, Superuser bool
	// AsOwner: the function runs with the rights of its owner.
	AsOwner bool
}

// IsNamed reports whether it is a trigger, a rule or a policy.
func (c *TableCode) IsNamed() bool {
	return c.Kind == "trigger" || c.Kind == "rule" || c.Kind == "policy"
}

// String describes it.
func (c *TableCode) String() string {
	out := c.Kind + " " + c.Name + " of " + c.Table
	if !c.IsNamed() { // the server's name has the table
		out = c.Kind + " " + c.Name
	}
	if c.Function != "" {
		out += " (" + c.Function + " of " + c.Owner + ")"
	}
	return out
}

// tableCode follows the dependencies of tables with their partitions and child tables. What is disabled, or runs for replication only, is
// left out. Dependencies on the server's own functions are not recorded.
const tableCode = `
WITH RECURSIVE tree AS (
	SELECT oid FROM pg_catalog.unnest($1::oid[]) AS t (oid) UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
), mine AS (
	SELECT oid FROM pg_catalog.pg_roles WHERE rolname IN (current_user, session_user)
	UNION SELECT m.roleid FROM mine JOIN pg_catalog.pg_auth_members AS m ON m.member = mine.oid
)
SELECT DISTINCT tree.oid::regclass::text, CASE WHEN a.attgenerated <> '' THEN 'generated column' ELSE i.type END,
	coalesce(g.tgname, w.rulename, y.polname, i.identity)::text, coalesce(p.oid::regprocedure::text, ''),
	coalesce(r.rolname::text, ''), coalesce(r.rolsuper OR r.oid IN (SELECT oid FROM mine), false), coalesce(r.rolsuper, false), coalesce(p.prosecdef, false)
FROM tree JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = tree.oid
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
LEFT JOIN pg_catalog.pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_policy AS y ON d.classid = 'pg_policy'::regclass AND y.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef AS v ON d.classid = 'pg_attrdef'::regclass AND v.oid = d.objid
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = v.adrelid AND a.attnum = v.adnum
LEFT JOIN pg_catalog.pg_depend AS f ON f.classid = d.classid AND f.objid = d.objid AND f.refclassid = 'pg_proc'::regclass
LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = f.refobjid LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = p.proowner
WHERE CASE d.classid WHEN 'pg_trigger'::regclass THEN g.tgrelid = tree.oid AND g.tgenabled IN ('O', 'A')
	WHEN 'pg_rewrite'::regclass THEN w.ev_class = tree.oid AND w.ev_enabled IN ('O', 'A')
	WHEN 'pg_policy'::regclass THEN y.polrelid = tree.oid AND (SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = tree.oid)
	ELSE d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_class'::regclass) AND p.oid IS NOT NULL END
ORDER BY 1, 2, 3, 4`

// ReadTableCode reads the code of tables, given their OIDs. The transaction has onward's own settings.
func ReadTableCode(ctx context.Context, s SQLSession, tables []uint32) ([]TableCode, error) {
	rows, _ := s.Query(ctx, tableCode, tables)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c TableCode, err error) {
		return c, row.Scan(&c.Table, &c.Kind, &c.Name, &c.Function, &c.Owner, &c.Trusted, &c.Superuser, &c.AsOwner)
	})
}
