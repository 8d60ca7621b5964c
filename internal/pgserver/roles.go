package pgserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Roles belong to a whole server and not to a database. On a throwaway server they end with it. On the user's server,
// each role that was made for one of onward's databases has the database's name in its comment, and is dropped with
// the database. That happens when the database is dropped, when this process ends or, if the process was killed, when
// the next user of the server finds it.

// Roles lists the roles of the user's server; none for a throwaway one. c is a session on it.
func (s *Server) Roles(ctx context.Context, c *pgx.Conn) ([]string, error) {
	if s.external == nil {
		return nil, nil
	}
	rows, _ := c.Query(ctx, `SELECT rolname::pg_catalog.text FROM pg_catalog.pg_roles`)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Claim marks a role as made for a database of NewDatabase. c is a session of the role that made it.
func (s *Server) Claim(ctx context.Context, c *pgx.Conn, db, role string) error {
	if _, err := c.Exec(ctx, "COMMENT ON ROLE "+quoteIdent(role)+" IS "+pgparse.QuoteLiteral(db+claimed)); err != nil {
		return fmt.Errorf("mark the role %s as the rehearsal's: %w", role, err)
	}
	return nil
}

const claimed = ": made by a rehearsal of onward, and dropped with its database"

var claimText = lazyregexp.New(`^(onward_([0-9a-f]{12})_[0-9]+)` + regexp.QuoteMeta(claimed) + `$`)

// comment is the comment of a role or a database.
type comment struct{ Name, Comment string }

func readComments(ctx context.Context, c *pgx.Conn, query string) ([]comment, error) {
	rows, _ := c.Query(ctx, query)
	return pgx.CollectRows(rows, pgx.RowToStructByPos[comment])
}

// claim is a role that was made for one of onward's databases.
type claim struct{ role, db, id string }

func (s *Server) readClaims(ctx context.Context, c *pgx.Conn) ([]claim, error) {
	found, err := readComments(ctx, c, `SELECT rolname::pg_catalog.text, pg_catalog.shobj_description(oid, 'pg_authid') FROM pg_catalog.pg_roles
		WHERE pg_catalog.shobj_description(oid, 'pg_authid') OPERATOR(pg_catalog.~) '^onward_'`)
	if err != nil {
		return nil, err
	}
	var out []claim
	for _, r := range found {
		if m := claimText.FindStringSubmatch(r.Comment); m != nil {
			out = append(out, claim{r.Name, m[1], m[2]})
		}
	}
	return out, nil
}

// RoleMaker waits until no other rehearsal makes roles on this server, and blocks the others until this process is
// done: a role that two make at once belongs to the first one, and is dropped with its database. names are the roles
// in the text of the migrations. Those that do not exist yet are recorded on each database that is created from here
// on, because the process may be killed between the commit that makes a role and its Claim. On a throwaway server it
// does nothing. waits is called if another process makes roles.
func (s *Server) RoleMaker(ctx context.Context, names []string, waits func()) error {
	if s.external == nil {
		return nil
	}
	free, err := s.tryLockRoleMaker(ctx)
	if err != nil {
		return err
	}
	if !free {
		waits()
		if _, err := s.external.keepAlive.Exec(ctx, "SELECT pg_catalog.pg_advisory_lock($1)", roleMakers); err != nil {
			return fmt.Errorf("wait for another rehearsal that makes roles: %w", err)
		}
	}
	// The previous holder may have been killed, before this one came or just now. A server releases its locks a moment
	// before its session disappears from the list, so what seems to live is checked again.
	for range 200 {
		othersLive, err := s.sweepRoles(ctx)
		if err != nil {
			return err
		}
		if !othersLive {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	existing, err := s.Roles(ctx, s.external.keepAlive)
	if err != nil {
		return err
	}
	s.external.makes = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(existing, n) })
	return nil
}

func (s *Server) tryLockRoleMaker(ctx context.Context) (free bool, err error) {
	if err := s.external.keepAlive.QueryRow(ctx, "SELECT pg_catalog.pg_try_advisory_lock($1)", roleMakers).Scan(&free); err != nil {
		return false, fmt.Errorf("ask who makes roles: %w", err)
	}
	return free, nil
}

// roleMakers is the key of the advisory lock: "onward" in ASCII, and a number.
const roleMakers int64 = 0x6f6e776172640001

// makes is the beginning of a database's comment that names the roles its migrations make, as a JSON list.
const makes = "a rehearsal of onward, which makes the roles "

// roleCommentStatement returns the statement that writes the comment, "" if there is nothing to record.
func (s *Server) roleCommentStatement(db string) (string, error) {
	if s.external == nil || len(s.external.makes) == 0 {
		return "", nil
	}
	names, err := json.Marshal(s.external.makes)
	return "COMMENT ON DATABASE " + quoteIdent(db) + " IS " + pgparse.QuoteLiteral(makes+string(names)), err
}

// readNotedRoles returns the roles in the comments of onward's databases, by database.
func (s *Server) readNotedRoles(ctx context.Context) (map[string][]string, error) {
	found, err := readComments(ctx, s.external.keepAlive, `SELECT datname::pg_catalog.text, pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database
		WHERE datname OPERATOR(pg_catalog.~) '^onward_' AND pg_catalog.shobj_description(oid, 'pg_database') IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, d := range found {
		text, ok := strings.CutPrefix(d.Comment, makes)
		var names []string
		if ok && databasePattern.MatchString(d.Name) && json.Unmarshal([]byte(text), &names) == nil {
			out[d.Name] = names
		}
	}
	return out, nil
}

// dropRoles drops the claimed roles for which want is true. A role that is used outside of onward's databases stays:
// the server refuses to drop it.
func dropRoles(ctx context.Context, c *pgx.Conn, claims []claim, want func(claim) bool) error {
	var names []string
	for _, r := range claims {
		if want(r) {
			names = append(names, r.role)
		}
	}
	if len(names) == 0 {
		return nil
	}
	// All at once, because a third role may have granted one of them to another.
	if _, err := c.Exec(ctx, "DROP ROLE IF EXISTS "+quoteList(names)); err == nil {
		return nil
	}
	// One by one, as long as one more can be dropped.
	for {
		var errs []error
		left := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			_, err := c.Exec(ctx, "DROP ROLE IF EXISTS "+quoteIdent(name))
			if err != nil {
				errs = append(errs, fmt.Errorf("the role %s stays: %w", name, err))
			}
			return err == nil
		})
		if len(left) == 0 || len(left) == len(names) {
			return errors.Join(errs...)
		}
		names = left
	}
}

func quoteList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quoteIdent(n)
	}
	return strings.Join(quoted, ", ")
}

// NewDatabase creates a database: a copy of template or, if that is "", an empty one with UTF-8 and the C locale.
// Nobody may be connected to the template. The name has lower case letters, digits and underscores.
func (s *Server) NewDatabase(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("%s_%d", s.databasePrefix(), s.databases.Add(1))
	sql := "CREATE DATABASE " + quoteIdent(name) + " TEMPLATE "
	if template == "" {
		sql += "template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
	} else {
		sql += quoteIdent(template)
	}
	statements := []string{sql + s.copyStrategy()}
	if s.external != nil { // elsewhere the settings are the server's
		for _, key := range slices.Sorted(maps.Keys(s.cfg.Settings)) {
			value := s.cfg.Settings[key]
			if err := checkSetting(key, value); err != nil {
				return "", err
			}
			statements = append(statements, fmt.Sprintf("ALTER DATABASE %s SET %s = %s", quoteIdent(name), key, pgparse.QuoteLiteral(value)))
		}
	}
	if note, err := s.roleCommentStatement(name); err != nil {
		return "", err
	} else if note != "" {
		statements = append(statements, note)
	}
	if err := s.execStatements(ctx, statements...); err != nil {
		return "", fmt.Errorf("create a database: %w", err)
	}
	return name, nil
}

// copyStrategy returns the strategy of CREATE DATABASE. Copying files is faster than logging each block if the
// checkpoints around it have almost nothing to write, as on a server with fsync off. Before 15 it is the only
// strategy.
func (s *Server) copyStrategy() string {
	if s.install.Major < 15 || s.external != nil {
		return ""
	}
	return " STRATEGY file_copy"
}

// DropDatabase drops a database from NewDatabase, closing its open connections, and the roles that were made for it
// (see Claim).
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	err = dropDatabase(ctx, c, name)
	if err == nil && s.external != nil {
		var claims []claim
		if claims, err = s.readClaims(ctx, c); err == nil {
			err = dropRoles(ctx, c, claims, func(c claim) bool { return c.db == name })
		}
	}
	if err != nil {
		return fmt.Errorf("drop a database: %w", s.addCrash(err))
	}
	return nil
}

// Extensions lists the extensions that are available on this server, sorted.
func (s *Server) Extensions(ctx context.Context) ([]string, error) {
	conn, err := s.Connect(ctx, "", "")
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, _ := conn.Query(ctx, `SELECT name::pg_catalog.text FROM pg_catalog.pg_available_extensions ORDER BY name COLLATE pg_catalog."C"`)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (s *Server) databasePrefix() string {
	if s.external != nil {
		return s.external.idPrefix()
	}
	return "onward"
}

// execStatements executes statements, one by one, in the maintenance database.
func (s *Server) execStatements(ctx context.Context, statements ...string) error {
	conn, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return s.addCrash(err)
		}
	}
	return nil
}

// addCrash adds the server's own crash to an error of a connection, if there was one.
func (s *Server) addCrash(err error) error {
	return errors.Join(err, s.Err())
}

func quoteIdent(name string) string { return pgx.Identifier{name}.Sanitize() }
