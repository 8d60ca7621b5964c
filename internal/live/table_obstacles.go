package live

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// PropertyObstacles returns sentences about properties of a relation or a column that [CarryProperties] cannot copy to its
// replacement. old and fresh are their OIDs; 0 for one that does not exist. role runs the steps; "" means the session's own.
func PropertyObstacles(ctx context.Context, s SQLSession, major int, role string, r *onward.PlanReplacement, old, fresh uint32) ([]string, error) {
	var out []string
	for _, o := range propertyObstacles {
		if o.since > major || o.until != 0 && o.until < major || !slices.Contains(o.kinds, r.Kind) {
			continue
		}
		rows, err := s.Query(ctx, obstacleArguments+o.sql, old, r.New, r.OldColumn, role, fresh)
		if err == nil {
			var kind, name, sentence string
			_, err = pgx.ForEachRow(rows, []any{&kind, &name, &sentence}, func() error {
				if !slices.Contains(r.Known, strings.TrimSpace(kind+" "+name)) {
					out = append(out, sentence)
				}
				return nil
			})
		}
		if err != nil {
			return nil, fmt.Errorf("read what depends on %s: %w", r.Old, err)
		}
	}
	return out, nil
}

// obstacleArguments: t is the relation to be replaced. Before the rename, the table has the name that the view will have.
const obstacleArguments = `WITH t AS (SELECT c.oid, c.oid::regclass::text AS name, $2::text AS new_name, c.relnamespace, c.relowner, c.relrowsecurity, c.relreplident, c.relpersistence, c.relkind, c.reltablespace, c.relam, $3::text AS column_name,
	coalesce((SELECT attnum FROM pg_attribute WHERE attrelid = c.oid AND attname = $3::text AND NOT attisdropped), 0) AS number, coalesce(nullif($4::text, ''), current_user::text) AS role
	FROM pg_class c WHERE c.oid = coalesce(nullif($1::oid, 0::oid), $5::oid)) `

// viewName is a view's name as in the plan's SQL.
const viewName = `(SELECT CASE nspname WHEN 'public' THEN '' ELSE quote_ident(nspname) || '.' END || quote_ident(v.relname) FROM pg_namespace WHERE oid = v.relnamespace)`

// whatGoes names the column, or the table.
const whatGoes = `CASE WHEN t.column_name = '' THEN t.name ELSE t.column_name || ' of ' || t.name END`

// propertyObstacle is a query that returns a kind, a name and a sentence. A kind and name that the plan knows are no obstacle.
type propertyObstacle struct {
	kinds        []onward.ReplacementKind
	since, until int
	sql          string
}

