// Package ownschema checks a schema that onward keeps in a database before onward uses it: who owns it, and whether somebody else
// planted objects there. Whoever may create a schema could otherwise have views, triggers and defaults of theirs run with the operator's rights.
package ownschema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Schema is a schema that onward keeps in a database, such as the schema of its ledger.
type Schema struct {
	Name string
	// Inventory has everything that the schema may have, as [ReadInventory] returns it. nil: the schema may have any plain table, and what
	// belongs to it.
	Inventory []string
	// Program: another program makes the objects, which are not only tables. Only their owners count.
	Program bool
}

// PlantedError says that onward does not use a schema, because others own it or objects in it.
type PlantedError struct {
	Schema, Owner string
	// Problems name the objects, and their owners.
	Problems []string
}

// Error names the objects.
func (e *PlantedError) Error() string {
	return fmt.Sprintf("the schema %s, of %s, is not used, because others could have their code run with the rights of this role: %s. "+
		"Nothing was read from it or changed. docs/rights.md#whose-schemas-onward-uses says what to do", e.Schema, e.Owner, strings.Join(e.Problems, "; "))
}

// Conn is the part of a connection that a check needs.
type Conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// object is an object of a schema, or one that is attached to a relation of it.
type object struct {
	kind, name, definition string
	owner                  string // "" for the server's own superuser
	trusted                bool   // its owner
	function               string // that it calls, of a role that is not trusted
	grants                 []string
}

// inventoryLine returns the object's line of an inventory.
func (o *object) inventoryLine() string {
	return strings.TrimSpace(o.kind + " " + o.name + " " + o.definition)
}

// Check returns a [*PlantedError] if the schema exists and must not be used. role runs the steps of a plan; "" for none. The caller's
// transaction has onward's own settings.
func (s *Schema) Check(ctx context.Context, conn Conn, role string) error {
	list, err := readObjects(ctx, conn, s, role)
	if err != nil {
		return fmt.Errorf("read what the schema %s has: %w", s.Name, err)
	}
	var problems []string
	var owner string
	for i := range list {
		if list[i].kind == "schema" {
			owner = list[i].owner
		}
		if problem := s.describeProblem(&list[i]); problem != "" {
			problems = append(problems, problem)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	const most = 5
	if more := len(problems) - most; more > 0 {
		problems = append(problems[:most], fmt.Sprintf("and %d more", more))
	}
	return &PlantedError{Schema: s.Name, Owner: owner, Problems: problems}
}

// describeProblem returns what is wrong with an object; "" for nothing.
func (s *Schema) describeProblem(o *object) string {
	name := o.kind + " " + o.name
	switch {
	case !o.trusted:
		return name + " belongs to " + o.owner
	case o.function != "":
		return name + " calls " + o.function
	case len(o.grants) > 0:
		return name + ": others have " + strings.Join(o.grants, ", ")
	case o.kind == "schema" || s.Program:
		return ""
	case s.Inventory == nil:
		if !slices.Contains(plainKinds, o.kind) {
			return name + " is not onward's"
		}
	case !slices.Contains(s.Inventory, o.inventoryLine()):
		return name + " is not as onward makes it" + describeOwner(o)
	}
	return ""
}

func describeOwner(o *object) string {
	if o.owner == "" {
		return ""
	}
	return ", and belongs to " + o.owner
}

// plainKinds are the kinds of objects of a plain table.
var plainKinds = []string{"table", "table constraint", "index", "default value", "sequence"}

// ReadInventory returns a line for each object of a schema, sorted.
func ReadInventory(ctx context.Context, conn Conn, schema string) ([]string, error) {
	list, err := readObjects(ctx, conn, &Schema{Name: schema, Inventory: []string{}}, "")
	var out []string
	for i := range list {
		if o := &list[i]; o.kind != "schema" {
			out = append(out, o.inventoryLine())
		}
	}
	slices.Sort(out)
	return out, err
}

// mostDrops is how often the objects are read again because another session has dropped one meanwhile.
const mostDrops = 100

// readObjects reads the objects of a schema. Plans of other schemas drop their cursors at any time. If the server is about to describe an object
// that is gone, it ends the query with an internal error.
func readObjects(ctx context.Context, conn Conn, s *Schema, role string) (list []object, err error) {
	for range mostDrops {
		if _, err := conn.Exec(ctx, "SAVEPOINT onward_objects"); err != nil && !hasSQLState(err, "25P01") { // outside of a transaction none is needed
			return nil, err
		}
		if list, err = queryObjects(ctx, conn, s, role); !hasSQLState(err, "XX000") {
			return list, err
		}
		if _, back := conn.Exec(ctx, "ROLLBACK TO SAVEPOINT onward_objects"); back != nil && !hasSQLState(back, "25P01") {
			return nil, back
		}
	}
	return nil, err
}

// hasSQLState reports whether an error is the server's, with a SQLSTATE.
func hasSQLState(err error, code string) bool {
	refused := new(pgconn.PgError)
	return errors.As(err, &refused) && refused.Code == code
}

func queryObjects(ctx context.Context, conn Conn, s *Schema, role string) ([]object, error) {
	rows, _ := conn.Query(ctx, objectsQuery, s.Name, role, s.Inventory != nil)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o object, err error) {
		return o, row.Scan(&o.kind, &o.name, &o.definition, &o.owner, &o.trusted, &o.function, &o.grants)
	})
}

