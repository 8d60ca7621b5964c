package dbchecks

import (
	"strings"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var roleLacksRights = &Check{Rule: rule.Rule{
	ID:       "role-lacks-rights",
	Category: onward.Configuration, Severity: onward.Error,
	Summary: "The role may not do what the release does: it owns a touched table not, or may not create in its schema",
	Harm: "ALTER TABLE, CREATE INDEX and DROP TABLE are the owner's alone: the migration fails with SQLSTATE 42501, and what committed before stays. " +
		"Policies that hold for the owner, too, hide rows from a change of all rows. " +
		"Looked at are the tables that the release touches, and their schemas.",
	Instead: "Migrate as the role that owns the tables, or grant that role to this one. A role that only looks (cron) is asked with --alone.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-priv.html"},
}, Scope: onward.ScopeRole, Look: checkRights}

const rightsSQL = `
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner)::text, pg_has_role(current_user, c.relowner, 'USAGE'),
	has_schema_privilege(current_user, n.oid, 'CREATE'), row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY($1::text[]) ORDER BY 1, 2`

func checkRights(p *Pass) error {
	var schema, name, owner string
	var owns, creates, hidden bool
	reportedSchemas := map[string]bool{}
	return p.Each(rightsSQL, []any{p.Touched}, []any{&schema, &name, &owner, &owns, &creates, &hidden}, func() {
		shown, sql, qualified := formatRelation(schema, name)
		if !owns {
			p.AddFinding(onward.Off, qualified, "the release touches "+shown+", which "+owner+" owns, and "+p.role+" is no member of that role",
				"ALTER TABLE, CREATE INDEX and DROP TABLE fail with SQLSTATE 42501",
				"migrate as "+owner+", or:\nGRANT "+quoteName(owner)+" TO "+quoteName(p.role)+";")
		}
		if owns && hidden {
			p.AddFinding(onward.Warning, qualified, "the policies of "+shown+" hold for "+p.role+", too: it has FORCE ROW LEVEL SECURITY",
				"a change of all rows changes only those that the policies show, and onward apply refuses a backfill",
				"for the time of the migration:\nALTER TABLE "+sql+" NO FORCE ROW LEVEL SECURITY;")
		}
		if !creates && !reportedSchemas[schema] {
			reportedSchemas[schema] = true
			p.AddFinding(onward.Warning, schema, strings.TrimSpace(p.role+" may not create anything in schema "+schema),
				"a new table, index, function or view there fails with SQLSTATE 42501", "let its owner grant it:\nGRANT CREATE ON SCHEMA "+quoteName(schema)+" TO "+
					quoteName(p.role)+";")
		}
	})
}