var propertyObstacles = []propertyObstacle{
	{kinds: forView, until: 14, sql: `
SELECT '', '', t.name || ' has row-level security: before Postgres 15 the view that takes its old name would show every row to everybody. Update the server to 15 or later, or rename the table while no old code runs' FROM t WHERE t.relrowsecurity`},
	{kinds: forView, since: 15, sql: `
SELECT '', '', t.name || ' has row-level security, and a role has privileges on some of its columns only: the view that takes the old name can keep one of the two. GRANT that role the table, or rename the table while no old code runs'
FROM t WHERE t.relrowsecurity AND ` + narrowPrivileges("t.oid")},
	{kinds: forRelations, sql: `
SELECT '', '', t.name || ' belongs to ' || quote_ident(pg_get_userbyid(t.relowner)) || ', and ' || quote_ident(t.role) || ' cannot give that role what takes the place of the table: use --role, or GRANT the role and CREATE on the schema'
FROM t WHERE pg_get_userbyid(t.relowner) <> t.role AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = t.role)
AND NOT (pg_has_role(t.role, t.relowner, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AND has_schema_privilege(t.relowner, t.relnamespace, 'CREATE'))`},
	{kinds: forTable, sql: `SELECT '', '', t.name || ' has row-level security, which ' || t.new_name || ' would not have' FROM t WHERE t.relrowsecurity`},
	{
		kinds: forTable,
		sql:   `SELECT 'policy', quote_ident(polname), 'policy ' || quote_ident(polname) || ' of ' || t.name || ' would be lost with the table' FROM t JOIN pg_policy ON polrelid = t.oid ORDER BY 2`,
	},
	{
		kinds: forTable,
		sql:   `SELECT 'rule', quote_ident(rulename), 'rule ' || quote_ident(rulename) || ' of ' || t.name || ' would be lost with the table' FROM t JOIN pg_rewrite ON ev_class = t.oid ORDER BY 2`,
	},
	{kinds: forTable, sql: `
SELECT 'trigger', quote_ident(tgname), 'trigger ' || quote_ident(tgname) || ' of ' || t.name || ' would be lost with the table: the plan does not know it'
FROM t JOIN pg_trigger ON tgrelid = t.oid WHERE NOT tgisinternal ORDER BY 2`},
	{kinds: forTable, sql: `
SELECT 'statistics', s.stxname::text, 'statistics object ' || quote_ident(stxname) || ' of ' || t.name || ' would be lost with the table' FROM t JOIN pg_statistic_ext s ON stxrelid = t.oid ORDER BY 2`},
	{kinds: forTable, sql: `
SELECT 'publication', quote_ident(pubname), 'publication ' || quote_ident(pubname) || ' sends ' || t.name || ', and would go on with the old table' FROM t JOIN pg_publication p ON true
WHERE puballtables OR EXISTS (SELECT FROM pg_publication_rel WHERE prpubid = p.oid AND prrelid = t.oid) ORDER BY 2`},
	{kinds: forTable, since: 15, sql: `
SELECT 'publication', quote_ident(pubname), 'publication ' || quote_ident(pubname) || ' sends the schema of ' || t.name || ', and would go on with the old table'
FROM t JOIN pg_publication_namespace ON pnnspid = t.relnamespace JOIN pg_publication p ON p.oid = pnpubid ORDER BY 2`},
	{kinds: forTable, sql: `SELECT '', '', 'the replica identity of ' || t.name || ' is an index, which goes with the table' FROM t WHERE t.relreplident = 'i'`},
	{kinds: forTable, sql: `
SELECT '', '', t.name || ' is unlogged, has a tablespace or an access method of its own, which ' || t.new_name || ' would not have' FROM t
WHERE t.relkind = 'r' AND (t.relpersistence <> 'p' OR t.reltablespace <> 0 OR t.relam <> (SELECT oid FROM pg_am WHERE amname = current_setting('default_table_access_method')))`},
	{kinds: forTable, sql: `
SELECT DISTINCT 'view', ` + viewName + `, 'view ' || v.oid::regclass || ' reads ' || t.name || ', and would go on with the old table: the plan does not know it'
FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class
WHERE v.oid <> t.oid ORDER BY 2`},
	{kinds: forColumn, sql: `
SELECT DISTINCT 'policy', quote_ident(polname), 'policy ' || quote_ident(polname) || ' of ' || polrelid::regclass || ' reads ' || ` + whatGoes + `
FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid = t.number AND d.classid = 'pg_policy'::regclass JOIN pg_policy p ON p.oid = d.objid ORDER BY 2`},
	{kinds: forColumn, sql: `
SELECT DISTINCT 'view', ` + viewName + `, CASE WHEN w.rulename = '_RETURN' THEN 'view ' || v.oid::regclass ELSE 'rule ' || quote_ident(w.rulename) || ' of ' || v.oid::regclass END || ' reads ' || ` + whatGoes + ` || ': the plan does not know it'
FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid = t.number AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class ORDER BY 2`},
	{kinds: forColumn, sql: `
SELECT DISTINCT 'trigger', quote_ident(tgname), 'trigger ' || quote_ident(tgname) || ' of ' || t.name || ' is about ' || t.column_name || ': the plan does not know it'
FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid = t.number AND d.classid = 'pg_trigger'::regclass JOIN pg_trigger g ON g.oid = d.objid
WHERE NOT tgisinternal AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_trigger'::regclass AND x.objid = g.oid AND x.refclassid = 'pg_proc'::regclass AND x.refobjid::regproc::text LIKE '%onward_%') ORDER BY 2`},
	{kinds: forColumn, sql: `
SELECT 'statistics', s.stxname::text, 'statistics object ' || quote_ident(stxname) || ' is of ' || ` + whatGoes + ` || ', and goes with it' FROM t JOIN pg_statistic_ext s ON stxrelid = t.oid WHERE t.number = ANY (s.stxkeys) ORDER BY 2`},
	{kinds: forColumn, sql: `
SELECT '', '', 'the replica identity of ' || t.name || ' is an index on ' || t.column_name || ', and goes with it' FROM t
WHERE t.relreplident = 'i' AND EXISTS (SELECT FROM pg_index WHERE indrelid = t.oid AND indisreplident AND t.number = ANY (indkey))`},
	{kinds: forColumn, since: 15, sql: `
SELECT DISTINCT 'publication', quote_ident(pubname), 'publication ' || quote_ident(pubname) || ' names ' || ` + whatGoes + ` || ' in its list of columns or its condition'
FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid = t.number AND d.classid = 'pg_publication_rel'::regclass
JOIN pg_publication_rel r ON r.oid = d.objid JOIN pg_publication p ON p.oid = r.prpubid ORDER BY 2`},
}
