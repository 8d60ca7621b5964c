package live

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

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
