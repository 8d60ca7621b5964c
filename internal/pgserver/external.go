package pgserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/redact"
)

// external is the use of a server that the user provides. Its databases have a random ID in their names. As long as
// this process lives, it keeps a connection whose application_name has the ID too. A database without that connection
// was left by a killed process, and the next user of the server drops it. Roles: see Claim.
type external struct {
	base      string // the connection string as given
	id        string // 12 hexadecimal digits
	keepAlive *pgx.Conn
	// makes are the roles that the migrations make: see RoleMaker.
	makes []string
}

var databasePattern = lazyregexp.New(`^onward_([0-9a-f]{12})_[0-9]+$`)

func (e *external) idPrefix() string { return "onward_" + e.id }

// databaseURL replaces the database of the connection string, which is a URL or a list of keywords and values.
func (e *external) databaseURL(db string) string {
	if strings.HasPrefix(e.base, "postgres://") || strings.HasPrefix(e.base, "postgresql://") {
		if u, err := url.Parse(e.base); err == nil {
			query := u.Query()
			query.Del("dbname")
			query.Del("database")
			u.Path, u.RawPath, u.RawQuery = "/"+db, "", query.Encode()
			return u.String()
		}
	}
	return e.base + " dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(db) + "'" // the last one counts
}

func startExternal(ctx context.Context, cfg Config) (*Server, error) {
	pgxCfg, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, &address.Error{} // pgx quotes what it could not parse, including a part of a password
	}
	var id [6]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	ext := &external{base: cfg.URL, id: hex.EncodeToString(id[:])}
	if pgxCfg.RuntimeParams == nil {
		pgxCfg.RuntimeParams = map[string]string{}
	}
	pgxCfg.RuntimeParams["application_name"] = ext.idPrefix()
	if ext.keepAlive, err = pgx.ConnectConfig(ctx, pgxCfg); err != nil {
		return nil, fmt.Errorf("connect to the server: %w", address.RedactError(redact.ConnectError(err), cfg.URL, pgxCfg.Password))
	}
	s := &Server{cfg: cfg, external: ext, done: make(chan struct{})}
	s.install.Source = "URL"
	if err := s.checkServer(ctx); err != nil {
		return nil, errors.Join(err, ext.keepAlive.Close(ctx))
	}
	s.stop = sync.OnceValue(s.dropDatabases)
	return s, nil
}

// checkServer reads the version, checks that databases may be created, and drops what killed processes have left.
func (s *Server) checkServer(ctx context.Context) error {
	var number int
	var may bool
	err := s.external.keepAlive.QueryRow(ctx, `SELECT pg_catalog.current_setting('server_version_num')::int, pg_catalog.current_setting('server_version'),
		(SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user)`).
		Scan(&number, &s.install.Version, &may)
	if err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	s.install.Major = number / 10000
	s.install.Version, _, _ = strings.Cut(s.install.Version, " ") // "15.18 (Debian …)"
	if s.cfg.Major != 0 && s.cfg.Major != s.install.Major {
		return fmt.Errorf("the server is Postgres %s, wanted %d", s.install.Version, s.cfg.Major)
	}
	if !may {
		return errors.New("the server's role may not create databases: ALTER ROLE … CREATEDB")
	}
	return s.sweepLeftovers(ctx)
}

// sweepLeftovers drops what killed processes have left: databases, with the sessions that still run in them, and then their
// roles. It skips another role's leftovers.
func (s *Server) sweepLeftovers(ctx context.Context) error {
	// A database whose migrations make roles may only be dropped while no other process makes roles.
	free, err := s.tryRoleMaker(ctx)
	if err != nil {
		return err
	}
	if free {
		err := s.sweepRoles(ctx)
		_, unlock := s.external.keepAlive.Exec(ctx, "SELECT pg_catalog.pg_advisory_unlock($1)", roleMakers)
		return errors.Join(err, unlock)
	}
	noted, err := s.notedRoles(ctx)
	if err != nil {
		return err
	}
	_, err = s.sweepSome(ctx, func(db string) bool { return noted[db] == nil })
	return err
}

