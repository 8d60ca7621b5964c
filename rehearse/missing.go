package rehearse

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/pgserver"
)

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
	if err := createRole(ctx, s, name); err != nil {
		return fmt.Errorf("make the role %s, which the migrations name: %w", name, err)
	}
	if !slices.Contains(v.roles, name) {
		v.roles = append(v.roles, name)
	}
	return nil
}

// welcome lets the roles that were made own things in a database, and makes the
// bookkeepers that the release asked for.
func (v *version) welcome(ctx context.Context, s *pgserver.Server, db string) error {
	if err := v.resupply(ctx, s, db); err != nil {
		return fmt.Errorf("give the release what it takes for granted: %w", err)
	}
	statements := slices.Clone(v.books)
	for _, role := range v.roles {
		// The name is a migration's: it stands quoted in what is quoted itself.
		statements = append(statements, "DO LANGUAGE plpgsql "+quote("DECLARE s pg_catalog.name; BEGIN FOR s IN SELECT nspname FROM pg_catalog.pg_namespace"+
			" WHERE nspname OPERATOR(pg_catalog.!~) '^pg_' AND nspname OPERATOR(pg_catalog.<>) 'information_schema' AND pg_catalog.pg_has_role(nspowner, 'USAGE')"+
			" LOOP EXECUTE pg_catalog.format('GRANT ALL ON SCHEMA %I TO %I', s, "+quote(role)+"); END LOOP; END"))
	}
	if len(statements) == 0 || v.Server != "" {
		return nil
	}
	if err := v.asMigrations(ctx, s, db, statements...); err != nil {
		return fmt.Errorf("prepare the roles that the migrations name: %w", err)
	}
	return nil
}

// createRole makes a role that the role of the migrations may act for. One that
// is there already stays what it is. Nobody is given a superuser, or a role of
// the server's or of ours: a migration may say that it makes one, or a function
// that one is missing.
func createRole(ctx context.Context, s *pgserver.Server, name string) error {
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	id := pgx.Identifier{name}.Sanitize()
	_, err = c.Exec(ctx, "CREATE ROLE "+id)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42710" { // there is one
		var theirs bool
		if err := c.QueryRow(ctx, "SELECT oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND NOT rolsuper AND rolname OPERATOR(pg_catalog.<>) ALL ($2) FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1",
			name, []string{roleName, lookName, watchName}).Scan(&theirs); err != nil {
			return err
		}
		if !theirs {
			return pg
		}
		err = nil
	}
	if err == nil {
		_, err = c.Exec(ctx, "GRANT "+id+" TO "+roleName+" WITH ADMIN OPTION")
	}
	return err
}

// bookName is what names of bookkeepers have in them that a team chose.
var bookName = regexp.MustCompile(`(?i)migration|schema_version`)

// bookOf is the bookkeeper of the tool that runs the migrations of a source.
func bookOf(s adapter.Source) *adapter.Book {
	a, ok := all.Named(s.Framework)
	if !ok {
		return nil
	}
	for _, b := range a.Traits().Books {
		if b.Columns != "" {
			return &b
		}
	}
	return nil
}

var noTable = regexp.MustCompile(`^relation "((?:[^"]+\.)?([^".]+))" does not exist$`)

// missingBookkeeper is the DDL of the bookkeeper that a statement names and the
// database does not have; "" for any other error.
//
// tool is the bookkeeper of the tool that runs the migrations, for one by another
// name; nil where that is not known.
func missingBookkeeper(err error, tool *adapter.Book) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42P01" {
		return ""
	}
	m := noTable.FindStringSubmatch(pg.Message)
	if m == nil {
		return ""
	}
	book := all.Books()[m[2]]
	if book.Columns == "" && bookName.MatchString(m[2]) && tool != nil {
		book = *tool // its name was chosen
	}
	if book.Columns == "" {
		return ""
	}
	schema, _, qualified := strings.Cut(m[1], ".")
	name := pgx.Identifier{m[2]}
	if qualified {
		name = pgx.Identifier{schema, m[2]}
	}
	return "CREATE TABLE IF NOT EXISTS " + name.Sanitize() + " " + book.Columns
}
