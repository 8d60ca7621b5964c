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
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/prose"
)

// The roles of a rehearsal, and the database with the schema of the deployed release.
const (
	// roleName runs the migrations.
	roleName = "onward"
	// lookName may only read the catalogs of the migrations' database. Code that a migration makes
	// its sessions run can do nothing either.
	lookName = "onward_look"
	// watchName sees and ends the sessions of others, from a separate database that no migration can
	// connect to.
	watchName = "onward_watch"
	baseName  = "onward_base"
)

// base is the schema before the release.
type base struct {
	from       string // as in onward.RehearsalBase
	migrations int
	database   string // to copy
	cached     bool
	buildTime  time.Duration
	baseNotes
}

// baseNotes is the information about a base that is kept in the database's comment.
type baseNotes struct {
	Notes []string `json:"notes,omitempty"`
	// SearchPath is the search_path that the base's migrations have set; "" is the default.
	SearchPath string `json:"search_path,omitempty"`
	// Absent are extensions that are not available, Lost the names of what was left out because of
	// that.
	Absent []string `json:"absent,omitempty"`
	Lost   []string `json:"lost,omitempty"`
	// Refused are statements of the history that the server refused and that were skipped, with their places: only a tolerant
	// stage has some.
	Refused []string `json:"refused,omitempty"`
}

// BaseError says that the deployed schema could not be created.
type BaseError struct {
	// Migration and Path name the migration that failed; Line is the line of the statement.
	Migration, Path string
	Line            int
	Err             error
	// Reached says what the statement tried to use of the server's machine or of others' rights
	// ("starts a program on the server"); "" if well-meaning migrations do the same.
	Reached string
	// Unrun are earlier migrations whose code was not run.
	Unrun []string
	// SchemaOnly: the command takes another schema, but neither another server nor a superuser. The advice says so.
	SchemaOnly bool
}

// Error says what failed, the server's message, and what to do.
func (e *BaseError) Error() string {
	message := "the schema of the base cannot be made"
	if e.Migration != "" {
		message = fmt.Sprintf("the migrations of the base do not run from scratch: %s fails at %s:%d", e.Migration, e.Path, e.Line)
	}
	if e.Reached != "" {
		message += ": it " + e.Reached
	}
	message += ": " + e.Err.Error() + "\n"
	if n := len(e.Unrun); n > 0 {
		message += fmt.Sprintf("before it, the code of %s was not run, the last being %s\n", prose.CountNoun(n, "migration"), e.Unrun[n-1])
	}
	if e.Reached != "" {
		return message + "read what it does, and who wrote it, before it runs anywhere"
	}
	return message + e.adviceText()
}

// Unwrap returns the server's error.
func (e *BaseError) Unwrap() error { return e.Err }

// adviceText says what to do about a base that cannot be created.
func (e *BaseError) adviceText() string {
	var pg *pgconn.PgError
	isServerError := errors.As(e.Err, &pg)
	switch {
	case isServerError && isMissingExtension(pg) && e.SchemaOnly:
		return "the extension is not installed beside this server: install it there, or give the deployed schema with --schema FILE (from pg_dump --schema-only)"
	case isServerError && isMissingExtension(pg):
		return "the extension is not installed beside this server: name a server that has it with --postgres URL, or install it there"
	case isServerError && pg.Code == "42501" && e.SchemaOnly:
		return "the migrations run as a role that is no superuser: give the deployed schema with --schema FILE (from pg_dump --schema-only)"
	case isServerError && pg.Code == "42501":
		return "the migrations run as a role that is no superuser: --superuser lets them, and they can then read files and start programs on this machine"
	}
	return "give the deployed schema with --schema FILE (from pg_dump --schema-only), or mend the history"
}

func isMissingExtension(pg *pgconn.PgError) bool {
	return strings.HasPrefix(pg.Message, "extension \"") && strings.Contains(pg.Message, "is not available") ||
		strings.HasPrefix(pg.Message, "could not open extension control file")
}

