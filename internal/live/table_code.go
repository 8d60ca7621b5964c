package live

import (
	"context"

	"github.com/jackc/pgx/v5"
)

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
	rows, err := s.Query(ctx, tableCode, tables)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c TableCode, err error) {
		return c, row.Scan(&c.Table, &c.Kind, &c.Name, &c.Function, &c.Owner, &c.Trusted, &c.Superuser, &c.AsOwner)
	})
}
