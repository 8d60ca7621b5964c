package rehearse

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/report"
)

// The roles of a rehearsal, and the database that holds the schema of the
// deployed release.
const (
	// roleName runs the migrations.
	roleName = "onward"
	// lookName reads the catalogs of their database, and may do nothing else:
	// what a migration makes its sessions run can do nothing either.
	lookName = "onward_look"
	// watchName sees and ends the sessions of others, from a database of its own
	// that no migration gets into.
	watchName = "onward_watch"
	baseName  = "onward_base"
)

// base is the schema that the release begins with.
type base struct {
	from       string // as in onward.RehearsalBase
	migrations int
	database   string // to copy
	cached     bool
	took       time.Duration
	said
}

// said is what there is to know of a base, kept in the database's comment.
type said struct {
	Notes []string `json:"notes,omitempty"`
	// SearchPath is what the base's migrations left in force; "" is the default.
	SearchPath string `json:"search_path,omitempty"`
	// Absent are extensions that cannot be had, Lost the names of what was left out
	// for want of them.
	Absent []string `json:"absent,omitempty"`
	Lost   []string `json:"lost,omitempty"`
}

// BaseError says that the deployed schema could not be made.
type BaseError struct {
	// Migration and Path name the migration that failed; Line the statement.
	Migration, Path string
	Line            int
	Err             error
	// Reached is what of the server's machine, or of others' rights, it reached for
	// ("starts a program on the server"); "" for nothing that honest ones do not.
	Reached string
	// Unrun are migrations before it whose code was not run.
	Unrun []string
}

// Error says what failed, the server's words, and the ways out.
func (e *BaseError) Error() string {
	at := "the schema of the base cannot be made"
	if e.Migration != "" {
		at = fmt.Sprintf("the migrations of the base do not run from scratch: %s fails at %s:%d", e.Migration, e.Path, e.Line)
	}
	if e.Reached != "" {
		at += ": it " + e.Reached
	}
	at += ": " + e.Err.Error() + "\n"
	if n := len(e.Unrun); n > 0 {
		at += fmt.Sprintf("before it, the code of %s was not run, the last being %s\n", report.Count(n, "migration"), e.Unrun[n-1])
	}
	if e.Reached != "" {
		return at + "read what it does, and where it comes from, before it runs anywhere"
	}
	return at + wayOut(e.Err)
}

// Unwrap gives the server's error.
func (e *BaseError) Unwrap() error { return e.Err }

// wayOut is what to do about a base that cannot be made.
func wayOut(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case missingExtension(pg):
			return "the extension is not installed beside this server: name a server that has it with --postgres URL, or install it there"
		case pg.Code == "42501":
			return "the migrations run as a role that is no superuser: --superuser lets them, and they can then read files and start programs on this machine"
		}
	}
	return "give the deployed schema with --schema FILE (from pg_dump --schema-only), or mend the history"
}

func missingExtension(pg *pgconn.PgError) bool {
	return strings.HasPrefix(pg.Message, "extension \"") && strings.Contains(pg.Message, "is not available") ||
		strings.HasPrefix(pg.Message, "could not open extension control file")
}

// start starts the server with the base schema in it.
func (v *version) start(ctx context.Context) error {
	v.base = &base{from: "migrations", database: baseName}
	switch {
	case v.Dump != "":
		v.base.from = "dump"
	case v.Schema != "":
		v.base.from = "schema"
	default:
		for _, list := range v.release.Deployed() {
			v.base.migrations += len(list.Migrations)
		}
	}
	if v.empty() {
		v.MaxBytes = min(v.MaxBytes, smallBytes)
	}
	cfg := pgserver.Config{Major: v.major, Small: v.empty(), URL: v.Server, Unconfined: v.unconfined, Logger: v.Logger, Settings: map[string]string{
		"max_connections": "50", "track_functions": "none",
		// Not UTC, where timestamp becomes timestamptz without a rewrite: what sessions have in production is not
		// known, and the worse is watched. The spelling needs no files of time zones.
		"timezone": "<+01>-01",
		// What sorts and joins write is in no database's size.
		"temp_file_limit": fmt.Sprintf("%dkB", min(v.MaxBytes>>10, math.MaxInt32)),
	}}
	maps.Copy(cfg.Settings, v.settings)
	begun := time.Now()
	if v.Server != "" {
		cfg.Settings = nil
		return v.startExternal(ctx, cfg, begun)
	}
	key, err := v.baseKey()
	if err != nil {
		return err
	}
	s, built, err := pgserver.StartFrom(ctx, cfg, pgserver.Base{Key: key, Build: v.build})
	if err != nil {
		return err
	}
	v.server, v.base.cached = s, !built
	if built {
		v.base.took = time.Since(begun)
	}
	return v.recall(ctx)
}

