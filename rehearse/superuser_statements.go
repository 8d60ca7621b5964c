package rehearse

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

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