// startServer starts the server with the base schema in it.
func (v *version) startServer(ctx context.Context) error {
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
	if v.hasNoRows() {
		v.MaxBytes = min(v.MaxBytes, smallBytes)
	}
	cfg := pgserver.Config{Major: v.major, Small: v.hasNoRows(), URL: v.Server, Unconfined: v.unconfined, Logger: v.Logger, Settings: map[string]string{
		"max_connections": "50", "track_functions": "none",
		// Not UTC, under which timestamp becomes timestamptz without a rewrite: the time zone of
		// production's sessions is unknown, so the worse case is rehearsed. This spelling needs no
		// time zone files.
		"timezone": "<+01>-01",
		// Temporary files of sorts and joins do not count in the size of any database.
		"temp_file_limit": fmt.Sprintf("%dkB", min(v.MaxBytes>>10, math.MaxInt32)),
	}}
	maps.Copy(cfg.Settings, v.settings)
	start := time.Now()
	if v.Server != "" {
		cfg.Settings = nil
		return v.startExternal(ctx, cfg, start)
	}
	key, err := v.baseKey()
	if err != nil {
		return err
	}
	s, built, err := pgserver.StartFrom(ctx, cfg, pgserver.Base{Key: key, Build: v.buildBase})
	if err != nil {
		return err
	}
	v.server, v.base.cached = s, !built
	if built {
		v.base.buildTime = time.Since(start)
	}
	return v.readBaseNotes(ctx)
}

// smallBytes limits a rehearsal on empty tables, because its server may keep its files in memory.
const smallBytes = 1 << 30

// hasNoRows reports whether the release runs on tables without rows.
func (v *version) hasNoRows() bool {
	return v.Rows.IsEmpty() && v.Dump == ""
}

// startExternal creates the base in a database on the user's server.
func (v *version) startExternal(ctx context.Context, cfg pgserver.Config, start time.Time) error {
	s, err := pgserver.Start(ctx, cfg)
	if err != nil {
		return err
	}
	v.server = s
	if err := v.refusePowerfulRole(ctx); err != nil {
		return errors.Join(err, s.Stop())
	}
	if err := v.lockRoleCreation(ctx); err != nil {
		return errors.Join(err, s.Stop())
	}
	if v.base.database, err = s.NewDatabase(ctx, ""); err == nil {
		err = v.buildSchema(ctx, s)
	}
	if err != nil {
		return errors.Join(err, s.Stop())
	}
	v.base.buildTime = time.Since(start)
	return nil
}

// lockRoleCreation takes the lock for making roles on the user's server, if the migrations make any.
func (v *version) lockRoleCreation(ctx context.Context) error {
	names, makes, err := v.listCreatedRoles()
	if err != nil || !makes {
		return err
	}
	return v.server.RoleMaker(ctx, names, func() {
		v.Logger.Info("waits: another rehearsal on this server makes roles, too")
	})
}

// refusePowerfulRole refuses a role of the user's server with which migrations could reach beyond their database.
func (v *version) refusePowerfulRole(ctx context.Context) error {
	if v.Superuser {
		return nil
	}
	c, err := v.server.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	// A superuser is a member of every role. Before 16, a role with CREATEROLE may also grant itself
	// any role that is no superuser, pg_execute_server_program among them.
	var strong []string
	err = c.QueryRow(ctx, `SELECT COALESCE(pg_catalog.array_agg(rolname::pg_catalog.text ORDER BY NOT rolsuper, oid), '{}') FROM pg_catalog.pg_roles
		WHERE (rolsuper OR rolcreaterole AND $1 OR rolname OPERATOR(pg_catalog.=) ANY ('{pg_execute_server_program,pg_read_server_files,pg_write_server_files}')) AND pg_catalog.pg_has_role(oid, 'MEMBER')`, v.server.Major() < 16).Scan(&strong)
	if err != nil {
		return fmt.Errorf("ask what the role may: %w", err)
	}
	if len(strong) == 0 {
		return nil
	}
	return &config.InputError{Err: fmt.Errorf("the role of --postgres has the rights of %s: the migrations could read files and start programs on that server, "+
		"and touch its other databases; "+
		"name a role that may create databases and is no superuser (CREATE ROLE rehearsal LOGIN CREATEDB), or let them with --superuser", strong[0])}
}

