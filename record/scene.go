package record

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/rehearse"
)

// scene is the server that the command works on.
type scene struct {
	url                      string // of the database, for the proxy
	user, password, database string // what the command is given
	major                    int
	server                   *pgserver.Server // nil for somebody's
	copies                   *copies          // nil for a throwaway one
	denies                   bool             // it refuses what touches deprecated columns
	stop                     func() error
}

// settings are those of a throwaway server: suites open many connections.
var settings = map[string]string{"max_connections": "200"}

// open starts a server, or looks at the one that is named.
func (c *Config) open(ctx context.Context) (*scene, error) {
	switch {
	case c.Server != "" && (c.Schema != "" || c.Base != nil):
		return nil, &config.InputError{Err: errors.New("--db names a database that is there: --schema fills a throwaway one")}
	case c.Server != "":
		return c.external(ctx)
	case c.Base != nil:
		return c.base(ctx)
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Major: c.Major, Settings: settings, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	s := &scene{server: server, major: server.Major(), stop: server.Stop, user: "postgres"}
	if c.Schema == "" {
		s.database, err = server.NewDatabase(ctx, "")
	} else {
		s.database, err = restored(ctx, server, c.Schema)
	}
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	s.url = server.URL(s.database)
	return s, nil
}

// base is a throwaway server with the deployed schema.
func (c *Config) base(ctx context.Context) (*scene, error) {
	release := *c.Base
	if c.Major != 0 {
		release.Majors = []int{c.Major}
	}
	stage, err := rehearse.Open(ctx, release)
	if err != nil {
		return nil, err
	}
	db, err := stage.Copy(ctx)
	if err == nil && c.Base.Server == "" {
		err = hospitable(ctx, stage.Server())
	}
	if err != nil {
		return nil, errors.Join(err, stage.Close())
	}
	return &scene{server: stage.Server(), major: stage.Major(), stop: stage.Close, user: "postgres", database: db, url: stage.Server().URL(db)}, nil
}

// hospitable gives the server of a base what a suite that makes databases of its own
// needs, and a rehearsal does not have: a template, and the database to ask for one.
func hospitable(ctx context.Context, server *pgserver.Server) error {
	return run(ctx, server, "", "CREATE DATABASE template1 TEMPLATE template0 IS_TEMPLATE true", "GRANT CONNECT ON DATABASE postgres TO PUBLIC")
}

// external is somebody's server, on which nothing is made.
func (c *Config) external(ctx context.Context) (*scene, error) {
	parsed, err := pgx.ParseConfig(c.Server)
	if err != nil {
		return nil, &address.Error{}
	}
	conn, err := live.Connect(ctx, c.Server, "onward record", nil)
	if err != nil {
		return nil, address.Without(err, c.Server)
	}
	defer conn.Close(ctx)
	var version int
	if err := conn.QueryRow(ctx, "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4").Scan(&version); err != nil {
		return nil, fmt.Errorf("ask the server for its version: %w", address.Without(err, c.Server))
	}
	s := &scene{url: c.Server, major: version / 10000, user: parsed.User, password: parsed.Password, database: parsed.Database}
	s.copies = &copies{address: c.Server, named: parsed.Database, major: s.major, logger: c.Logger}
	s.stop = s.copies.close
	return s, nil
}

var noRole = regexp.MustCompile(`role "([^"]+)" does not exist`)

// restored makes a database of a dump. Roles that it names are made.
func restored(ctx context.Context, server *pgserver.Server, path string) (string, error) {
	for range 20 {
		db, err := server.NewDatabase(ctx, "")
		if err != nil {
			return "", err
		}
		_, err = fill.Restore(ctx, fill.Dump{File: path, URL: server.URL(db), Bin: server.Install().Bin})
		if err == nil {
			return db, nil
		}
		m := noRole.FindStringSubmatch(err.Error())
		if m == nil {
			return "", &config.InputError{Err: fmt.Errorf("bring %s into the database: %w", path, err)}
		}
		conn, err := server.Connect(ctx, "", "")
		if err != nil {
			return "", err
		}
		_, err = conn.Exec(ctx, "CREATE ROLE "+pgx.Identifier{m[1]}.Sanitize())
		if err = errors.Join(err, conn.Close(ctx), server.DropDatabase(ctx, db)); err != nil {
			return "", err
		}
	}
	return "", &config.InputError{Err: fmt.Errorf("%s names more than 20 roles that do not exist", path)}
}

func (s *scene) close() { _ = s.stop() }

// environment is how the command finds the database: behind the proxy.
func (s *scene) environment(host, port string) []string {
	password := s.password
	if password == "" {
		password = "onward" // nobody asks for it, and some drivers want one
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(s.user, password), Host: host + ":" + port, Path: "/" + s.database, RawQuery: "sslmode=disable"}
	return []string{
		"DATABASE_URL=" + u.String(), "PGHOST=" + host, "PGPORT=" + port, "PGUSER=" + s.user, "PGPASSWORD=" + password, "PGDATABASE=" + s.database, "PGSSLMODE=disable",
	}
}

// oids are the types of parameters as a resolver may take them: those of somebody's
// database mean something else in a copy of it, but for the server's own.
func (s *scene) oids(list []uint32) []uint32 {
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

// ask calls f with a resolver for a database, and closes its session.
func (s *scene) ask(ctx context.Context, database string, f func(*resolver) error) error {
	var conn *pgx.Conn
	var err error
	if s.copies != nil {
		conn, err = s.copies.connect(ctx, database)
	} else {
		conn, err = s.server.Connect(ctx, "", database)
	}
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return f(&resolver{conn: conn, major: s.major})
}