// smallBytes bounds a rehearsal on empty tables: its server may live in memory.
const smallBytes = 1 << 30

// empty reports whether the release runs on tables without rows.
func (v *version) empty() bool {
	return v.Rows.Empty() && v.Dump == ""
}

// startExternal makes the base in a database of somebody else's server.
func (v *version) startExternal(ctx context.Context, cfg pgserver.Config, begun time.Time) error {
	s, err := pgserver.Start(ctx, cfg)
	if err != nil {
		return err
	}
	v.server = s
	if err := v.weak(ctx); err != nil {
		return errors.Join(err, s.Stop())
	}
	if err := v.makeRoles(ctx); err != nil {
		return errors.Join(err, s.Stop())
	}
	if v.base.database, err = s.NewDatabase(ctx, ""); err == nil {
		err = v.history(ctx, s)
	}
	if err != nil {
		return errors.Join(err, s.Stop())
	}
	v.base.took = time.Since(begun)
	return nil
}

// makeRoles asks to be the only one on somebody's server who makes roles, if the migrations make any.
func (v *version) makeRoles(ctx context.Context) error {
	names, makes, err := v.rolesMade()
	if err != nil || !makes {
		return err
	}
	return v.server.RoleMaker(ctx, names, func() {
		v.Logger.Info("waits: another rehearsal on this server makes roles, too")
	})
}

// weak refuses a role of somebody's server with which migrations could leave
// their database.
func (v *version) weak(ctx context.Context) error {
	if v.Superuser {
		return nil
	}
	c, err := v.server.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	// A superuser is a member of every role. Before 16, who may create roles may also give himself any that is no
	// superuser, pg_execute_server_program among them.
	var strong []string
	err = c.QueryRow(ctx, `SELECT COALESCE(pg_catalog.array_agg(rolname::pg_catalog.text ORDER BY NOT rolsuper, oid), '{}') FROM pg_catalog.pg_roles
		WHERE (rolsuper OR rolcreaterole AND $1 OR rolname OPERATOR(pg_catalog.=) ANY ('{pg_execute_server_program,pg_read_server_files,pg_write_server_files}')) AND pg_catalog.pg_has_role(oid, 'MEMBER')`, v.server.Major() < 16).Scan(&strong)
	if err != nil {
		return fmt.Errorf("ask what the role may: %w", err)
	}
	if len(strong) == 0 {
		return nil
	}
	return &config.InputError{Err: fmt.Errorf("the role of --postgres has the rights of %s: the migrations could read files and start programs on that server, and touch its other databases; "+
		"name a role that may create databases and is no superuser (CREATE ROLE rehearsal LOGIN CREATEDB), or let them with --superuser", strong[0])}
}

