package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver"
)

var noRole = lazyregexp.New(`^role "(.+)" does not exist$`)

// missingRole returns the role that a statement names and the server does not
// have.
func missingRole(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42704" || pg.Code == "22023") {
		if m := noRole.FindStringSubmatch(pg.Message); m != nil {
			return m[1]
		}
	}
	return ""
}

// makeRole creates a role without rights, of which the migrations' role is a
// member.
func (v *version) makeRole(ctx context.Context, s *pgserver.Server, name string) error {
	if err := createRole(ctx, s, name); err != nil {
		return fmt.Errorf("make the role %s, which the migrations name: %w", name, err)
	}
	if !slices.Contains(v.roles, name) {
		v.roles = append(v.roles, name)
	}
	return nil
}

// supplyPrerequisites lets the created roles own objects in a database, and creates the
// bookkeeping tables that the release needs.
func (v *version) supplyPrerequisites(ctx context.Context, s *pgserver.Server, db string) error {
	if err := v.repeatSupplies(ctx, s, db); err != nil {
		return fmt.Errorf("give the release what it takes for granted: %w", err)
	}
	statements := slices.Clone(v.bookkeepingDDL)
	for _, role := range v.roles {
		// The name comes from a migration, so it is quoted, inside a quoted text.
		statements = append(statements, "DO LANGUAGE plpgsql "+pgparse.QuoteLiteral("DECLARE s pg_catalog.name; BEGIN FOR s IN SELECT nspname "+
			"FROM pg_catalog.pg_namespace"+
			" WHERE nspname OPERATOR(pg_catalog.!~) '^pg_' AND nspname OPERATOR(pg_catalog.<>) 'information_schema' AND pg_catalog.pg_has_role(nspowner, 'USAGE')"+
			" LOOP EXECUTE pg_catalog.format('GRANT CREATE ON SCHEMA %I TO %I', s, "+pgparse.QuoteLiteral(role)+"); END LOOP; END"))
	}
	if len(statements) == 0 || v.Server != "" {
		return nil
	}
	if err := v.execAsMigrationRole(ctx, s, db, statements...); err != nil {
		return fmt.Errorf("prepare the roles that the migrations name: %w", err)
	}
	return nil
}

// createRole creates a role of which the migrations' role becomes a member. An
// existing role stays as it is. Nobody becomes a member of a superuser, or of a
// role of the server or of onward: a migration may claim that it makes one, or a
// function may claim that one is missing.
func createRole(ctx context.Context, s *pgserver.Server, name string) error {
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	id := pgx.Identifier{name}.Sanitize()
	_, err = c.Exec(ctx, "CREATE ROLE "+id)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42710" { // it exists
		var isGrantable bool
		if err := c.QueryRow(ctx, "SELECT oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND NOT rolsuper AND rolname OPERATOR(pg_catalog.<>) ALL ($2) FROM "+
			"pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1",
			name, []string{roleName, lookName, watchName}).Scan(&isGrantable); err != nil {
			return err
		}
		if !isGrantable {
			return pg
		}
		err = nil
	}
	if err == nil {
		_, err = c.Exec(ctx, "GRANT "+id+" TO "+roleName+" WITH ADMIN OPTION")
	}
	return err
}

// bookName matches the names that teams give to bookkeeping tables.
var bookName = lazyregexp.New(`(?i)migration|schema_version`)

// historyTableOf returns the bookkeeping table of the tool that runs the migrations of a
// source. Several tools may have a table of one name, each with columns of its own.
func historyTableOf(s adapter.Source, tool string) *adapter.HistoryTable {
	if ownRunner := s.Options.Own; ownRunner != nil {
		table, columns := ownRunner.HistoryTable()
		return &adapter.HistoryTable{Table: table[strings.LastIndexByte(table, '.')+1:], Columns: columns}
	}
	a, ok := all.FindAdapter(s.Framework)
	if !ok {
		return nil
	}
	var found *adapter.HistoryTable
	for _, b := range a.Traits().HistoryTables {
		switch {
		case b.Columns == "":
		case b.Tool == tool:
			return &b
		case found == nil:
			found = &b
		}
	}
	return found
}

var noTable = lazyregexp.New(`^relation "((?:[^"]+\.)?([^".]+))" does not exist$`)

// missingHistoryTable returns the DDL of the bookkeeping table that a statement
// names and the database does not have; "" for any other error.
//
// tool is the table of the tool that runs the migrations, in case it has another
// name; nil if unknown.
func missingHistoryTable(err error, tool *adapter.HistoryTable) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42P01" {
		return ""
	}
	m := noTable.FindStringSubmatch(pg.Message)
	if m == nil {
		return ""
	}
	book := all.HistoryTables()[m[2]]
	if tool != nil && tool.Columns != "" && (tool.Table == m[2] || book.Columns == "" && bookName.MatchString(m[2])) {
		book = *tool // the team has chosen its name
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
