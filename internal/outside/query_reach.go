package outside

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// forbidden are functions that a query from elsewhere may not call. Even in a read-only transaction they have effects
// that survive a rollback, reach other sessions, or run a text as SQL. Functions whose names begin with one of
// forbiddenPrefixes are forbidden too, unless readsOnly matches them.
var (
	forbidden = []string{
		"setval", "set_config", "ts_stat", "ts_rewrite", "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml", "cursor_to_xmlschema",
		"crosstab", "connectby", "xpath_table", "query_export_to_s3", "table_import_from_s3",
	}
	forbiddenPrefixes = []string{"pg_", "lo_", "dblink"}
	// readsOnly matches functions that only look at the session's own transaction, or report the server's state.
	readsOnly = lazyregexp.New(`^pg_(?:(?:try_)?advisory_xact_lock(?:_shared)?|notify|typeof|input_is_valid|input_error_info|backend_pid|my_temp_schema` +
		`|(?:column|relation|table|total_relation|indexes|database|tablespace)_size|size_pretty|size_bytes|stat_get_\w+|stat_statements(?:_info)?` +
		`|is_\w+|has_role|get_\w+|\w+_is_visible|current_\w+|snapshot_\w+|xact_\w+|last_\w+|wal_lsn_diff|walfile_\w+|blocking_pids|safe_snapshot_blocking_pids` +
		`|lock_status|control_\w+|conf_load_time|postmaster_start_time|partition_\w+|tablespace_location|ls_waldir|ls_logdir|ls_tmpdir|ls_archive_statusdir)$`)
)

// ownDirectories are functions that list one of the server's own directories and read no file.
var ownDirectories = []string{"pg_ls_waldir", "pg_ls_logdir", "pg_ls_tmpdir", "pg_ls_archive_statusdir"}

// DescribeReach returns what a statement does that survives a rollback, or that reaches beyond its own session; "" if it is
// known to do nothing of that kind. User-defined functions are not examined.
func DescribeReach(n *pgparse.Node) (effect string) {
	note := func(s string) {
		if effect == "" {
			effect = s
		}
	}
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.FuncCall:
			_, name := pgparse.SchemaAndName(x.Funcname)
			if isForbiddenFunction(name) {
				note("calls " + name + ", which reaches beyond its own transaction")
			}
		case *pgparse.UpdateStmt:
			if x.GetRelation().GetRelname() == "pg_settings" {
				note("changes a setting of its session")
			}
		case *pgparse.SelectStmt:
			if x.IntoClause != nil {
				note("makes a table")
			}
		}
		return effect == ""
	})
	if effect == "" {
		for _, a := range (Role{}).Statement(n) {
			if !slices.ContainsFunc(ownDirectories, func(name string) bool { return strings.HasSuffix(a.Does, "("+name+")") }) {
				note(a.Does)
			}
		}
	}
	return effect
}

func isForbiddenFunction(name string) bool {
	return slices.Contains(forbidden, name) || !readsOnly.MatchString(name) &&
		slices.ContainsFunc(forbiddenPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// RefuseQuery returns why a configured query must not run on a production server; "" if it may. It must be one SELECT
// that [DescribeReach] finds nothing in.
func RefuseQuery(sql string) (reason string) {
	f, err := pgparse.SplitText(sql)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node.GetSelectStmt() == nil {
		return "it is not one SELECT"
	}
	if effect := DescribeReach(f.Stmts[0].Node); effect != "" {
		return "it " + effect
	}
	return ""
}

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