// baseKey names what the base is made of.
func (v *version) baseKey() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, "rehearsal 8", v.base.from, v.Superuser)
	if path := cmp.Or(v.Dump, v.Schema); path != "" {
		f, err := os.Open(path)
		if err != nil {
			return "", &config.InputError{Err: fmt.Errorf("read the schema of the base: %w", err)}
		}
		defer f.Close()
		if _, err := io.Copy(h, f); err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
	} else {
		for _, list := range v.release.Deployed() {
			for _, m := range list.Migrations {
				fmt.Fprintf(h, "%q %q %d %d\n", m.ID, m.Source.Mode, m.Runner.LockTimeout, m.Runner.StatementTimeout)
				for _, p := range m.Source.Parts {
					fmt.Fprintf(h, "%t %q\n", p.Message, p.SQL)
				}
			}
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// build makes the role and the base database on a new server.
func (v *version) build(ctx context.Context, s *pgserver.Server) error {
	// Nobody needs template1 in this cluster: the base takes its place, which
	// leaves three hundred files less to copy at each start.
	if err := execAll(ctx, s, "", "", "CREATE ROLE "+roleName+" LOGIN", "CREATE ROLE "+lookName+" LOGIN", "CREATE ROLE "+watchName+" LOGIN",
		"GRANT pg_monitor, pg_signal_backend TO "+watchName,
		"REVOKE ALL ON DATABASE postgres FROM PUBLIC", "GRANT CONNECT ON DATABASE postgres TO "+watchName, "DROP SCHEMA public",
		"ALTER DATABASE template1 IS_TEMPLATE false", "ALTER DATABASE template1 RENAME TO "+baseName, "ALTER DATABASE "+baseName+" OWNER TO "+roleName, admit(baseName)); err != nil {
		return err
	}
	if err := execAll(ctx, s, "", baseName, "ALTER SCHEMA public OWNER TO "+roleName); err != nil {
		return err
	}
	return v.history(ctx, s)
}

// admit lets us look into a database whose owner closes it to others.
func admit(db string) string { return "GRANT CONNECT ON DATABASE " + db + " TO " + lookName }

// url is where a database is, for whom the migrations run as.
func (v *version) url(s *pgserver.Server, db string) string {
	if v.Superuser {
		return s.URL(db)
	}
	return s.URLAs(roleName, db)
}

// keep writes what there is to say of the base into it, for the rehearsals that
// begin with it from the cache.
func (h *history) keep(ctx context.Context) error {
	if len(h.roles) > 0 {
		h.base.Notes = append(h.base.Notes, "roles were made because the migrations name them: "+strings.Join(h.roles, ", "))
	}
	if n := len(h.lost); n > 0 {
		h.base.Notes = append(h.base.Notes, fmt.Sprintf("of the base %s left out, as %s not be had: %s",
			report.Count(n, "statement")+" "+plural(n, "was", "were"), strings.Join(h.base.Absent, " and ")+" can", shortList(h.lost)))
	}
	if h.runner != nil {
		h.base.Notes = append(h.base.Notes, h.runner.notes...)
		var path string
		if err := h.runner.conn.QueryRow(ctx, "SELECT pg_catalog.current_setting('search_path')", anyhow).Scan(&path); err != nil {
			return err
		}
		if path != defaultPath && path != h.base.SearchPath {
			h.base.SearchPath = path
			h.base.Notes = append(h.base.Notes, "the migrations of the base leave search_path at "+path+"; the release begins with it")
		}
	}
	if h.Server != "" {
		return nil
	}
	text, err := json.Marshal(h.base.said)
	if err != nil {
		return err
	}
	return execAll(ctx, h.server, "", "", "COMMENT ON DATABASE "+h.base.database+" IS "+quote(string(text)))
}

const defaultPath = `"$user", public`

// recall reads it.
func (v *version) recall(ctx context.Context) error {
	c, err := v.server.Connect(ctx, "", "")
	if err != nil {
		return errors.Join(err, v.server.Stop())
	}
	defer c.Close(ctx)
	var text string
	err = c.QueryRow(ctx, "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) $1", v.base.database).Scan(&text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &v.base.said)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("read the cached base: %w", err), v.server.Stop())
	}
	return nil
}

// shortList names a few, and how many more there are.
func shortList(list []string) string {
	const most = 8
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func quote(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// execAll runs statements one by one, in a session that trusts nothing in the
// database.
func execAll(ctx context.Context, s *pgserver.Server, role, db string, statements ...string) error {
	c, err := s.Connect(ctx, role, db)
	if err != nil {
		return err
	}
	return each(ctx, c, statements)
}

// asMigrations runs statements as the migrations would be run: with the rights
// of their role, and with what the database says of its sessions.
func (v *version) asMigrations(ctx context.Context, s *pgserver.Server, db string, statements ...string) error {
	c, err := pgx.Connect(ctx, v.url(s, db))
	if err != nil {
		return err
	}
	return each(ctx, c, statements)
}

// each runs statements, and closes the connection.
func each(ctx context.Context, c *pgx.Conn, statements []string) error {
	defer c.Close(ctx)
	for _, sql := range statements {
		if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}
