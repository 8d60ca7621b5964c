package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/rehearse"
)

// recordTarget is the server that the command works on.
type recordTarget struct {
	url                      string // of the database, for the proxy
	user, password, database string // what the command is given
	owner                    string // the role that may do everything with the schema; "" for none that connects
	major                    int
	server                   *pgserver.Server // the throwaway server; nil for the user's own
	copies                   *schemaCopies    // nil for a throwaway one
	denies                   bool             // it refuses what touches deprecated columns
	stop                     func() error
}

// serverSettings are the settings of a throwaway server: suites open many connections.
var serverSettings = map[string]string{"max_connections": "200"}

// openTarget starts a server, or looks at the one that is named.
func (c *Config) openTarget(ctx context.Context) (*recordTarget, error) {
	switch {
	case c.Server != "" && (c.Schema != "" || c.Base != nil):
		return nil, &config.InputError{Err: errors.New("--db names a database that is there: --schema fills a throwaway one")}
	case c.Server != "":
		return c.openExternal(ctx)
	case c.Base != nil:
		return c.openBase(ctx)
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Major: c.Major, Settings: serverSettings, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	s := &recordTarget{server: server, major: server.Major(), stop: server.Stop, user: "postgres", owner: "postgres"}
	if c.Schema == "" {
		s.database, err = server.NewDatabase(ctx, "")
	} else {
		owner := ""
		if c.DenyDeprecated {
			owner = appRole
		}
		s.database, err = restoreDump(ctx, server, c.Schema, owner)
	}
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	s.url = server.URL(s.database)
	return s, nil
}

// openBase is a throwaway server with the deployed schema.
func (c *Config) openBase(ctx context.Context) (*recordTarget, error) {
	release := *c.Base
	if c.Major != 0 {
		release.Majors = []int{c.Major}
	}
	stage, err := rehearse.Open(ctx, release)
	if failed := new(rehearse.BaseError); errors.As(err, &failed) {
		failed.SchemaOnly = true
	}
	if err != nil {
		return nil, err
	}
	db, err := stage.Copy(ctx)
	if err == nil && c.Base.Server == "" {
		err = allowNewDatabases(ctx, stage.Server())
	}
	if err != nil {
		return nil, errors.Join(err, stage.Close())
	}
	return &recordTarget{
		server:   stage.Server(),
		major:    stage.Major(),
		stop:     stage.Close,
		user:     "postgres",
		owner:    "postgres",
		database: db,
		url:      stage.Server().URL(db),
	}, nil
}

// allowNewDatabases gives the server of a base what a suite that makes databases of its own
// needs, and a rehearsal does not have: a template, and the database to ask for one.
func allowNewDatabases(ctx context.Context, server *pgserver.Server) error {
	return execStatements(ctx, server, "", "CREATE DATABASE template1 TEMPLATE template0 IS_TEMPLATE true", "GRANT CONNECT ON DATABASE postgres TO PUBLIC")
}

// openExternal is somebody's server, on which nothing is made.
func (c *Config) openExternal(ctx context.Context) (*recordTarget, error) {
	parsed, err := pgx.ParseConfig(c.Server)
	if err != nil {
		return nil, &address.Error{}
	}
	conn, err := live.Connect(ctx, c.Server, "onward record", nil)
	if err != nil {
		return nil, address.RedactError(err, c.Server)
	}
	defer conn.Close(ctx)
	var version int
	var owns bool
	if err := conn.QueryRow(ctx, ownerSQL).Scan(&version, &owns); err != nil {
		return nil, fmt.Errorf("ask the server for its version: %w", address.RedactError(err, c.Server))
	}
	s := &recordTarget{url: c.Server, major: version / 10000, user: parsed.User, password: parsed.Password, database: parsed.Database}
	if owns {
		s.owner = parsed.User
	}
	s.copies = &schemaCopies{address: c.Server, addressDatabase: parsed.Database, major: s.major, logger: c.Logger}
	s.stop = s.copies.stopCopyServer
	return s, nil
}

// ownerSQL gives the version, and whether who asks may do everything with the tables: their privileges prove nothing
// about such a role then.
const ownerSQL = `SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) SESSION_USER) OR NOT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}') AND n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
      AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE'))`

// restoreDump makes a database of a dump. Roles that it names are made, may log in, and own and may do what it says. As
// a role that is no superuser (owner), what belongs to a superuser in the dump belongs to this role.
func restoreDump(ctx context.Context, server *pgserver.Server, path, owner string) (string, error) {
	db, err := server.NewDatabase(ctx, "")
	if err != nil {
		return "", err
	}
	dump := fill.Dump{File: path, URL: server.URL(db), Bin: server.Install().Bin, MakeRole: func(ctx context.Context, name string) error {
		id := pgx.Identifier{name}.Sanitize()
		statements := []string{"CREATE ROLE " + id + " LOGIN"}
		if owner != "" {
			statements = append(statements, "GRANT "+id+" TO "+owner, "GRANT CREATE ON SCHEMA public TO "+id)
		}
		return execStatements(ctx, server, db, statements...)
	}}
	if owner != "" {
		if err := makeAppRole(ctx, server, db); err != nil {
			return "", err
		}
		dump.URL = server.URLAs(owner, db)
		dump.Instead = func(ctx context.Context, sql string) (bool, error) { return true, execStatements(ctx, server, db, sql) }
	}
	if _, err := fill.RestoreDump(ctx, dump); err != nil {
		return "", &config.InputError{Err: fmt.Errorf("bring %s into the database: %w", path, err)}
	}
	return db, nil
}

func (s *recordTarget) stopTarget() { _ = s.stop() }

// portableOIDs returns the types of parameters that a resolver may use: only the server's own have the same OIDs
// in a copy of the database.
func (s *recordTarget) portableOIDs(list []uint32) []uint32 {
	if s.copies == nil {
		return list
	}
	out := make([]uint32, len(list))
	for i, oid := range list {
		if oid < 16384 {
			out[i] = oid
		}
	}
	return out
}

// withResolver calls f with a resolver for a database, and closes its session.
func (s *recordTarget) withResolver(ctx context.Context, database string, f func(*resolver) error) error {
	var conn *pgx.Conn
	var err error
	if s.copies != nil {
		conn, err = s.copies.connectCopy(ctx, database)
	} else {
		conn, err = s.server.Connect(ctx, "", database)
	}
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return f(&resolver{conn: conn, major: s.major})
}

// schemaCopies copies the schemas of databases from the user's own server to a throwaway one, by their
// definitions. The user's server is only read.
type schemaCopies struct {
	address         string
	addressDatabase string // the database of the address
	major           int
	logger          *slog.Logger
	server          *pgserver.Server // nil until one is asked for
}

// connectCopy makes the copy of a database, as it is now, and connects to it.
func (c *schemaCopies) connectCopy(ctx context.Context, database string) (*pgx.Conn, error) {
	ddl, err := live.ReadDefinitions(ctx, c.databaseAddress(database))
	if err != nil {
		return nil, err
	}
	if c.server == nil {
		server, err := pgserver.Start(ctx, pgserver.Config{Major: c.major, Small: true, Logger: c.logger})
		if err != nil {
			return nil, fmt.Errorf("a throwaway server of the same version: %w", err)
		}
		c.server = server
	}
	name, err := c.server.NewDatabase(ctx, "")
	if err != nil {
		return nil, err
	}
	conn, err := c.server.Connect(ctx, "", name)
	if err != nil {
		return nil, err
	}
	// Queries on what this machine cannot make are understood by their text.
	if _, err := live.ExecDefinitions(ctx, conn, ddl); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// databaseAddress is the address of another database of the server.
func (c *schemaCopies) databaseAddress(database string) string {
	if database == c.addressDatabase {
		return c.address
	}
	if u, err := url.Parse(c.address); err == nil && u.Scheme != "" {
		u.Path = "/" + database
		return u.String()
	}
	return c.address + " dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(database) + "'"
}

func (c *schemaCopies) stopCopyServer() error {
	if c.server == nil {
		return nil
	}
	return c.server.Stop()
}

// clientEnvironment is the command's environment: the caller's, with the proxy's address.
func (s *recordTarget) clientEnvironment(caller []string, host, port, mode string, root *wire.RootFile, clients *wire.Clients) ([]string, error) {
	env := wire.ReadEnvironment(caller)
	roots := maps.Clone(env)
	for _, name := range []string{wire.LibpqRoots, wire.NodeRoots} {
		if err := root.AddTo(roots, name); err != nil {
			return nil, err
		}
	}
	for _, name := range append(wire.EncryptionVariables(), "PGSERVICE") {
		delete(env, name)
	}
	password := s.password
	if password == "" {
		password = clients.Password() // the proxy asks for it if it does not know the process
	}
	env[wire.PasswordVariable] = clients.Password()
	query := "sslmode=" + mode
	if strings.HasPrefix(mode, "verify-") {
		query += "&sslrootcert=" + url.QueryEscape(root.Path)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(s.user, password), Host: host + ":" + port, Path: "/" + s.database, RawQuery: query}
	for name, value := range map[string]string{
		"DATABASE_URL": u.String(), "PGHOST": host, "PGPORT": port, "PGUSER": s.user, "PGPASSWORD": password, "PGDATABASE": s.database, "PGSSLMODE": mode,
		wire.LibpqRoots: roots[wire.LibpqRoots], wire.NodeRoots: roots[wire.NodeRoots],
	} {
		env[name] = value
	}
	return wire.FormatEnvironment(env), nil
}
