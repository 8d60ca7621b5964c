package pgserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Roles belong to a whole server and not to a database. On a throwaway server they go with it; on one that somebody
// else runs, each that was made for a database of ours carries the database's name in its comment, and goes when the
// database goes: at its end, at the end of this use of the server, or, when the process was killed, when the next user
// of the server finds it.

// Roles lists the roles of a server that somebody else runs; none of a throwaway one. c is a session on it.
func (s *Server) Roles(ctx context.Context, c *pgx.Conn) ([]string, error) {
	if s.external == nil {
		return nil, nil
	}
	rows, err := c.Query(ctx, `SELECT rolname::pg_catalog.text FROM pg_catalog.pg_roles`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Claim says of a role that it was made for a database of NewDatabase's. c is a session of who made it.
func (s *Server) Claim(ctx context.Context, c *pgx.Conn, db, role string) error {
	if _, err := c.Exec(ctx, "COMMENT ON ROLE "+quoteIdent(role)+" IS "+quoteLiteral(db+claimed)); err != nil {
		return fmt.Errorf("mark the role %s as the rehearsal's: %w", role, err)
	}
	return nil
}

const claimed = ": made by a rehearsal of onward, and dropped with its database"

var claimText = regexp.MustCompile(`^(onward_([0-9a-f]{12})_[0-9]+)` + regexp.QuoteMeta(claimed) + `$`)

// comment is what is said of a role or a database.
type comment struct{ Name, Comment string }

func comments(ctx context.Context, c *pgx.Conn, query string) ([]comment, error) {
	rows, err := c.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[comment])
}

// claim is a role that was made for a database of ours.
type claim struct{ role, db, id string }

func (s *Server) claims(ctx context.Context, c *pgx.Conn) ([]claim, error) {
	found, err := comments(ctx, c, `SELECT rolname::pg_catalog.text, pg_catalog.shobj_description(oid, 'pg_authid') FROM pg_catalog.pg_roles
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

// RoleMaker waits until nobody else who rehearses on this server makes roles, and holds the others off until this use
// of it ends: a role that two make at once is the first one's, and goes with the first. names are the roles that the
// migrations say they make: those that are not there yet are noted on each database that is made from here on, as the
// process may be killed between the commit that makes a role and its Claim. On a throwaway server nobody else is.
// waits is told when there is somebody.
func (s *Server) RoleMaker(ctx context.Context, names []string, waits func()) error {
	if s.external == nil {
		return nil
	}
	free, err := s.tryRoleMaker(ctx)
	if err != nil {
		return err
	}
	if !free {
		waits()
		if _, err := s.external.keep.Exec(ctx, "SELECT pg_catalog.pg_advisory_lock($1)", roleMakers); err != nil {
			return fmt.Errorf("wait for another rehearsal that makes roles: %w", err)
		}
	}
	// The one before may have been killed, since we came or just now. A server gives its locks away a moment before it
	// takes its session off the list, so one that seems to live is asked for again.
	for range 40 {
		if err := s.sweepRoles(ctx); err != nil {
			return err
		}
		others, err := s.othersMake(ctx)
		if err != nil {
			return err
		}
		if !others {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	there, err := s.Roles(ctx, s.external.keep)
	if err != nil {
		return err
	}
	s.external.makes = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(there, n) })
	return nil
}

func (s *Server) tryRoleMaker(ctx context.Context) (free bool, err error) {
	if err := s.external.keep.QueryRow(ctx, "SELECT pg_catalog.pg_try_advisory_lock($1)", roleMakers).Scan(&free); err != nil {
		return false, fmt.Errorf("ask who makes roles: %w", err)
	}
	return free, nil
}

// roleMakers is the key of the advisory lock: "onward" in ASCII, and a number.
const roleMakers int64 = 0x6f6e776172640001

// makes is how the comment of a database of ours begins that names the roles its migrations make, as a JSON list.
const makes = "a rehearsal of onward, which makes the roles "

// noteRoles is the statement that writes the comment, "" if there is nothing to note.
func (s *Server) noteRoles(db string) (string, error) {
	if s.external == nil || len(s.external.makes) == 0 {
		return "", nil
	}
	names, err := json.Marshal(s.external.makes)
	return "COMMENT ON DATABASE " + quoteIdent(db) + " IS " + quoteLiteral(makes+string(names)), err
}

// noted are the roles that stand in the comments of our databases, by database.
func (s *Server) noted(ctx context.Context) (map[string][]string, error) {
	found, err := comments(ctx, s.external.keep, `SELECT datname::pg_catalog.text, pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database
		WHERE datname OPERATOR(pg_catalog.~) '^onward_' AND pg_catalog.shobj_description(oid, 'pg_database') IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, d := range found {
		text, is := strings.CutPrefix(d.Comment, makes)
		var names []string
		if is && leftover.MatchString(d.Name) && json.Unmarshal([]byte(text), &names) == nil {
			out[d.Name] = names
		}
	}
	return out, nil
}

// othersMake reports whether another use of the server that seems to live has roles, or databases that are noted to
// make some.
func (s *Server) othersMake(ctx context.Context) (bool, error) {
	claims, err := s.claims(ctx, s.external.keep)
	if err != nil {
		return false, err
	}
	noted, err := s.noted(ctx)
	if err != nil {
		return false, err
	}
	live, err := s.live(ctx)
	if err != nil {
		return false, err
	}
	delete(live, s.external.prefix())
	for _, c := range claims {
		if live["onward_"+c.id] {
			return true, nil
		}
	}
	for db := range noted {
		if live["onward_"+leftover.FindStringSubmatch(db)[1]] {
			return true, nil
		}
	}
	return false, nil
}

// dropRoles drops the claimed roles that want says yes to. One that is used outside our databases stays: the server
// refuses to drop it.
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
	// Together, as one may have been given to the other by a third.
	if _, err := c.Exec(ctx, "DROP ROLE IF EXISTS "+list(names)); err == nil {
		return nil
	}
	// One by one, as long as one more goes.
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

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = quoteIdent(n)
	}
	return strings.Join(quoted, ", ")
}
