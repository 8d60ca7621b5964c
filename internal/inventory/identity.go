package inventory

import (
	"context"
	"fmt"
	"strconv"

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
	Grants                     []string // "USAGE to reader WITH GRANT OPTION", without the owner's
}

const identityQuery = `SELECT a.attname::text, CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, c.oid::pg_catalog.regclass::text,
	s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle, s.seqmin = CASE WHEN s.seqincrement > 0 THEN 1 ELSE -y.most - 1 END,
		s.seqmax = CASE WHEN s.seqincrement > 0 THEN y.most ELSE -1 END,
	c.relpersistence::text, coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''),
	ARRAY(SELECT x.privilege_type || ' to ' || CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee))
		END || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
		FROM pg_catalog.aclexplode(c.relacl) AS x WHERE x.grantee <> c.relowner ORDER BY 1)
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid =
		a.attrelid AND d.refobjsubid = a.attnum
	AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i'
JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = d.objid JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid,
LATERAL (SELECT CASE s.seqtypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END AS most) AS y
WHERE a.attrelid = $1::oid AND a.attidentity <> '' AND NOT a.attisdropped ORDER BY a.attnum`

// ReadIdentities reads the identity columns of a table.
func ReadIdentities(ctx context.Context, s live.SQLSession, table uint32) ([]Identity, error) {
	rows, err := s.Query(ctx, identityQuery, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Identity])
}

// CarryStatements returns the statements that give the sequence of a new identity column, and the column, what the old one had. A bound that is the
// old type's becomes the new type's.
func (id *Identity) CarryStatements(table string, created *Identity) (statements []string) {
	add := func(sql string) { statements = append(statements, sql) }
	if o, n := id.formatOptions(), created.formatOptions(); o != n {
		add("ALTER SEQUENCE " + created.Sequence + o)
	}
	if id.Persistence != created.Persistence && id.Persistence == "u" {
		add("ALTER SEQUENCE " + created.Sequence + " SET UNLOGGED")
	}
	if id.Generated != created.Generated {
		add("ALTER TABLE " + table + " ALTER COLUMN " + pgparse.QuoteIdent(created.Column) + " SET GENERATED " + id.Generated)
	}
	wanted := map[string]bool{}
	for _, g := range id.Grants {
		wanted[g] = true
	}
	for _, g := range created.Grants {
		if !wanted[g] {
			privilege, grantee := splitPrivilege(trimGrantOption(g))
			add("REVOKE " + privilege + " ON SEQUENCE " + created.Sequence + " FROM " + grantee)
		}
		delete(wanted, g)
	}
	for _, g := range id.Grants {
		if wanted[g] {
			privilege, grantee := splitPrivilege(g)
			add("GRANT " + privilege + " ON SEQUENCE " + created.Sequence + " TO " + grantee)
		}
	}
	if id.Comment != "" && created.Comment == "" {
		add("COMMENT ON SEQUENCE " + created.Sequence + " IS " + pgparse.QuoteLiteral(id.Comment))
	}
	return statements
}

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
