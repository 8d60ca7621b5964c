package pgserver

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// What runs in a database is a stranger's: its owner may name any value for the sessions that others open to it
// (ALTER DATABASE … SET), and put operators, functions and views beside the server's. So a session of ours begins
// with settings of its own, which come with the connection and beat those of databases and roles: names and operators
// mean the server's own, text means what we wrote, and nothing ends the session from within.

// pinned are those settings. Of a superuser's session some more can be said.
func pinned(major int, superuser bool) map[string]string {
	out := map[string]string{
		// Without the second, temporary relations and types would be searched first.
		"search_path": "pg_catalog, pg_temp",
		// How text is read.
		"client_encoding": "UTF8", "standard_conforming_strings": "on", "backslash_quote": "safe_encoding", "escape_string_warning": "off",
		"transform_null_equals": "off", "array_nulls": "on", "xmloption": "content",
		// How values are written.
		"DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "TimeZone": "UTC", "bytea_output": "hex", "extra_float_digits": "1",
		"xmlbinary": "base64", "quote_all_identifiers": "off",
		// Who acts, and on what.
		"role": "none", "row_security": "off", "default_tablespace": "", "temp_tablespaces": "", "default_table_access_method": "heap",
		"check_function_bodies": "on", "default_text_search_config": "pg_catalog.simple",
		// What is loaded, and what ends a session.
		"local_preload_libraries": "", "jit": "off", "exit_on_error": "off", "statement_timeout": "0", "lock_timeout": "0",
		"idle_in_transaction_session_timeout": "0", "default_transaction_read_only": "off", "default_transaction_isolation": "read committed",
		"default_transaction_deferrable": "off", "max_parallel_workers_per_gather": "0", "client_min_messages": "warning",
	}
	if major >= 14 {
		out["idle_session_timeout"] = "0"
	}
	if major >= 17 {
		out["transaction_timeout"] = "0"
	}
	if superuser {
		out["session_replication_role"] = "origin"
		out["session_preload_libraries"] = ""
		if major >= 17 {
			out["event_triggers"] = "off"
		}
	}
	return out
}

// PinnedURL is URLAs for a session that trusts nothing in its database. A role of "" is the superuser. On a server that
// somebody else runs it is URL: what connects there is who was named, whatever the role, and has the rights of what
// runs in the database.
func (s *Server) PinnedURL(role, db string) string {
	if s.external != nil {
		return s.external.url(db)
	}
	u, err := url.Parse(s.URL(db))
	if err != nil { // it was put together by URL
		panic(err)
	}
	query := u.Query()
	for name, value := range pinned(s.install.Major, role == "") {
		query.Set(name, value)
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // a plus is no space to Postgres' drivers
	if role != "" {
		u.User = url.User(role)
	}
	return u.String()
}

// Connect opens a session that trusts nothing in its database; see PinnedURL. A database of "" is the one from which
// the server is managed: nothing of anyone's runs there.
func (s *Server) Connect(ctx context.Context, role, db string) (*pgx.Conn, error) {
	address := s.PinnedURL(role, cmp.Or(db, "postgres"))
	if db == "" && s.external != nil {
		address = s.cfg.URL
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, s.blame(err)
	}
	if s.external == nil {
		return conn, nil
	}
	// What stands before somebody's server may not know settings at the beginning of a session.
	settings := pinned(s.install.Major, false)
	delete(settings, "local_preload_libraries") // it counts at the beginning only
	delete(settings, "role")                    // the address may name one
	var set []string
	var args []any
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		set = append(set, fmt.Sprintf("pg_catalog.set_config($%d, $%d, false)", len(args)+1, len(args)+2))
		args = append(args, name, settings[name])
	}
	if _, err := conn.Exec(ctx, "SELECT "+strings.Join(set, ", "), append([]any{pgx.QueryExecModeExec}, args...)...); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("prepare a session: %w", s.blame(err))
	}
	return conn, nil
}
