// Package outside tells what SQL does beyond its database: the programs that it
// starts, the files and libraries that it opens, the rights that it takes.
//
// Much of that is legitimate if the role of the migrations is a superuser: rows
// are copied from a file, a setting of the server is changed, a table is given
// to another role. [Act].Honest marks these acts. Acts that no schema
// change needs are a sign of an attack.
package outside

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Act is one thing that a statement does beyond its database.
type Act struct {
	// Does describes it, as a predicate: "starts a program on the server".
	Does string
	// Honest: well-meaning migrations do it too.
	Honest bool
}

// Role lists the names of the role that runs the statements.
type Role []string

// Statement returns what a statement itself does, without the functions that it
// calls.
func (role Role) Statement(n *pgparse.Node) []Act {
	var out []Act
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.CopyStmt:
			out = append(out, copyActs(x)...)
		case *pgparse.LoadStmt:
			out = append(out, loadAct(x.GetFilename()))
		case *pgparse.CreateFunctionStmt:
			out = append(out, createFunctionActs(x)...)
		case *pgparse.AlterSystemStmt:
			out = append(out, systemSettingAct(x.GetSetstmt().GetName()))
		case *pgparse.AlterRoleStmt:
			out = append(out, role.alterRoleActs(x)...)
		case *pgparse.GrantRoleStmt:
			out = append(out, role.grantActs(x)...)
		case *pgparse.VariableSetStmt:
			if x.GetName() == "role" || x.GetName() == "session_authorization" {
				out = append(out, Act{"becomes another role", true})
			}
		case *pgparse.InsertStmt:
			out = append(out, roleCatalogActs(x.GetRelation())...)
		case *pgparse.UpdateStmt:
			out = append(out, roleCatalogActs(x.GetRelation())...)
		case *pgparse.DeleteStmt:
			out = append(out, roleCatalogActs(x.GetRelation())...)
		case *pgparse.FuncCall:
			out = append(out, callActs(x)...)
		}
		return true
	})
	return out
}

const program = "starts a program on the server"

func copyActs(x *pgparse.CopyStmt) []Act {
	switch {
	case x.GetIsProgram():
		return []Act{{program + " (COPY … PROGRAM)", false}}
	case x.GetFilename() == "":
		return nil
	case x.GetIsFrom():
		return []Act{fileAct("reads", x.GetFilename())}
	}
	return []Act{fileAct("writes", x.GetFilename())}
}

// machines matches directories with the configuration of a machine: no rows
// come from there.
var machines = lazyregexp.New(`^/(etc|proc|sys|root|boot)/|/\.[^./]`)

// fileAct is the use of a file: of rows, or of the configuration of the machine
// or the server.
func fileAct(verb, file string) Act {
	clean := path.Clean(file)
	isConfigFile := machines.MatchString(clean)
	switch path.Base(clean) {
	case "pg_hba.conf", "pg_ident.conf", "postgresql.conf", "postgresql.auto.conf", "PG_VERSION", "postmaster.pid":
		isConfigFile = true
	}
	if isConfigFile {
		return Act{verb + " a file that the server's machine is set up with (" + file + ")", false}
	}
	return Act{verb + " a file of the server's machine", true}
}

// loadAct is the loading of code: of a library that came with the server, or of
// any other.
func loadAct(file string) Act {
	if strings.HasPrefix(file, "$libdir/") && !strings.Contains(file, "..") {
		return Act{"loads a library", true}
	}
	if strings.Contains(file, "/") || strings.Contains(file, ".so.") || strings.HasPrefix(file, "libc.") {
		return Act{"loads a library that did not come with the server (" + file + ")", false}
	}
	return Act{"loads a library", true}
}

// createFunctionActs is the creation of a function in C or in internal code.
func createFunctionActs(x *pgparse.CreateFunctionStmt) []Act {
	language, code := pgparse.FunctionCode(x.GetOptions())
	if len(code) == 0 {
		return nil
	}
	switch language {
	case "c":
		return []Act{loadAct(code[0])}
	case "internal":
		if verb, ok := reaching[code[0]]; ok {
			return []Act{{"makes a function that " + verb + " files of the server's machine", false}}
		}
	}
	return nil
}

// systemSettingAct is a change of a setting of the whole server.
func systemSettingAct(name string) Act {
	if strings.HasSuffix(name, "_command") {
		return Act{"names a program for the server to start (" + name + ")", false}
	}
	return Act{"changes a setting of the whole server", true}
}

func (role Role) alterRoleActs(x *pgparse.AlterRoleStmt) []Act {
	for _, o := range x.GetOptions() {
		if d := o.GetDefElem(); d.GetDefname() == "superuser" && d.GetArg().GetBoolean().GetBoolval() {
			if role.isRunningRole(x.GetRole()) {
				return []Act{{"makes its own role a superuser", false}}
			}
			return []Act{{"makes a role a superuser", true}}
		}
	}
	return nil
}

