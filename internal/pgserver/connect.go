package pgserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Databases contain untrusted code: the owner may preset any setting for the sessions that others open to it (ALTER
// DATABASE … SET), and create operators, functions and views that shadow the server's. So onward's sessions start with
// their own settings, which are sent with the connection and override those of databases and roles. Names and operators
// then mean the server's own, text is read as written, and nothing inside can end the session.

// pinnedSettings returns those settings. A superuser's session gets some more.
func pinnedSettings(major int, superuser bool) map[string]string {
	out := map[string]string{
		// Without pg_temp at the end, temporary relations and types would be searched first.
		"search_path": "pg_catalog, pg_temp",
		// How text is parsed.
		"client_encoding": "UTF8", "standard_conforming_strings": "on", "backslash_quote": "safe_encoding",
		"transform_null_equals": "off", "array_nulls": "on", "xmloption": "content",
		// How values are written.
		"DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "TimeZone": "UTC", "bytea_output": "hex", "extra_float_digits": "1",
		"xmlbinary": "base64", "quote_all_identifiers": "off",
		// The acting role, and the defaults for objects.
		"role": "none", "row_security": "off", "default_tablespace": "", "temp_tablespaces": "", "default_table_access_method": "heap",
		"check_function_bodies": "on", "default_text_search_config": "pg_catalog.simple",
		// Loaded libraries, and reasons for a session to end.
		"local_preload_libraries": "", "jit": "off", "exit_on_error": "off", "statement_timeout": "0", "lock_timeout": "0",
		"idle_in_transaction_session_timeout": "0", "default_transaction_read_only": "off", "default_transaction_isolation": "read committed",
		"default_transaction_deferrable": "off", "max_parallel_workers_per_gather": "0", "client_min_messages": "warning",
	}
	if major < 19 { // 19 has it no longer
		out["escape_string_warning"] = "off"
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

// PinnedURL is URLAs for a session whose settings keep objects of its database from replacing the server's own. A role
// of "" is the superuser. On the user's server it is URL: the session has the role of the address, whatever role says,
// and the rights of the code in the database.
func (s *Server) PinnedURL(role, db string) string {
	if s.external != nil {
		return s.external.databaseURL(db)
	}
	u, err := url.Parse(s.URL(db))
	if err != nil { // URL built it
		panic(err)
	}
	query := u.Query()
	for name, value := range pinnedSettings(s.install.Major, role == "") {
		query.Set(name, value)
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // Postgres' drivers do not decode a plus as a space
	if role != "" {
		u.User = url.User(role)
	}
	return u.String()
}

// Connect opens a session with the settings of PinnedURL. A database of "" is the one from which the server is managed:
// it contains nobody's code.
func (s *Server) Connect(ctx context.Context, role, db string) (*pgx.Conn, error) {
	address := s.PinnedURL(role, cmp.Or(db, "postgres"))
	if db == "" && s.external != nil {
		address = s.cfg.URL
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, s.addCrash(err)
	}
	if s.external == nil {
		return conn, nil
	}
	// A pooler of the user's server may not know settings in the startup message.
	settings := pinnedSettings(s.install.Major, false)
	delete(settings, "local_preload_libraries") // it has an effect at the start of a session only
	delete(settings, "role")                    // the address may name one
	var set []string
	var args []any
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		set = append(set, fmt.Sprintf("pg_catalog.set_config($%d, $%d, false)", len(args)+1, len(args)+2))
		args = append(args, name, settings[name])
	}
	if _, err := conn.Exec(ctx, "SELECT "+strings.Join(set, ", "), append([]any{pgx.QueryExecModeExec}, args...)...); err != nil {
		_ = conn.Close(ctx)
		return nil, fmt.Errorf("prepare a session: %w", s.addCrash(err))
	}
	return conn, nil
}

// command describes the server's first process before it is started.
type command struct {
	install       Install
	acct          account
	data, sockets string
	unconfined    bool // Config.Unconfined
	abi           int  // Config.abi: the newest version of Landlock to use; 0 for any
}

func (c command) program() string { return filepath.Join(c.install.Bin, "postgres") }

func (c command) args() []string { return []string{c.program(), "-D", c.data} }

// environment is the server's complete environment.
func (c command) environment() []string {
	return []string{"LC_ALL=C", "PATH=" + c.install.Bin, "TZ=UTC"}
}

// StartStandby starts a hot standby of a running throwaway server: a copy of its cluster, which replays the primary's WAL by
// streaming. cfg's Settings override the primary's; its Major, Bin and URL have no effect. Nobody may drop anything on the
// primary while it is copied. The caller must stop the primary separately; the standby goes on without it. A standby has no
// restrictions, because it connects to its primary: it is for tests. The errors are the same as for [Start].
func StartStandby(ctx context.Context, cfg Config, primary *Server) (*Server, error) {
	if primary.external != nil {
		return nil, errors.New("a server that somebody else runs cannot be copied: its files are not at hand")
	}
	cfg.Bin, cfg.Major, cfg.URL, cfg.Unconfined = primary.install.Bin, primary.install.Major, "", true
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	settings := maps.Clone(primary.cfg.Settings)
	if settings == nil {
		settings = map[string]string{}
	}
	maps.Copy(settings, cfg.Settings)
	settings["primary_conninfo"] = fmt.Sprintf("host=%s port=%s user=postgres application_name=standby", primary.private.sockets, socketPort)
	cfg.Settings = settings
	ctx, cancel := withStartTimeout(ctx)
	defer cancel()
	c, err := resolveConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	begin, end := "SELECT pg_backup_start('standby', true)", "SELECT labelfile FROM pg_backup_stop(false)"
	if primary.Major() < 15 {
		begin, end = "SELECT pg_start_backup('standby', true, false)", "SELECT labelfile FROM pg_stop_backup(false, false)"
	}
	conn, err := primary.Connect(ctx, "postgres", "postgres")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // an unfinished backup ends with it
	if _, err := conn.Exec(ctx, begin); err != nil {
		return nil, fmt.Errorf("begin to copy the primary: %w", err)
	}
	c.base = primary.dataDir()
	c.afterCopy = func(data string) error {
		var label string
		if err := conn.QueryRow(ctx, end).Scan(&label); err != nil {
			return fmt.Errorf("copy the primary: %w", err)
		}
		return c.makeStandby(data, label)
	}
	return c.startWithRetry(ctx)
}

// makeStandby turns the copy of a running cluster into a standby's.
func (c *resolvedConfig) makeStandby(data, label string) error {
	for _, name := range []string{"postmaster.pid", "postmaster.opts"} {
		if err := os.Remove(filepath.Join(data, name)); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"backup_label": label, "standby.signal": ""} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		if err := c.acct.changeOwner(path); err != nil {
			return err
		}
	}
	return nil
}
