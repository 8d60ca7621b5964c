package pgserver

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

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

// claim is a role that was made for a database of ours.
type claim struct{ role, db, id string }

func (s *Server) claims(ctx context.Context, c *pgx.Conn) ([]claim, error) {
	rows, err := c.Query(ctx, `SELECT rolname::pg_catalog.text, pg_catalog.shobj_description(oid, 'pg_authid') FROM pg_catalog.pg_roles
		WHERE pg_catalog.shobj_description(oid, 'pg_authid') OPERATOR(pg_catalog.~) '^onward_'`)
	if err != nil {
		return nil, err
	}
	type role struct{ Name, Comment string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[role])
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
// of it ends: a role that two make at once is the first one's, and goes with the first. On a throwaway server nobody
// else is. waits is told when there is somebody.
func (s *Server) RoleMaker(ctx context.Context, waits func()) error {
	if s.external == nil {
		return nil
	}
	var free bool
	if err := s.external.keep.QueryRow(ctx, "SELECT pg_catalog.pg_try_advisory_lock($1)", roleMakers).Scan(&free); err != nil {
		return fmt.Errorf("ask who makes roles: %w", err)
	}
	if free {
		return nil
	}
	waits()
	if _, err := s.external.keep.Exec(ctx, "SELECT pg_catalog.pg_advisory_lock($1)", roleMakers); err != nil {
		return fmt.Errorf("wait for another rehearsal that makes roles: %w", err)
	}
	return s.sweep(ctx) // it may have been killed
}

// roleMakers is the key of the advisory lock: "onward" in ASCII, and a number.
const roleMakers int64 = 0x6f6e776172640001

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