// sweepRoles sweeps everything, including the roles that databases are recorded to make. Only the RoleMaker may call
// it.
func (s *Server) sweepRoles(ctx context.Context) error {
	var made []claim
	for range maxSweeps {
		noted, err := s.notedRoles(ctx)
		if err != nil {
			return err
		}
		dropped, err := s.sweepSome(ctx, func(string) bool { return true })
		if err != nil {
			return err
		}
		for _, db := range dropped {
			for _, role := range noted[db] {
				made = append(made, claim{role: role})
			}
		}
		claims, err := s.readClaims(ctx, s.external.keepAlive)
		if err != nil {
			return err
		}
		_ = dropRoles(ctx, s.external.keepAlive, made, func(m claim) bool {
			return !slices.ContainsFunc(claims, func(c claim) bool { return c.role == m.role })
		})
		if len(dropped) == 0 {
			break
		}
	}
	return nil
}

// maxSweeps limits the repetitions: if a process was killed while it copied a database, the copy appears after the
// original is dropped, and uses the roles too.
const maxSweeps = 10

// sweepSome drops the databases for which want is true, and returns them, and the roles that are claimed by dead
// processes.
func (s *Server) sweepSome(ctx context.Context, want func(db string) bool) (dropped []string, err error) {
	stale, err := s.ownDatabases(ctx, func(id string, live map[string]bool) bool { return !live["onward_"+id] })
	if err != nil {
		return nil, err
	}
	for _, name := range stale {
		if !want(name) {
			continue
		}
		if _, err := s.external.keepAlive.Exec(ctx, "DROP DATABASE IF EXISTS "+quoteIdent(name)+" WITH (FORCE)"); err == nil {
			dropped = append(dropped, name)
		}
	}
	claims, err := s.readClaims(ctx, s.external.keepAlive)
	if err != nil {
		return nil, err
	}
	live, err := s.applicationNames(ctx) // after the claims, as above
	if err != nil {
		return nil, err
	}
	_ = dropRoles(ctx, s.external.keepAlive, claims, func(c claim) bool { return !live["onward_"+c.id] })
	return dropped, nil
}

// ownDatabases lists onward's databases on the server for which want is true, given the ID in the name and the application
// names of all connections.
func (s *Server) ownDatabases(ctx context.Context, want func(id string, live map[string]bool) bool) ([]string, error) {
	names, err := s.queryStrings(ctx, `SELECT datname::pg_catalog.text FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.~) '^onward_'`)
	if err != nil {
		return nil, err
	}
	live, err := s.applicationNames(ctx) // in this order: connections are listed after the databases
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		if m := databasePattern.FindStringSubmatch(name); m != nil && want(m[1], live) {
			out = append(out, name)
		}
	}
	return out, nil
}

// applicationNames returns the application names of all connections.
func (s *Server) applicationNames(ctx context.Context) (map[string]bool, error) {
	connected, err := s.queryStrings(ctx, `SELECT coalesce(application_name, '') FROM pg_catalog.pg_stat_activity`)
	if err != nil {
		return nil, err
	}
	live := map[string]bool{}
	for _, name := range connected {
		live[name] = true
	}
	return live, nil
}

func (s *Server) queryStrings(ctx context.Context, sql string) ([]string, error) {
	rows, err := s.external.keepAlive.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// dropDatabases drops the databases of this process, and their roles.
func (s *Server) dropDatabases() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	ours, err := s.ownDatabases(ctx, func(id string, _ map[string]bool) bool { return id == s.external.id })
	errs := []error{err}
	for _, name := range ours {
		_, err := s.external.keepAlive.Exec(ctx, "DROP DATABASE IF EXISTS "+quoteIdent(name)+" WITH (FORCE)")
		errs = append(errs, err)
	}
	claims, err := s.readClaims(ctx, s.external.keepAlive)
	errs = append(errs, err, dropRoles(ctx, s.external.keepAlive, claims, func(c claim) bool { return c.id == s.external.id }))
	if err := errors.Join(append(errs, s.external.keepAlive.Close(ctx))...); err != nil {
		return fmt.Errorf("drop what was made: %w", err)
	}
	return nil
}
