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

var claim = regexp.MustCompile(`^(onward_([0-9a-f]{12})_[0-9]+)` + regexp.QuoteMeta(claimed) + `$`)

// dropRoles drops the roles that were made for databases that want says yes to, given the name and the id in it. One
// that is used outside of them stays: the server refuses to drop it.
func (s *Server) dropRoles(ctx context.Context, c *pgx.Conn, want func(db, id string) bool) error {
	rows, err := c.Query(ctx, `SELECT rolname::pg_catalog.text, pg_catalog.shobj_description(oid, 'pg_authid') FROM pg_catalog.pg_roles
		WHERE pg_catalog.shobj_description(oid, 'pg_authid') OPERATOR(pg_catalog.~) '^onward_'`)
	if err != nil {
		return err
	}
	type role struct{ Name, Comment string }
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[role])
	if err != nil {
		return err
	}
	var names []string
	for _, r := range found {
		if m := claim.FindStringSubmatch(r.Comment); m != nil && want(m[1], m[2]) {
			names = append(names, r.Name)
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