// baseKey is a hash of everything that the base is made of.
func (v *version) baseKey() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, "rehearsal 9", v.base.from, v.Superuser, v.tolerant)
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

// buildBase makes the role and the base database on a new server.
func (v *version) buildBase(ctx context.Context, s *pgserver.Server) error {
	// Nobody needs template1 in this cluster. The base replaces it, which leaves three hundred files
	// less to copy at each start.
	if err := execAll(ctx, s, "", "CREATE ROLE "+roleName+" LOGIN", "CREATE ROLE "+lookName+" LOGIN", "CREATE ROLE "+watchName+" LOGIN",
		"GRANT pg_monitor, pg_signal_backend TO "+watchName,
		"REVOKE ALL ON DATABASE postgres FROM PUBLIC", "GRANT CONNECT ON DATABASE postgres TO "+watchName, "DROP SCHEMA public",
		"ALTER DATABASE template1 IS_TEMPLATE false", "ALTER DATABASE template1 RENAME TO "+
			baseName, "ALTER DATABASE "+baseName+" OWNER TO "+roleName, grantConnect(baseName)); err != nil {
		return err
	}
	if err := execAll(ctx, s, baseName, "ALTER SCHEMA public OWNER TO "+roleName); err != nil {
		return err
	}
	return v.buildSchema(ctx, s)
}

// grantConnect lets onward connect to a database whose owner has revoked that from others.
func grantConnect(db string) string { return "GRANT CONNECT ON DATABASE " + db + " TO " + lookName }

// databaseURL returns the address of a database, for the role that runs the migrations.
func (v *version) databaseURL(s *pgserver.Server, db string) string {
	if v.Superuser {
		return s.URL(db)
	}
	return s.URLAs(roleName, db)
}

// storeNotes stores the notes about the base in it, for later rehearsals that take it from the cache.
func (h *baseBuilder) storeNotes(ctx context.Context) error {
	if len(h.roles) > 0 {
		h.base.Notes = append(h.base.Notes, "roles were made because the migrations name them: "+strings.Join(h.roles, ", "))
	}
	if n := len(h.skippedPlaces); n > 0 {
		h.base.Notes = append(h.base.Notes, fmt.Sprintf("of the base %s left out, as %s not be had: %s",
			prose.CountNoun(n, "statement")+" "+prose.PickForm(n, "was", "were"), strings.Join(h.base.Absent, " and ")+" can", prose.FirstNames(h.skippedPlaces, 8)))
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
	text, err := json.Marshal(h.base.baseNotes)
	if err != nil {
		return err
	}
	return execAll(ctx, h.server, "", "COMMENT ON DATABASE "+h.base.database+" IS "+pgparse.QuoteLiteral(string(text)))
}

const defaultPath = `"$user", public`

// readBaseNotes reads them.
func (v *version) readBaseNotes(ctx context.Context) error {
	c, err := v.server.Connect(ctx, "", "")
	if err != nil {
		return errors.Join(err, v.server.Stop())
	}
	defer c.Close(ctx)
	var text string
	err = c.QueryRow(ctx, "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) $1",
		v.base.database).Scan(&text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &v.base.baseNotes)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("read the cached base: %w", err), v.server.Stop())
	}
	return nil
}

// execAll runs statements one by one, in a session with the settings of [pgserver.Server.PinnedURL].
func execAll(ctx context.Context, s *pgserver.Server, db string, statements ...string) error {
	c, err := s.Connect(ctx, "", db)
	if err != nil {
		return err
	}
	return execEach(ctx, c, statements)
}

// execAsMigrationRole runs statements like the migrations: with the rights of their role, and with the
// database's settings.
func (v *version) execAsMigrationRole(ctx context.Context, s *pgserver.Server, db string, statements ...string) error {
	c, err := pgx.Connect(ctx, v.databaseURL(s, db))
	if err != nil {
		return err
	}
	return execEach(ctx, c, statements)
}

// execEach runs statements, and closes the connection.
func execEach(ctx context.Context, c *pgx.Conn, statements []string) error {
	defer c.Close(ctx)
	for _, sql := range statements {
		if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}
