package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/script"
)

// superuserHelper does for the migrations' role what only a superuser may do and what is
// known to be harmless, such as CREATE EXTENSION postgis. A superuser never sends text of a
// migration: the helper builds the statements itself, from names.
type superuserHelper struct {
	*version
	server      *pgserver.Server
	db          string
	catalogConn *pgx.Conn
	note        func(string)
	// schema returns the schema in which the role creates objects; "" for none.
	schema func(ctx context.Context) (string, error)
	// mayCreate reports whether the helper creates an extension.
	mayCreate func(name string) bool
}

// runSpecialStatement runs statements that the runner's role may not run. It skips psql's own
// commands and extensions that are not available.
func (r *runner) runSpecialStatement(ctx context.Context, s *script.Statement) (done bool, err error) {
	if strings.HasPrefix(strings.TrimSpace(s.SQL), `\`) {
		r.addNote("psql's own commands were left out: " + firstLine(s.SQL))
		return true, nil
	}
	if r.Server != "" && changesOutsideDatabase(s.Node) {
		r.addNote("what would stay on the server was left out: " + firstLine(s.SQL))
		return true, nil
	}
	if e := s.Node.GetCreateExtensionStmt(); e != nil {
		var isAvailable bool
		err := r.catalogConn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name OPERATOR(pg_catalog.=) $1)",
			e.GetExtname()).Scan(&isAvailable)
		if err != nil {
			return false, err
		}
		if !isAvailable {
			r.base.addAbsentExtension(e.GetExtname())
			r.addNote("the extension " + e.GetExtname() + " is not installed beside this server and was left out; --postgres URL names a server that has it")
			return true, nil
		}
	}
	// A function of the release that would run with a superuser's rights is
	// reported.
	if name := ownerInStatement(s.Node); name != "" && !r.Superuser &&
		(r.watch == nil || s.Node.GetAlterOwnerStmt().GetObjectType() != pgparse.ObjectType_OBJECT_FUNCTION) {
		var isSuperuser bool
		err := r.catalogConn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1 AND rolsuper)",
			name).Scan(&isSuperuser)
		if isSuperuser || err != nil {
			r.addNote("what gives things to " + name + ", or says what it gives, was left out: the migrations do not run as the server's superuser")
			return isSuperuser, err
		}
	}
	d := superuserHelper{
		version: r.version, server: r.server, db: r.db, catalogConn: r.catalogConn, note: r.addNote, mayCreate: func(name string) bool { return harmlessExtensions[name] },
		schema: func(ctx context.Context) (string, error) {
			var name *string
			err := r.conn.QueryRow(ctx, "SELECT pg_catalog.current_schema()", anyhow).Scan(&name)
			if err != nil || name == nil {
				return "", err
			}
			return *name, nil
		},
	}
	return d.runForRole(ctx, s.Node)
}

// ownerInStatement returns the role to which a statement gives an object, if it does nothing
// else, or whose default privileges it sets; "" for none.
func ownerInStatement(n *pgparse.Node) string {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.AlterOwnerStmt:
		return x.GetNewowner().GetRolename()
	case *pgparse.AlterTableStmt:
		if cmds := x.GetCmds(); len(cmds) == 1 && cmds[0].GetAlterTableCmd().GetSubtype() == pgparse.AlterTableType_AT_ChangeOwner {
			return cmds[0].GetAlterTableCmd().GetNewowner().GetRolename()
		}
	case *pgparse.AlterDefaultPrivilegesStmt:
		for _, o := range x.GetOptions() {
			if o.GetDefElem().GetDefname() != "roles" {
				continue
			}
			if list := o.GetDefElem().GetArg().GetList().GetItems(); len(list) == 1 {
				return list[0].GetRoleSpec().GetRolename()
			}
		}
	}
	return ""
}

// runForRole runs a statement for the role. If it does not, because that is unnecessary
// or impossible, the role's own attempt shows why.
func (d superuserHelper) runForRole(ctx context.Context, n *pgparse.Node) (done bool, err error) {
	if d.Superuser || d.Server != "" {
		return false, nil
	}
	if e := n.GetCreateExtensionStmt(); e != nil && d.mayCreate(e.GetExtname()) {
		err := d.createExtension(ctx, e)
		if isStatementFailure(err) || errors.Is(err, errNotOurs) {
			return false, nil
		}
		return err == nil, err
	}
	if c := n.GetCommentStmt(); c != nil && c.GetObjtype() == pgparse.ObjectType_OBJECT_EXTENSION {
		var isAllowed bool
		err := d.catalogConn.QueryRow(ctx, "SELECT pg_catalog.pg_has_role($1::pg_catalog.name, extowner, "+
			"'USAGE') FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) $2",
			roleName, c.GetObject().GetString_().GetSval()).Scan(&isAllowed)
		if errors.Is(err, pgx.ErrNoRows) || isAllowed || err != nil {
			return false, ignoreNoRows(err)
		}
		d.note("comments on extensions of the server's superuser were left out")
		return true, nil
	}
	if c := n.GetCreateRoleStmt(); c != nil {
		err := createRole(ctx, d.server, c.GetRole())
		if isStatementFailure(err) {
			return false, nil
		}
		d.note("roles are made without their options: " + c.GetRole())
		return err == nil, err
	}
	return false, nil
}

func ignoreNoRows(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// changesOutsideDatabase reports whether a statement changes what no rehearsal could put back on a user's server, not even after a
// kill: another database, a tablespace, a setting of the server or of a role's sessions. Roles go: see roleTracker.
func changesOutsideDatabase(n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.CreatedbStmt, *pgparse.DropdbStmt, *pgparse.AlterDatabaseStmt, *pgparse.AlterDatabaseSetStmt,
		*pgparse.AlterDatabaseRefreshCollStmt, *pgparse.CreateTableSpaceStmt, *pgparse.DropTableSpaceStmt,
		*pgparse.AlterTableSpaceOptionsStmt, *pgparse.AlterSystemStmt, *pgparse.AlterRoleSetStmt:
		return true
	case *pgparse.RenameStmt:
		return isServerWide(x.GetRenameType())
	case *pgparse.AlterOwnerStmt:
		return isServerWide(x.GetObjectType())
	}
	return false
}

func isServerWide(t pgparse.ObjectType) bool {
	return t == pgparse.ObjectType_OBJECT_DATABASE || t == pgparse.ObjectType_OBJECT_TABLESPACE
}

var noRole = lazyregexp.New(`^role "(.+)" does not exist$`)

// missingRole returns the role that a statement names and the server does not
// have.
func missingRole(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42704" || pg.Code == "22023") {
		if m := noRole.FindStringSubmatch(pg.Message); m != nil {
			return m[1]
		}
	}
	return ""
}

// makeRole creates a role without rights, of which the migrations' role is a
// member.
func (v *version) makeRole(ctx context.Context, s *pgserver.Server, name string) error {
	if err := createRole(ctx, s, name); err != nil {
		return fmt.Errorf("make the role %s, which the migrations name: %w", name, err)
	}
	if !slices.Contains(v.roles, name) {
		v.roles = append(v.roles, name)
	}
	return nil
}

// supplyPrerequisites lets the created roles own objects in a database, and creates the
// bookkeeping tables that the release needs.
func (v *version) supplyPrerequisites(ctx context.Context, s *pgserver.Server, db string) error {
	if err := v.repeatSupplies(ctx, s, db); err != nil {
		return fmt.Errorf("give the release what it takes for granted: %w", err)
	}
	statements := slices.Clone(v.bookkeepingDDL)
	for _, role := range v.roles {
		// The name comes from a migration, so it is quoted, inside a quoted text.
		statements = append(statements, "DO LANGUAGE plpgsql "+pgparse.QuoteLiteral("DECLARE s pg_catalog.name; BEGIN FOR s IN SELECT nspname "+
			"FROM pg_catalog.pg_namespace"+
			" WHERE nspname OPERATOR(pg_catalog.!~) '^pg_' AND nspname OPERATOR(pg_catalog.<>) 'information_schema' AND pg_catalog.pg_has_role(nspowner, 'USAGE')"+
			" LOOP EXECUTE pg_catalog.format('GRANT CREATE ON SCHEMA %I TO %I', s, "+pgparse.QuoteLiteral(role)+"); END LOOP; END"))
	}
	if len(statements) == 0 || v.Server != "" {
		return nil
	}
	if err := v.execAsMigrationRole(ctx, s, db, statements...); err != nil {
		return fmt.Errorf("prepare the roles that the migrations name: %w", err)
	}
	return nil
}

// createRole creates a role of which the migrations' role becomes a member. An
// existing role stays as it is. Nobody becomes a member of a superuser, or of a
// role of the server or of onward: a migration may claim that it makes one, or a
// function may claim that one is missing.
func createRole(ctx context.Context, s *pgserver.Server, name string) error {
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	id := pgx.Identifier{name}.Sanitize()
	_, err = c.Exec(ctx, "CREATE ROLE "+id)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42710" { // it exists
		var isGrantable bool
		if err := c.QueryRow(ctx, "SELECT oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND NOT rolsuper AND rolname OPERATOR(pg_catalog.<>) ALL ($2) FROM "+
			"pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1",
			name, []string{roleName, lookName, watchName}).Scan(&isGrantable); err != nil {
			return err
		}
		if !isGrantable {
			return pg
		}
		err = nil
	}
	if err == nil {
		_, err = c.Exec(ctx, "GRANT "+id+" TO "+roleName+" WITH ADMIN OPTION")
	}
	return err
}

// bookName matches the names that teams give to bookkeeping tables.
var bookName = lazyregexp.New(`(?i)migration|schema_version`)

// historyTableOf returns the bookkeeping table of the tool that runs the migrations of a
// source. Several tools may have a table of one name, each with columns of its own.
func historyTableOf(s adapter.Source, tool string) *adapter.HistoryTable {
	if ownRunner := s.Options.Own; ownRunner != nil {
		table, columns := ownRunner.HistoryTable()
		return &adapter.HistoryTable{Table: table[strings.LastIndexByte(table, '.')+1:], Columns: columns}
	}
	a, ok := all.FindAdapter(s.Framework)
	if !ok {
		return nil
	}
	var found *adapter.HistoryTable
	for _, b := range a.Traits().HistoryTables {
		switch {
		case b.Columns == "":
		case b.Tool == tool:
			return &b
		case found == nil:
			found = &b
		}
	}
	return found
}

var noTable = lazyregexp.New(`^relation "((?:[^"]+\.)?([^".]+))" does not exist$`)

// missingHistoryTable returns the DDL of the bookkeeping table that a statement
// names and the database does not have; "" for any other error.
//
// tool is the table of the tool that runs the migrations, in case it has another
// name; nil if unknown.
func missingHistoryTable(err error, tool *adapter.HistoryTable) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42P01" {
		return ""
	}
	m := noTable.FindStringSubmatch(pg.Message)
	if m == nil {
		return ""
	}
	book := all.HistoryTables()[m[2]]
	if tool != nil && tool.Columns != "" && (tool.Table == m[2] || book.Columns == "" && bookName.MatchString(m[2])) {
		book = *tool // the team has chosen its name
	}
	if book.Columns == "" {
		return ""
	}
	schema, _, qualified := strings.Cut(m[1], ".")
	name := pgx.Identifier{m[2]}
	if qualified {
		name = pgx.Identifier{schema, m[2]}
	}
	return "CREATE TABLE IF NOT EXISTS " + name.Sanitize() + " " + book.Columns
}
