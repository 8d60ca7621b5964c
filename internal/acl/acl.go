// Package acl builds the statements that set the privileges on an object which onward creates. Default privileges (ALTER DEFAULT
// PRIVILEGES, and EXECUTE of PUBLIC) are meant for the objects of the people who set them, so they must not reach onward's.
// https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html
package acl

import (
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Kind is a kind of objects with privileges.
type Kind string

// Kinds.
const (
	Relation Kind = "relation" // with the sequences of its columns
	Function Kind = "function" // its name has the argument types: f(integer)
	Type     Kind = "type"
	Schema   Kind = "schema" // left alone unless the same transaction creates it
	// Content is all relations, functions and types in a schema, and NewContent those that the same transaction creates.
	Content    Kind = "content"
	NewContent Kind = "new content"
)

// objectQueries find the objects that belong to a name, by its kind (all but Function). A row has the object's name in GRANT
// ("TABLE public.t"), its owner, its privileges, and those that it has without default privileges.
var objectQueries = map[Kind]string{
	Relation: `SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::pg_catalog.regclass, c.relowner, c.relacl,
        pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner)
      FROM pg_catalog.pg_class AS c WHERE c.oid = onward_object::pg_catalog.regclass OR c.relkind = 'S' AND c.oid IN (
        SELECT d.objid FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = onward_object::pg_catalog.regclass AND d.deptype IN ('a', 'i'))`,
	Type: `SELECT 'TYPE ' || t.oid::pg_catalog.regtype, t.typowner, t.typacl, pg_catalog.acldefault('T', t.typowner)
      FROM pg_catalog.pg_type AS t WHERE t.oid = onward_object::pg_catalog.regtype`,
	Schema: `SELECT 'SCHEMA ' || n.oid::pg_catalog.regnamespace, n.nspowner, n.nspacl, pg_catalog.acldefault('n', n.nspowner)
      FROM pg_catalog.pg_namespace AS n WHERE n.oid = onward_object::pg_catalog.regnamespace` + createdNowCondition("n.xmin"),
	Content: contentQuery("", "", ""),
	NewContent: contentQuery(createdNowCondition("(SELECT a.xmin FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum = -1)"),
		createdNowCondition("p.xmin"), createdNowCondition("t.xmin")),
}

// createdNowCondition returns the SQL condition that this transaction wrote a row of a catalog. xmin is the row's: "p.xmin". A foreign key
// changes the row of the relation that it refers to, but never the row of its column ctid. Views have no such column, and ledgers no views.
func createdNowCondition(xmin string) string { return " AND pg_catalog.age(" + xmin + ") <= 0" }

// contentQuery returns the query for the objects of a schema, with a condition on each of its catalogs.
func contentQuery(relation, function, typ string) string {
	return `SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::pg_catalog.regclass, c.relowner, c.relacl,
        pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner)
      FROM pg_catalog.pg_class AS c WHERE c.relnamespace = onward_object::pg_catalog.regnamespace
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')` + relation + `
      UNION ALL SELECT 'ROUTINE ' || p.oid::pg_catalog.regprocedure, p.proowner, p.proacl, pg_catalog.acldefault('f', p.proowner)
      FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = onward_object::pg_catalog.regnamespace AND p.prokind <> 'a'` + function + `
      UNION ALL SELECT 'TYPE ' || t.oid::pg_catalog.regtype, t.typowner, t.typacl, pg_catalog.acldefault('T', t.typowner)
      FROM pg_catalog.pg_type AS t WHERE t.typnamespace = onward_object::pg_catalog.regnamespace AND t.typtype IN ('e', 'd', 'r')` + typ
}

// sourceQueries find what is granted on another object: its owner, the privileges, and the column ("" for the whole object).
var sourceQueries = map[Kind]string{
	Relation: `SELECT c.relowner, coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)), ''
      FROM pg_catalog.pg_class AS c WHERE c.oid = onward_source::pg_catalog.regclass
      UNION ALL SELECT c.relowner, f.attacl, ' (' || pg_catalog.quote_ident(f.attname) || ')' FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_attribute AS f ON f.attrelid = c.oid JOIN pg_catalog.pg_attribute AS n ON n.attname = f.attname AND NOT n.attisdropped
      WHERE c.oid = onward_source::pg_catalog.regclass AND n.attrelid = onward_object::pg_catalog.regclass AND NOT f.attisdropped AND f.attacl IS NOT NULL`,
	Type: `SELECT t.typowner, coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner)), ''
      FROM pg_catalog.pg_type AS t WHERE t.oid = onward_source::pg_catalog.regtype`,
}

// grantee is a role's name in GRANT.
const grantee = "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END"

// ownerAlone selects the commands that leave the privileges on the objects o to their owner. A command for what is so already is left
// out: it would only replace the empty list of privileges by one that means the same.
const ownerAlone = `
    SELECT 1, 'REVOKE ALL ON ' || o.name || ' FROM ' || ` + grantee + `
    FROM o, pg_catalog.aclexplode(coalesce(o.acl, o.initial)) AS a WHERE a.grantee <> o.owner
    UNION SELECT 1, 'GRANT ALL ON ' || o.name || ' TO ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o.owner))
    FROM o, pg_catalog.aclexplode(o.initial) AS i WHERE i.grantee = o.owner AND NOT EXISTS (
      SELECT FROM pg_catalog.aclexplode(coalesce(o.acl, o.initial)) AS a WHERE a.grantee = o.owner AND a.privilege_type = i.privilege_type)`

// likeSource selects the commands that grant what is granted on the source s.
const likeSource = `
    UNION SELECT 2, 'GRANT ' || a.privilege_type || s.columns || ' ON ' || o.name || ' TO ' || ` + grantee + `
      || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
    FROM o, s, pg_catalog.aclexplode(s.acl) AS a WHERE o.name !~ '^SEQUENCE ' AND a.grantee NOT IN (s.owner, o.owner)`

const (
	objectVariable = "  onward_object text := "
	sourceVariable = "  onward_source text := "
)

// SetOwnerAlone returns a statement that takes the privileges on an object from all roles but its owner. Names are quoted for SQL.
// The owner of a function is the role that runs the statement.
func SetOwnerAlone(kind Kind, name string) string {
	if kind == Function { // nearly every plan prints it: it is short
		return "DO $onward$\nDECLARE\n" + objectVariable + pgparse.QuoteLiteral(name) + `;
  onward_role text;
BEGIN -- only its owner may use it, whatever the default privileges are
  EXECUTE 'GRANT ALL ON FUNCTION ' || onward_object || ' TO CURRENT_USER';
  FOR onward_role IN
    SELECT ` + grantee + `
    FROM pg_catalog.pg_proc AS p, pg_catalog.aclexplode(p.proacl) AS a
    WHERE p.oid = onward_object::pg_catalog.regprocedure AND a.grantee <> p.proowner
  LOOP
    EXECUTE 'REVOKE ALL ON FUNCTION ' || onward_object || ' FROM ' || onward_role;
  END LOOP;
END
$onward$`
	}
	return buildCommandBlock(objectVariable+pgparse.QuoteLiteral(name)+";\n", "o (name, owner, acl, initial) AS (\n      "+objectQueries[kind]+"\n    )",
		ownerAlone)
}

// SetLike returns a statement that gives an object the privileges of another one: a relation or a type.
func SetLike(kind Kind, name, source string) string {
	return buildCommandBlock(objectVariable+pgparse.QuoteLiteral(name)+";\n"+sourceVariable+pgparse.QuoteLiteral(source)+";\n",
		"o (name, owner, acl, initial) AS (\n      "+objectQueries[kind]+"\n    ), s (owner, acl, columns) AS (\n      "+sourceQueries[kind]+"\n    )",
		ownerAlone+likeSource)
}

// buildCommandBlock returns a block that runs the commands of a query, in the order of its first column.
func buildCommandBlock(variables, ctes, query string) string {
	return "DO $onward$\nDECLARE\n" + variables + "  onward_step int;\n  onward_command text;\n" +
		"BEGIN -- privileges are set, whatever the default privileges are\n" +
		"  FOR onward_step, onward_command IN\n    WITH " + ctes + query + "\n    ORDER BY 1, 2\n  LOOP\n    EXECUTE onward_command;\n  END LOOP;\nEND\n$onward$"
}

// SetsPrivileges reports whether a statement is one of this package's, so that its EXECUTE hides nothing.
func SetsPrivileges(sql string) bool {
	name, found := parseVariableValue(sql, objectVariable)
	source, copies := parseVariableValue(sql, sourceVariable)
	kinds := append(slices.Collect(maps.Keys(objectQueries)), Function)
	return found && slices.ContainsFunc(kinds, func(kind Kind) bool {
		return sql == SetOwnerAlone(kind, name) || copies && sql == SetLike(kind, name, source)
	})
}

// RenameObjects returns a statement of this package for the names that rename returns.
func RenameObjects(sql string, rename func(name string) string) string {
	for _, variable := range []string{objectVariable, sourceVariable} {
		if name, ok := parseVariableValue(sql, variable); ok {
			sql = strings.Replace(sql, variable+pgparse.QuoteLiteral(name), variable+pgparse.QuoteLiteral(rename(name)), 1)
		}
	}
	return sql
}

// parseVariableValue returns the value with which a block declares a variable.
func parseVariableValue(sql, variable string) (string, bool) {
	_, rest, _ := strings.Cut(sql, variable)
	l := pgparse.NextLexeme(rest, 0)
	value, ok := strings.CutPrefix(rest[l.Start:l.End], "'")
	return strings.ReplaceAll(strings.TrimSuffix(value, "'"), "''", "'"), ok
}
