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
