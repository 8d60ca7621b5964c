package inventory

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Identity is an identity column with its sequence.
type Identity struct {
	Column, Generated          string // Generated is "ALWAYS" or "BY DEFAULT"
	Sequence                   string // as SQL writes it
	Start, Increment, Min, Max int64
	Cache                      int64
	Cycle                      bool
	DefaultMin, DefaultMax     bool // the bounds are the type's, for this direction
	Persistence, Comment       string
	Grants                     []string // "USAGE to reader WITH GRANT OPTION", also the owner's, who may have revoked them
}

// identityQuery returns a query for the identity columns of a table. table is an expression for its OID.
func identityQuery(table string) string {
	return `SELECT a.attname::text AS attribute, CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END AS generated,
	c.oid::pg_catalog.regclass::text AS sequence,
	s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle, s.seqmin = CASE WHEN s.seqincrement > 0 THEN 1 ELSE -y.most - 1 END AS default_min,
		s.seqmax = CASE WHEN s.seqincrement > 0 THEN y.most ELSE -1 END AS default_max,
	c.relpersistence::text AS persistence, coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '') AS comment,
	ARRAY(SELECT ` + sequenceGrant + ` FROM ` + sequencePrivileges + ` AS x ORDER BY 1) AS grants
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid =
		a.attrelid AND d.refobjsubid = a.attnum
	AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i'
JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = d.objid JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid,
LATERAL (SELECT CASE s.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END AS most) AS y
WHERE a.attrelid = ` + table + ` AND a.attidentity <> '' AND NOT a.attisdropped ORDER BY a.attnum`
}

// ReadIdentities reads the identity columns of a table.
func ReadIdentities(ctx context.Context, s live.SQLSession, table uint32) ([]Identity, error) {
	rows, _ := s.Query(ctx, identityQuery("$1::oid"), table)
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Identity])
}

// FormatCarryQuery returns a query for the statements that give the identity column of a table, and its sequence, what this one has. table is an
// expression for the OID. A bound that is the old type's becomes the new type's.
func (id *Identity) FormatCarryQuery(table, column string) string {
	quote := pgparse.QuoteLiteral
	grants := make([]string, len(id.Grants))
	granted := ""
	for i, g := range id.Grants {
		privilege, role := splitPrivilege(g)
		grants[i] = quote(g)
		granted += fmt.Sprintf("\n    UNION ALL SELECT 5, 'GRANT %s ON SEQUENCE ' || n.sequence || %s FROM n WHERE NOT %s = ANY (n.grants)",
			privilege, quote(" TO "+role), quote(g))
	}
	return fmt.Sprintf(`    WITH n AS (SELECT i.*, ' INCREMENT BY ' || i.seqincrement 
      || CASE WHEN i.default_min THEN ' NO MINVALUE' ELSE ' MINVALUE ' || i.seqmin END
      || CASE WHEN i.default_max THEN ' NO MAXVALUE' ELSE ' MAXVALUE ' || i.seqmax END || ' START WITH ' || i.seqstart || ' CACHE ' || i.seqcache
      || CASE WHEN i.seqcycle THEN ' CYCLE' ELSE ' NO CYCLE' END AS options
    FROM (%[1]s) AS i WHERE i.attribute = %[2]s)
    SELECT q.command FROM (
    SELECT 1, 'ALTER SEQUENCE ' || n.sequence || %[3]s FROM n WHERE n.options <> %[3]s
    UNION ALL SELECT 2, 'ALTER SEQUENCE ' || n.sequence || CASE %[4]s WHEN 'u' THEN ' SET UNLOGGED' ELSE ' SET LOGGED' END FROM n WHERE n.persistence <> %[4]s
    UNION ALL SELECT 3, format('ALTER TABLE %%s ALTER COLUMN %%I SET GENERATED %[5]s', %[6]s::regclass, n.attribute) FROM n WHERE n.generated <> '%[5]s'
    UNION ALL SELECT 4, 'REVOKE ' || x.privilege_type || ' ON SEQUENCE ' || n.sequence || ' FROM ' || `+sequenceGrantee+`
      FROM n JOIN pg_catalog.pg_class AS c ON c.oid = n.sequence::pg_catalog.regclass, `+sequencePrivileges+` AS x
      WHERE NOT `+sequenceGrant+` = ANY (ARRAY[%[7]s]::text[])%[8]s
    UNION ALL SELECT 6, format('COMMENT ON SEQUENCE %%s IS %%L', n.sequence, nullif(%[9]s, '')) FROM n WHERE n.comment <> %[9]s
    ) AS q (place, command) ORDER BY q.place`,
		identityQuery(table), quote(column), quote(id.formatOptions()), quote(id.Persistence), id.Generated, table,
		strings.Join(grants, ", "), granted, quote(id.Comment))
}

// sequencePrivileges are the privileges on a sequence c. sequenceGrantee is the role of one of them, x, and sequenceGrant the whole privilege.
const (
	sequencePrivileges = "pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('s', c.relowner)))"
	sequenceGrantee    = "CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END"
	sequenceGrant      = "(x.privilege_type || ' to ' || " + sequenceGrantee + " || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)"
)

// formatOptions returns the options of ALTER SEQUENCE.
func (id *Identity) formatOptions() string {
	bound := func(word string, usual bool, n int64) string {
		if usual {
			return " NO " + word
		}
		return " " + word + " " + strconv.FormatInt(n, 10)
	}
	cycle := " NO CYCLE"
	if id.Cycle {
		cycle = " CYCLE"
	}
	return fmt.Sprintf(" INCREMENT BY %d%s%s START WITH %d CACHE %d%s", id.Increment,
		bound("MINVALUE", id.DefaultMin, id.Min), bound("MAXVALUE", id.DefaultMax, id.Max), id.Start, id.Cache, cycle)
}
