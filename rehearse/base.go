package rehearse

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// The role that the migrations run as, and the database that holds the schema
// of the deployed release.
const (
	roleName = "onward"
	baseName = "onward_base"
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
}

// BaseError says that the deployed schema could not be made.
type BaseError struct {
	// Migration and Path name the migration that failed; Line the statement.
	Migration, Path string
	Line            int
	Err             error
	// Unrun are migrations before it whose code was not run.
	Unrun []string
}

// Error says what failed, the server's words, and the ways out.
func (e *BaseError) Error() string {
	at := "the schema of the base cannot be made"
	if e.Migration != "" {
		at = fmt.Sprintf("the migrations of the base do not run from scratch: %s fails at %s:%d", e.Migration, e.Path, e.Line)
	}
	at += ": " + e.Err.Error() + "\n"
	if n := len(e.Unrun); n > 0 {
		at += fmt.Sprintf("before it, the code of %s was not run, the last being %s\n", report.Count(n, "migration"), e.Unrun[n-1])
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
	cfg := pgserver.Config{Major: v.major, URL: v.Server, Logger: v.Logger, Settings: map[string]string{
		"max_connections": "50", "log_min_messages": "warning", "track_functions": "none",
	}}
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

// startExternal makes the base in a database of somebody else's server.
func (v *version) startExternal(ctx context.Context, cfg pgserver.Config, begun time.Time) error {
	s, err := pgserver.Start(ctx, cfg)
	if err != nil {
		return err
	}
	v.server = s
	if v.base.database, err = s.NewDatabase(ctx, ""); err == nil {
		err = v.history(ctx, s)
	}
	if err != nil {
		return errors.Join(err, s.Stop())
	}
	v.base.took = time.Since(begun)
	return nil
}

// baseKey names what the base is made of.
func (v *version) baseKey() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, "rehearsal 5", v.base.from, v.Superuser)
	if path := cmpOr(v.Dump, v.Schema); path != "" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
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

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// build makes the role and the base database on a new server.
func (v *version) build(ctx context.Context, s *pgserver.Server) error {
	// Nobody needs template1 in this cluster: the base takes its place, which
	// leaves three hundred files less to copy at each start.
	if err := execAll(ctx, s.URL("postgres"), "CREATE ROLE "+roleName+" LOGIN",
		"ALTER DATABASE template1 IS_TEMPLATE false", "ALTER DATABASE template1 RENAME TO "+baseName, "ALTER DATABASE "+baseName+" OWNER TO "+roleName); err != nil {
		return err
	}
	if err := execAll(ctx, s.URL(baseName), "ALTER SCHEMA public OWNER TO "+roleName); err != nil {
		return err
	}
	return v.history(ctx, s)
}

// history makes the schema of the base in its database.
func (v *version) history(ctx context.Context, s *pgserver.Server) error {
	h := &history{version: v, server: s}
	defer h.close(ctx)
	if path := cmpOr(v.Dump, v.Schema); path != "" {
		if err := h.restore(ctx, path); err != nil {
			return err
		}
	} else {
		if err := h.sources(ctx, v.release.Deployed()); err != nil {
			return err
		}
	}
	return h.keep(ctx)
}

// url is where a database is, for whom the migrations run as.
func (v *version) url(s *pgserver.Server, db string) string {
	if v.Superuser {
		return s.URL(db)
	}
	return s.URLAs(roleName, db)
}

// history is the making of a base.
type history struct {
	*version
	server *pgserver.Server
	runner *runner
}

func (h *history) close(ctx context.Context) {
	if h.runner != nil {
		h.runner.close(ctx)
	}
}

// sources runs the histories one after the other. One that does not go on may
// wait for what another one makes; one that the release adds nothing to, and
// that does not run beside the others, may be for another database.
func (h *history) sources(ctx context.Context, lists []audit.History) error {
	slices.SortStableFunc(lists, func(a, b audit.History) int { return btoi(b.Grows) - btoi(a.Grows) })
	at := make([]int, len(lists))
	for {
		var first error
		moved := false
		for i, list := range lists {
			n, err := h.source(ctx, list, at[i])
			moved = moved || n > at[i]
			at[i] = n
			var base *BaseError
			switch {
			case errors.As(err, &base) && !list.Grows && len(lists) > 1:
				h.base.Notes = append(h.base.Notes, fmt.Sprintf("of %s, which the release does not change, the base has %d of %d migrations: %v", cmpOr(list.Source.Dir, "."), n, len(list.Migrations), base.Err))
				at[i] = len(list.Migrations)
			case errors.As(err, &base) && first == nil:
				first = err
			case err != nil && base == nil:
				return err
			}
		}
		if first == nil {
			return nil
		}
		if !moved {
			return first
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// source runs a history from one of its migrations on, and tells how far it came.
func (h *history) source(ctx context.Context, list audit.History, at int) (int, error) {
	for ; at < len(list.Migrations); at++ {
		if err := h.migrate(ctx, list.Migrations[at]); err != nil {
			var base *BaseError
			if errors.As(err, &base) {
				base.Unrun = unrun(list.Migrations[:at])
			}
			return at, err
		}
	}
	return at, nil
}

// unrun lists the migrations of which something was not run, because it is code.
func unrun(list []*adapter.Migration) []string {
	var out []string
	for _, m := range list {
		for _, o := range m.Opaque {
			out = append(out, m.ID+" ("+o.What+")")
			break
		}
	}
	return out
}

// bookkeepers are the tables in which the tools note what they have run, as they
// make them: histories read and mend them.
var bookkeepers = map[string]string{
	"django_migrations":          `(id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL)`,
	"goose_db_version":           `(id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now())`,
	"schema_migrations":          `(version bigint PRIMARY KEY, dirty boolean NOT NULL)`,
	"_sqlx_migrations":           `(version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL)`,
	"__diesel_schema_migrations": `(version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)`,
	"gopg_migrations":            `(id serial, version bigint, created_at timestamptz)`,
	"gorp_migrations":            `(id text PRIMARY KEY, applied_at timestamptz)`,
	"flyway_schema_history":      `(installed_rank integer PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum integer, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL, success boolean NOT NULL)`,
	"_prisma_migrations":         `(id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`,
	"alembic_version":            `(version_num varchar(32) PRIMARY KEY)`,
	"ar_internal_metadata":       `(key varchar PRIMARY KEY, value varchar, created_at timestamp NOT NULL, updated_at timestamp NOT NULL)`,
	"schema_version":             `(version integer NOT NULL)`,
	"schema_migration":           `(version varchar(14) NOT NULL PRIMARY KEY, version_self integer NOT NULL DEFAULT 0)`,
	"atlas_schema_revisions":     `(version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL)`,
}

var noTable = regexp.MustCompile(`^relation "((?:[^"]+\.)?([^".]+))" does not exist$`)

// missingBookkeeper is the DDL of the bookkeeper that a statement names and the
// database does not have; "" for any other error.
func missingBookkeeper(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42P01" {
		return ""
	}
	m := noTable.FindStringSubmatch(pg.Message)
	if m == nil || bookkeepers[m[2]] == "" {
		return ""
	}
	schema, _, qualified := strings.Cut(m[1], ".")
	name := pgx.Identifier{m[2]}
	if qualified {
		name = pgx.Identifier{schema, m[2]}
	}
	return "CREATE TABLE IF NOT EXISTS " + name.Sanitize() + " " + bookkeepers[m[2]]
}

// restore runs a dump, making the roles that it names.
func (h *history) restore(ctx context.Context, path string) error {
	for range maxScenes {
		err := fill.Restore(ctx, h.server.URL(h.base.database), path, h.server.Install().Bin)
		if err == nil {
			return h.hand(ctx)
		}
		role := missingRole(err)
		if role == "" || h.Server != "" {
			return &BaseError{Err: fmt.Errorf("%s: %w", path, err)}
		}
		if err := h.makeRole(ctx, h.server, role); err != nil {
			return err
		}
		// The half that was restored goes.
		if err := execAll(ctx, h.server.URL("postgres"), "DROP DATABASE "+h.base.database+" WITH (FORCE)",
			"CREATE DATABASE "+h.base.database+" OWNER "+roleName+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
			return err
		}
	}
	return &BaseError{Err: fmt.Errorf("%s names more than %d roles that do not exist", path, maxScenes)}
}

// hand gives what a superuser restored to the role of the migrations.
func (h *history) hand(ctx context.Context) error {
	if h.Server != "" || h.Superuser {
		return nil
	}
	return execAll(ctx, h.server.URL(h.base.database), giveAway)
}

// giveAway makes the role the owner of every object of the database that a
// superuser owns.
const giveAway = `DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT format('ALTER %s %s OWNER TO onward', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.oid::regclass) AS sql
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE relkind IN ('r','p','v','m','S','f') AND n.nspname NOT IN ('pg_catalog','information_schema') AND n.nspname NOT LIKE 'pg_toast%'
      AND relowner = 10 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a','i','e') AND (c.relkind = 'S' OR d.deptype = 'e'))
    UNION ALL SELECT format('ALTER SCHEMA %I OWNER TO onward', nspname) FROM pg_namespace WHERE nspowner = 10 AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT format('ALTER ROUTINE %s OWNER TO onward', p.oid::regprocedure) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE proowner = 10 AND prokind <> 'a' AND nspname NOT IN ('pg_catalog','information_schema') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL SELECT format('ALTER TYPE %s OWNER TO onward', t.oid::regtype) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE typowner = 10 AND typtype IN ('e','d','r') AND nspname NOT IN ('pg_catalog','information_schema') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
  LOOP EXECUTE r.sql; END LOOP;
END $$`

// migrate runs one migration of the base, making the roles that it names.
func (h *history) migrate(ctx context.Context, m *adapter.Migration) error {
	sc, err := script.Build(m.Source)
	if err != nil || m.Failed != "" {
		return &BaseError{Migration: m.ID, Path: m.Path, Line: 1, Err: errors.Join(err, failed(m))}
	}
	for range maxScenes {
		if h.runner == nil {
			if h.runner, err = newRunner(ctx, h.server, h.version, h.base.database, nil); err != nil {
				return err
			}
		}
		stop, err := h.runner.migration(ctx, m, sc)
		if err != nil {
			return err
		}
		if stop == nil {
			return nil
		}
		if ddl := missingBookkeeper(stop.err); ddl != "" {
			if _, err := h.runner.conn.Exec(ctx, ddl); err == nil {
				continue
			}
		}
		role := missingRole(stop.err)
		if role == "" || h.Server != "" {
			return &BaseError{Migration: m.ID, Path: m.Path, Line: stop.statement.Line, Err: stop.err}
		}
		if err := h.makeRole(ctx, h.server, role); err != nil {
			return err
		}
		if sc.Source.Mode != onward.TransactionFile {
			continue // what ran stays; most histories are written to be run again
		}
	}
	return &BaseError{Migration: m.ID, Path: m.Path, Line: 1, Err: fmt.Errorf("it names more than %d roles that do not exist", maxScenes)}
}

func failed(m *adapter.Migration) error {
	if m.Failed == "" {
		return nil
	}
	return errors.New(m.Failed)
}

var noRole = regexp.MustCompile(`^role "(.+)" does not exist$`)

// missingRole is the role that a statement names and the server does not have.
func missingRole(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42704" || pg.Code == "22023") {
		if m := noRole.FindStringSubmatch(pg.Message); m != nil {
			return m[1]
		}
	}
	return ""
}

// makeRole makes a role that may do nothing, and that the role of the
// migrations may act for.
func (v *version) makeRole(ctx context.Context, s *pgserver.Server, name string) error {
	id := pgx.Identifier{name}.Sanitize()
	statements := []string{
		"DO $do$ BEGIN CREATE ROLE " + id + "; EXCEPTION WHEN duplicate_object THEN NULL; END $do$",
	}
	if !v.Superuser && name != roleName {
		statements = append(statements, "GRANT "+id+" TO "+roleName+" WITH ADMIN OPTION")
	}
	if err := execAll(ctx, s.URL("postgres"), statements...); err != nil {
		return fmt.Errorf("make the role %s, which the migrations name: %w", name, err)
	}
	if !slices.Contains(v.roles, name) {
		v.roles = append(v.roles, name)
	}
	return nil
}

// keep writes what there is to say of the base into it, for the rehearsals that
// begin with it from the cache.
func (h *history) keep(ctx context.Context) error {
	if len(h.roles) > 0 {
		h.base.Notes = append(h.base.Notes, "roles were made because the migrations name them: "+strings.Join(h.roles, ", "))
	}
	if h.runner != nil {
		h.base.Notes = append(h.base.Notes, h.runner.notes...)
		var path string
		if err := h.runner.conn.QueryRow(ctx, "SELECT pg_catalog.current_setting('search_path')").Scan(&path); err != nil {
			return err
		}
		if path != defaultPath {
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
	return execAll(ctx, h.server.URL("postgres"), "COMMENT ON DATABASE "+h.base.database+" IS "+quote(string(text)))
}

const defaultPath = `"$user", public`

// recall reads it.
func (v *version) recall(ctx context.Context) error {
	c, err := pgx.Connect(ctx, v.server.URL("postgres"))
	if err != nil {
		return errors.Join(err, v.server.Stop())
	}
	defer c.Close(ctx)
	var text string
	err = c.QueryRow(ctx, "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", v.base.database).Scan(&text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &v.base.said)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("read the cached base: %w", err), v.server.Stop())
	}
	return nil
}

func quote(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// execAll connects and runs statements one by one.
func execAll(ctx context.Context, url string, statements ...string) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, sql := range statements {
		if _, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	return nil
}
