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
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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
	if err := s.prepareServer(ctx); err != nil {
		return nil, errors.Join(err, ext.keepAlive.Close(ctx))
	}
	s.stop = sync.OnceValue(s.dropOwnDatabases)
	return s, nil
}

// prepareServer reads the version, checks that databases may be created, and drops what killed processes have left.
func (s *Server) prepareServer(ctx context.Context) error {
	var number int
	var canCreateDatabases bool
	err := s.external.keepAlive.QueryRow(ctx, `SELECT pg_catalog.current_setting('server_version_num')::int, pg_catalog.current_setting('server_version'),
		(SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user)`).
		Scan(&number, &s.install.Version, &canCreateDatabases)
	if err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	s.install.Major = number / 10000
	s.install.Version, _, _ = strings.Cut(s.install.Version, " ") // "15.18 (Debian …)"
	if s.cfg.Major != 0 && s.cfg.Major != s.install.Major {
		return fmt.Errorf("the server is Postgres %s, wanted %d", s.install.Version, s.cfg.Major)
	}
	if !canCreateDatabases {
		return errors.New("the server's role may not create databases: ALTER ROLE … CREATEDB")
	}
	return s.sweepLeftovers(ctx)
}

// sweepLeftovers drops what killed processes have left: databases, with the sessions that still run in them, and then their
// roles. It skips another role's leftovers.
func (s *Server) sweepLeftovers(ctx context.Context) error {
	// Roles, and the databases that are recorded to make some, may only be dropped while no other process makes roles.
	free, err := s.tryLockRoleMaker(ctx)
	if err != nil {
		return err
	}
	if !free {
		_, _, err := s.dropDeadDatabases(ctx, false)
		return err
	}
	_, err = s.sweepRoles(ctx)
	_, unlock := s.external.keepAlive.Exec(ctx, "SELECT pg_catalog.pg_advisory_unlock($1)", roleMakers)
	return errors.Join(err, unlock)
}

// sweepRoles sweeps everything, including the roles. Only the RoleMaker may call it. It reports whether something stays
// because the process that made it seems to live.
func (s *Server) sweepRoles(ctx context.Context) (othersLive bool, err error) {
	for range maxSweeps {
		dropped, seemsLive, err := s.dropDeadDatabases(ctx, true)
		if err != nil {
			return false, err
		}
		claims, err := s.readClaims(ctx, s.external.keepAlive)
		if err != nil {
			return false, err
		}
		live, err := s.listApplicationNames(ctx) // after the claims, as for databases
		if err != nil {
			return false, err
		}
		_ = dropRoles(ctx, s.external.keepAlive, claims, func(c claim) bool { return !live["onward_"+c.id] })
		// The lists that decided are asked, not later ones: in these the process may have disappeared.
		othersLive = seemsLive || slices.ContainsFunc(claims, func(c claim) bool {
			return c.id != s.external.id && live["onward_"+c.id]
		})
		if dropped == 0 {
			break
		}
	}
	return othersLive, nil
}

// maxSweeps limits the repetitions: if a process was killed while it copied a database, the copy appears after the
// original is dropped, and uses the roles too.
const maxSweeps = 10

// dropDeadDatabases drops the databases of dead processes. With noted it also drops those that are recorded to make
// roles: it claims their roles first, so that they can be found when this process is killed, too. seemsLive: such a
// database stays, because its process seems to live.
func (s *Server) dropDeadDatabases(ctx context.Context, noted bool) (dropped int, seemsLive bool, err error) {
	names, live, err := s.listOwnDatabases(ctx)
	if err != nil {
		return 0, false, err
	}
	notes, err := s.readNotedRoles(ctx) // after the list of the living: the dead record nothing more
	if err != nil {
		return 0, false, err
	}
	for name, id := range names {
		roles := notes[name]
		switch {
		case id == s.external.id:
			continue
		case live["onward_"+id]:
			seemsLive = seemsLive || roles != nil
			continue
		case roles != nil && !noted:
			continue
		case roles != nil:
			if err := s.claimRoles(ctx, name, roles); err != nil {
				return dropped, false, err
			}
		}
		if dropDatabase(ctx, s.external.keepAlive, name) == nil {
			dropped++
		}
	}
	return dropped, seemsLive, nil
}