// objectsQuery reads a schema, each object in it, and each object that is attached to one of its relations. It follows pg_depend, so that a
// kind of object that nobody thought of is read, too. It leaves out what runs no code when the schema's tables are read and written:
//
//   - the row types of tables, and their TOAST tables,
//   - publications of its tables,
//   - views and functions elsewhere that read its tables,
//   - NOT NULL constraints, which are in the definition of a table,
//   - objects that another session has dropped since the query began: they have no identity any more.
//
// $1 is the schema, $2 another role that is trusted, or the empty text. If $3 is true, the schema's owner is trusted, too, if a superuser asks: its
// objects are compared with an inventory. A superuser is not a member of each role here.
const objectsQuery = `
WITH RECURSIVE s AS (
	SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace WHERE nspname = $1::text::name
), mine AS (
	SELECT oid FROM pg_catalog.pg_roles WHERE rolname IN (current_user, session_user, $2::text::name)
	UNION SELECT m.roleid FROM mine JOIN pg_catalog.pg_auth_members AS m ON m.member = mine.oid
), trusted AS (
	SELECT oid FROM mine UNION SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper
	UNION SELECT nspowner FROM s WHERE $3 AND (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
), inside AS (
	SELECT d.classid, d.objid FROM s JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid
), relation AS (
	SELECT objid AS oid FROM inside WHERE classid = 'pg_class'::regclass
), attached AS (
	SELECT d.classid, d.objid FROM relation AS r JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
	WHERE d.classid NOT IN ('pg_type'::regclass, 'pg_publication_rel'::regclass, 'pg_proc'::regclass)
		AND NOT (d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = d.objid AND c.relkind = 't'))
		AND NOT (d.classid = 'pg_rewrite'::regclass AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.oid = d.objid AND w.ev_class IN (SELECT oid FROM relation)))
		AND NOT (d.classid = 'pg_constraint'::regclass AND EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.oid = d.objid AND k.contype = 'n'))
), object AS (
	SELECT classid, objid FROM inside UNION SELECT classid, objid FROM attached
)
SELECT 'schema', quote_ident(s.nspname), '', quote_ident(pg_get_userbyid(s.nspowner)), s.nspowner IN (SELECT oid FROM trusted), '',
	ARRAY(SELECT 'CREATE (' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END || ')' FROM aclexplode(s.nspacl) AS a
		WHERE a.privilege_type = 'CREATE' AND a.grantee NOT IN (SELECT oid FROM trusted) ORDER BY 1)
FROM s
UNION ALL
SELECT i.type, i.identity, coalesce(CASE o.classid
		WHEN 'pg_class'::regclass THEN CASE c.relkind WHEN 'i' THEN pg_get_indexdef(c.oid) WHEN 'r' THEN (
			SELECT concat_ws(' ', CASE WHEN c.relpersistence <> 'p' THEN 'persistence ' || c.relpersistence::text END,
				CASE WHEN c.relrowsecurity OR c.relforcerowsecurity THEN 'row security' END,
				CASE WHEN c.reloftype <> 0 THEN 'of a type' END, CASE WHEN c.relispartition THEN 'partition' END,
				(SELECT 'inherits ' || string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno) FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = c.oid),
				'(' || string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), 
				CASE WHEN a.attnotnull THEN 'NOT NULL' END, CASE WHEN a.attidentity <> '' THEN 'identity ' || a.attidentity::text END,
				CASE WHEN a.attgenerated <> '' THEN 'generated ' || a.attgenerated::text END), ', ' ORDER BY a.attnum) || ')')
			FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) ELSE '' END
		WHEN 'pg_attrdef'::regclass THEN (SELECT pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef WHERE oid = o.objid)
		WHEN 'pg_constraint'::regclass THEN pg_get_constraintdef(o.objid)
		ELSE '' END, ''),
	coalesce(quote_ident(pg_get_userbyid(w.refobjid)), ''), w.refobjid IS NULL OR w.refobjid IN (SELECT oid FROM trusted),
	coalesce((SELECT min('the function ' || p.oid::regprocedure || ' of ' || quote_ident(pg_get_userbyid(p.proowner)))
		FROM pg_catalog.pg_depend AS f JOIN pg_catalog.pg_proc AS p ON p.oid = f.refobjid
		WHERE f.classid = o.classid AND f.objid = o.objid AND f.refclassid = 'pg_proc'::regclass AND p.proowner NOT IN (SELECT oid FROM trusted)), ''),
	ARRAY(SELECT DISTINCT a.privilege_type || ' (' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END || ')'
		FROM (
			SELECT c.relacl UNION ALL SELECT t.attacl FROM pg_catalog.pg_attribute AS t 
			WHERE t.attrelid = c.oid AND t.attacl IS NOT NULL) AS l (acl), aclexplode(l.acl) AS a
		WHERE (a.privilege_type = 'TRIGGER' OR $3 AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES'))
			AND a.grantee NOT IN (SELECT oid FROM trusted) ORDER BY 1)
FROM object AS o CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) AS i
LEFT JOIN pg_catalog.pg_class AS c ON o.classid = 'pg_class'::regclass AND c.oid = o.objid
LEFT JOIN pg_catalog.pg_shdepend AS w ON w.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
	AND w.classid = o.classid AND w.objid = o.objid AND w.objsubid = 0 AND w.deptype = 'o' AND w.refclassid = 'pg_authid'::regclass
WHERE i.identity IS NOT NULL
`