// strong are roles that are equivalent to a superuser.
var strong = []string{"pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"}

func (role Role) grantActs(x *pgparse.GrantRoleStmt) []Act {
	if !x.GetIsGrant() {
		return nil
	}
	for _, r := range x.GetGrantedRoles() {
		name := r.GetAccessPriv().GetPrivName()
		if slices.Contains(strong, name) && slices.ContainsFunc(x.GetGranteeRoles(), func(n *pgparse.Node) bool { return role.isRunningRole(n.GetRoleSpec()) }) {
			return []Act{{"gives its own role the rights of " + name, false}}
		}
	}
	return nil
}

// isRunningRole reports whether a role is the one that runs the statement.
func (role Role) isRunningRole(r *pgparse.RoleSpec) bool {
	switch r.GetRoletype() {
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_ROLE, pgparse.RoleSpecType_ROLESPEC_CURRENT_USER, pgparse.RoleSpecType_ROLESPEC_SESSION_USER:
		return true
	}
	return slices.Contains(role, r.GetRolename())
}

// roleCatalogActs is a write to the catalogs of roles and their members.
func roleCatalogActs(r *pgparse.RangeVar) []Act {
	schema, name := pgparse.RangeName(r)
	if (schema == "" || schema == "pg_catalog") && (name == "pg_authid" || name == "pg_auth_members") {
		return []Act{{"writes the server's own list of roles (" + name + ")", false}}
	}
	return nil
}

// reaching are built-in functions that open files, with what they do.
var reaching = map[string]string{
	"pg_read_file": "reads", "pg_read_binary_file": "reads", "lo_import": "reads", "be_lo_import": "reads", "lo_export": "writes", "be_lo_export": "writes",
	"pg_file_write": "writes", "pg_file_rename": "writes", "pg_file_unlink": "deletes", "pg_file_sync": "writes",
	"pg_ls_dir": "lists", "pg_stat_file": "reads", "pg_ls_logdir": "lists", "pg_ls_waldir": "lists", "pg_ls_tmpdir": "lists",
}

// callActs is the call of such a function. Most have the file as the first
// argument, lo_export as the last.
func callActs(x *pgparse.FuncCall) []Act {
	names := pgparse.StringTexts(x.GetFuncname())
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
			return []Act{fileAct(verb, file)}
		}
	}
	return []Act{{verb + " files of the server's machine (" + name + ")", true}}
}

// Body describes the body of a function.
type Body struct {
	Acts []Act
	// Calls are the names of the functions that it calls, without schemas.
	Calls []string
	// Hides: it runs dynamic SQL whose text is not known.
	Hides bool
}

// Body reads the body of a function in SQL or PL/pgSQL. For any other language it
// returns nothing.
func (role Role) Body(language, text string) Body {
	var out Body
	switch language {
	case "sql":
		role.readStatements(&out, text)
	case "plpgsql":
		for _, p := range pgparse.ReadBody(text).Parts {
			role.readStatements(&out, p.SQL)
		}
		role.readDynamicSQL(&out, text)
	}
	return out
}

func (role Role) readStatements(out *Body, sql string) {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return
	}
	for i := range f.Stmts {
		n := f.Stmts[i].Node
		out.Acts = append(out.Acts, role.Statement(n)...)
		pgparse.Walk(n, func(msg any) bool {
			if c, ok := msg.(*pgparse.FuncCall); ok {
				out.Calls = append(out.Calls, pgparse.LastText(c.GetFuncname()))
			}
			return true
		})
	}
}

// executes matches dynamic SQL in a body, and starting matches a text in it that
// starts a program.
var (
	executes = lazyregexp.New(`(?i)\bEXECUTE\s+([^;]*)`)
	starting = lazyregexp.New(`(?is)\bCOPY\b.*\b(TO|FROM)\s+PROGRAM\b`)
)

// readDynamicSQL reads the dynamic SQL of a body: the text itself if it is constant, else
// what it contains.
func (role Role) readDynamicSQL(out *Body, text string) {
	for _, m := range executes.FindAllStringSubmatch(text, -1) {
		if starting.MatchString(m[1]) {
			out.Acts = append(out.Acts, Act{program + " (COPY … PROGRAM)", false})
		}
		if f, err := pgparse.SplitText("SELECT " + strings.TrimSpace(m[1])); err == nil && len(f.Stmts) == 1 && f.Stmts[0].Err == nil {
			if targets := f.Stmts[0].Node.GetSelectStmt().GetTargetList(); len(targets) == 1 {
				if _, ok := pgparse.ConstantString(targets[0].GetResTarget().GetVal()); ok {
					continue // its statements were read
				}
			}
		}
		out.Hides = true
	}
}
