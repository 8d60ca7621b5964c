// Package outside tells what SQL does beyond its database: the programs that it
// starts, the files and libraries that it opens, the rights that it takes.
//
// Much of that is honest where the role of the migrations is a superuser: rows
// are copied from a file, a setting of the server is changed, a table is given
// to another role. What no change of a schema takes is told apart from it, as
// only that may be held against anybody.
package outside

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Act is one thing that a statement does beyond its database.
type Act struct {
	// Does says it, with the statement as its subject: "starts a program on the
	// server".
	Does string
	// Honest: migrations that mean no harm do it too.
	Honest bool
}

// Role are the names of the role that runs the statements.
type Role []string

// Statement tells what a statement does itself; not what the functions do that
// it calls.
func (by Role) Statement(n *pgparse.Node) []Act {
	var out []Act
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.CopyStmt:
			out = append(out, copies(x)...)
		case *pgparse.LoadStmt:
			out = append(out, library(x.GetFilename()))
		case *pgparse.CreateFunctionStmt:
			out = append(out, makes(x)...)
		case *pgparse.AlterSystemStmt:
			out = append(out, system(x.GetSetstmt().GetName()))
		case *pgparse.AlterRoleStmt:
			out = append(out, by.role(x)...)
		case *pgparse.GrantRoleStmt:
			out = append(out, by.grant(x)...)
		case *pgparse.VariableSetStmt:
			if x.GetName() == "role" || x.GetName() == "session_authorization" {
				out = append(out, Act{"becomes another role", true})
			}
		case *pgparse.InsertStmt:
			out = append(out, roles(x.GetRelation())...)
		case *pgparse.UpdateStmt:
			out = append(out, roles(x.GetRelation())...)
		case *pgparse.DeleteStmt:
			out = append(out, roles(x.GetRelation())...)
		case *pgparse.FuncCall:
			out = append(out, calls(x)...)
		}
		return true
	})
	return out
}

const program = "starts a program on the server"

func copies(x *pgparse.CopyStmt) []Act {
	switch {
	case x.GetIsProgram():
		return []Act{{program + " (COPY … PROGRAM)", false}}
	case x.GetFilename() == "":
		return nil
	case x.GetIsFrom():
		return []Act{opens("reads", x.GetFilename())}
	}
	return []Act{opens("writes", x.GetFilename())}
}

// machines are the directories that hold what a machine is set up with: no rows
// come from there.
var machines = regexp.MustCompile(`^/(etc|proc|sys|root|boot)/|/\.[^./]`)

// opens is the use of a file: of rows, or of what the machine or the server
// itself is set up with.
func opens(verb, file string) Act {
	clean := path.Clean(file)
	own := machines.MatchString(clean)
	switch path.Base(clean) {
	case "pg_hba.conf", "pg_ident.conf", "postgresql.conf", "postgresql.auto.conf", "PG_VERSION", "postmaster.pid":
		own = true
	}
	if own {
		return Act{verb + " a file that the server's machine is set up with (" + file + ")", false}
	}
	return Act{verb + " a file of the server's machine", true}
}

// library is the loading of code: of a library that came with the server, or of
// any other.
func library(file string) Act {
	if strings.HasPrefix(file, "$libdir/") && !strings.Contains(file, "..") {
		return Act{"loads a library", true}
	}
	if strings.Contains(file, "/") || strings.Contains(file, ".so.") || strings.HasPrefix(file, "libc.") {
		return Act{"loads a library that did not come with the server (" + file + ")", false}
	}
	return Act{"loads a library", true}
}

// makes is a function whose code is none of a database's languages.
func makes(x *pgparse.CreateFunctionStmt) []Act {
	language, as := pgparse.Code(x.GetOptions())
	if len(as) == 0 {
		return nil
	}
	switch language {
	case "c":
		return []Act{library(as[0])}
	case "internal":
		if does, ok := reaching[as[0]]; ok {
			return []Act{{"makes a function that " + does + " files of the server's machine", false}}
		}
	}
	return nil
}

// system is a setting of the whole server.
func system(name string) Act {
	if strings.HasSuffix(name, "_command") {
		return Act{"names a program for the server to start (" + name + ")", false}
	}
	return Act{"changes a setting of the whole server", true}
}

func (by Role) role(x *pgparse.AlterRoleStmt) []Act {
	for _, o := range x.GetOptions() {
		if d := o.GetDefElem(); d.GetDefname() == "superuser" && d.GetArg().GetBoolean().GetBoolval() {
			if by.is(x.GetRole()) {
				return []Act{{"makes its own role a superuser", false}}
			}
			return []Act{{"makes a role a superuser", true}}
		}
	}
	return nil
}

// strong are roles that are as good as a superuser.
var strong = []string{"pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"}

func (by Role) grant(x *pgparse.GrantRoleStmt) []Act {
	if !x.GetIsGrant() {
		return nil
	}
	for _, r := range x.GetGrantedRoles() {
		name := r.GetAccessPriv().GetPrivName()
		if slices.Contains(strong, name) && slices.ContainsFunc(x.GetGranteeRoles(), func(n *pgparse.Node) bool { return by.is(n.GetRoleSpec()) }) {
			return []Act{{"gives its own role the rights of " + name, false}}
		}
	}
	return nil
}

// is reports whether a role is the one that runs the statement.
func (by Role) is(r *pgparse.RoleSpec) bool {
	switch r.GetRoletype() {
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_ROLE, pgparse.RoleSpecType_ROLESPEC_CURRENT_USER, pgparse.RoleSpecType_ROLESPEC_SESSION_USER:
		return true
	}
	return slices.Contains(by, r.GetRolename())
}

// roles is the writing of the catalogs that hold who may do what.
func roles(r *pgparse.RangeVar) []Act {
	schema, name := pgparse.RangeName(r)
	if (schema == "" || schema == "pg_catalog") && (name == "pg_authid" || name == "pg_auth_members") {
		return []Act{{"writes the server's own list of roles (" + name + ")", false}}
	}
	return nil
}

// reaching are functions of the server's that open files, by what they do.
var reaching = map[string]string{
	"pg_read_file": "reads", "pg_read_binary_file": "reads", "lo_import": "reads", "be_lo_import": "reads", "lo_export": "writes", "be_lo_export": "writes",
	"pg_file_write": "writes", "pg_file_rename": "writes", "pg_file_unlink": "deletes", "pg_file_sync": "writes",
	"pg_ls_dir": "lists", "pg_stat_file": "reads", "pg_ls_logdir": "lists", "pg_ls_waldir": "lists", "pg_ls_tmpdir": "lists",
}

// calls is the call of such a function. Most say which file first, lo_export last.
func calls(x *pgparse.FuncCall) []Act {
	names := pgparse.Texts(x.GetFuncname())
	if len(names) == 0 || len(names) > 1 && names[0] != "pg_catalog" {
		return nil
	}
	name := names[len(names)-1]
	verb, ok := reaching[name]
	if !ok {
		return nil
	}
	if args := x.GetArgs(); len(args) > 0 {
		arg := args[0]
		if name == "lo_export" {
			arg = args[len(args)-1]
		}
		if file, ok := pgparse.ConstantString(arg); ok {
			return []Act{opens(verb, file)}
		}
	}
	return []Act{{verb + " files of the server's machine (" + name + ")", true}}
}