// claimRoles claims those of some roles that exist and are not claimed yet, for a database whose sessions it ends first:
// after that nobody makes another one.
func (s *Server) claimRoles(ctx context.Context, db string, roles []string) error {
	c := s.external.keepAlive
	if err := endSessions(ctx, c, db); err != nil {
		return err
	}
	existing, err := s.Roles(ctx, c)
	if err != nil {
		return err
	}
	claims, err := s.readClaims(ctx, c)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if slices.Contains(existing, role) && !slices.ContainsFunc(claims, func(c claim) bool { return c.role == role }) {
			_ = s.Claim(ctx, c, db, role) // the server refuses it for a role of somebody else
		}
	}
	return nil
}

// endSessions ends the sessions in a database that the server lets this role end, and waits some seconds for that.
func endSessions(ctx context.Context, c *pgx.Conn, db string) error {
	for range 100 {
		var left int
		err := c.QueryRow(ctx, `SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid))
			FROM pg_catalog.pg_stat_activity
			WHERE datname OPERATOR(pg_catalog.=) $1 AND pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
			AND usesysid IS NOT NULL AND pg_catalog.pg_has_role(usesysid, 'USAGE')`, db).Scan(&left)
		if err != nil {
			return fmt.Errorf("end the sessions in %s: %w", db, err)
		}
		if left == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

// dropDatabase drops a database with the sessions in it. FORCE refuses a worker of autovacuum, except to a superuser.
// Without FORCE the server ends such workers itself.
func dropDatabase(ctx context.Context, c *pgx.Conn, name string) error {
	drop := "DROP DATABASE IF EXISTS " + quoteIdent(name)
	_, err := c.Exec(ctx, drop+" WITH (FORCE)")
	var denied *pgconn.PgError
	if !errors.As(err, &denied) || denied.Code != "42501" {
		return err
	}
	if err := endSessions(ctx, c, name); err != nil {
		return err
	}
	_, err = c.Exec(ctx, drop)
	return err
}

// listOwnDatabases lists onward's databases on the server with their IDs, and the application names of all connections.
func (s *Server) listOwnDatabases(ctx context.Context) (ids map[string]string, live map[string]bool, err error) {
	names, err := s.queryStrings(ctx, `SELECT datname::pg_catalog.text FROM pg_catalog.pg_database
		WHERE datname OPERATOR(pg_catalog.~) '^onward_'`)
	if err != nil {
		return nil, nil, err
	}
	ids = map[string]string{}
	for _, name := range names {
		if m := databasePattern.FindStringSubmatch(name); m != nil {
			ids[name] = m[1]
		}
	}
	live, err = s.listApplicationNames(ctx) // in this order: connections are listed after the databases
	return ids, live, err
}

// listApplicationNames returns the application names of all connections.
func (s *Server) listApplicationNames(ctx context.Context) (map[string]bool, error) {
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
	rows, _ := s.external.keepAlive.Query(ctx, sql)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// dropOwnDatabases drops the databases of this process, and their roles.
func (s *Server) dropOwnDatabases() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	names, _, err := s.listOwnDatabases(ctx)
	errs := []error{err}
	for name, id := range names {
		if id != s.external.id {
			continue
		}
		if len(s.external.makes) > 0 { // it may have ended between the commit that makes a role and its Claim
			errs = append(errs, s.claimRoles(ctx, name, s.external.makes))
		}
		errs = append(errs, dropDatabase(ctx, s.external.keepAlive, name))
	}
	claims, err := s.readClaims(ctx, s.external.keepAlive)
	errs = append(errs, err, dropRoles(ctx, s.external.keepAlive, claims, func(c claim) bool { return c.id == s.external.id }))
	if err := errors.Join(append(errs, s.external.keepAlive.Close(ctx))...); err != nil {
		return fmt.Errorf("drop what was made: %w", err)
	}
	return nil
}
