package outside

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ListReach lists what a statement does that its kind does not show: what it does beyond its database, a block of code
// that it runs, and a function in a language whose code may do anything. It also reads the bodies of functions in SQL and
// PL/pgSQL, because a trigger may call them.
//
// A schema change needs none of it. A migration as its author wrote it may.
func (role Role) ListReach(n *pgparse.Node) []Act {
	out := role.Statement(n)
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.DoStmt:
			out = append(out, Act{"runs a block of code (DO)", true})
		case *pgparse.CallStmt:
			out = append(out, Act{"calls a procedure (CALL)", true})
		case *pgparse.ExecuteStmt:
			out = append(out, Act{"runs a statement that was prepared before (EXECUTE)", true})
		case *pgparse.CreateFunctionStmt:
			out = append(out, role.listFunctionReach(x)...)
		case *pgparse.FuncCall:
			_, name := pgparse.SchemaAndName(x.GetFuncname())
			out = append(out, listCallReach(name)...)
		}
		return true
	})
	return out
}

// trusted are the languages that Postgres marks as trusted: their code can only reach the database. Any other language,
// including unknown ones, may reach the machine.
var trusted = []string{"sql", "plpgsql", "plperl", "pltcl"}

// listFunctionReach lists the reach of a function that is created.
func (role Role) listFunctionReach(x *pgparse.CreateFunctionStmt) []Act {
	language, code := pgparse.FunctionCode(x.GetOptions())
	if language == "" { // a body without quotes (BEGIN ATOMIC) is SQL, and its statements are part of this one
		return nil
	}
	if !slices.Contains(trusted, language) {
		return []Act{{"makes a function in a language that is not trusted (" + language + ")", true}}
	}
	if len(code) == 0 {
		return nil
	}
	body := role.Body(language, code[0])
	for _, name := range body.Calls {
		body.Acts = append(body.Acts, listCallReach(name)...)
	}
	return body.Acts
}

// otherSessions are functions that reach other sessions, other servers or the server itself.
var otherSessions = map[string]string{
	"pg_terminate_backend": "ends other sessions", "pg_cancel_backend": "ends other sessions' statements",
	"pg_reload_conf": "has the server read its settings again", "pg_rotate_logfile": "begins a new log of the server",
	"pg_promote": "promotes a standby", "pg_switch_wal": "begins a new file of the WAL",
	"pg_drop_replication_slot": "drops a replication slot", "pg_create_logical_replication_slot": "makes a replication slot", "pg_create_physical_replication_slot": "makes a replication slot",
	"query_to_xml": "runs a text as a query", "query_to_xmlschema": "runs a text as a query", "cursor_to_xml": "runs a text as a query",
}

// listCallReach describes such a function, by its name. dblink's functions have a common prefix.
func listCallReach(name string) []Act {
	if effect, ok := otherSessions[name]; ok {
		return []Act{{effect + " (" + name + ")", true}}
	}
	if strings.HasPrefix(name, "dblink") {
		return []Act{{"reaches another database (" + name + ")", true}}
	}
	return nil
}
