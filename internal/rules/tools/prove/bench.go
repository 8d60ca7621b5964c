// Package prove runs the rules' fixtures on real servers. It compares a rule's claims
// about its bad example with the locks and the work that a server shows. The fix must
// run, and the deployed code must fail exactly where the rule says so.
package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
)

// Bench runs examples in one database of a server, which it empties between
// them.
type Bench struct {
	Server *pgserver.Server

	database string
	o        *observe.Observer
	roles    []string
	// databases are those that are not the examples'.
	databases []string
	rows      map[*ruletest.Fixture][]string
}

// NewBench makes the database. roles are those that the fixtures name.
func NewBench(ctx context.Context, server *pgserver.Server, roles []string) (*Bench, error) {
	name, err := server.NewDatabase(ctx, "")
	if err != nil {
		return nil, err
	}
	b := &Bench{Server: server, database: name, roles: roles, rows: map[*ruletest.Fixture][]string{}}
	if b.o, err = observe.NewObserver(ctx, server.URL(name)); err != nil {
		return nil, err
	}
	for _, role := range roles {
		if err := b.o.Exec(ctx, "CREATE ROLE "+pgparse.QuoteIdent(role)); sqlState(err) != "" && sqlState(err) != "42710" {
			return nil, err
		}
	}
	rows, err := b.o.Session().Query(ctx, "SELECT datname::text FROM pg_database")
	if err != nil {
		return nil, err
	}
	b.databases, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return b, err
}

// Close drops the database.
func (b *Bench) Close(ctx context.Context) error {
	b.o.Close(ctx)
	return b.Server.DropDatabase(ctx, b.database)
}

// wipe leaves an empty database.
const wipe = `
DO $wipe$
DECLARE what text;
BEGIN
  FOR what IN
    SELECT format('PUBLICATION %I', pubname) FROM pg_publication
    UNION ALL SELECT format('EVENT TRIGGER %I', evtname) FROM pg_event_trigger
    UNION ALL SELECT format('EXTENSION %I', extname) FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL SELECT format('SCHEMA %I', nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  LOOP
    EXECUTE 'DROP ' || what || ' CASCADE';
  END LOOP;
  CREATE SCHEMA public;
  GRANT ALL ON SCHEMA public TO PUBLIC;
END $wipe$`

// prepareDatabase empties the database and builds the fixture's deployed schema in it,
// with rows.
func (b *Bench) prepareDatabase(ctx context.Context, f *ruletest.Fixture, ex *ruletest.Release) error {
	s := b.o.Session()
	if s.PgConn().TxStatus() != 'I' {
		if err := b.o.Exec(ctx, "ROLLBACK"); err != nil {
			return err
		}
	}
	for _, sql := range []string{"DISCARD ALL", wipe} {
		if err := b.o.Exec(ctx, sql); err != nil {
			return fmt.Errorf("empty the database: %w", err)
		}
	}
	if err := b.dropExampleObjects(ctx); err != nil {
		return err
	}
	before := splitStatements(f.Before)
	for _, sql := range slices.Concat(before, ex.Unseen) {
		if err := b.o.Exec(ctx, sql); err != nil {
			return fmt.Errorf("before.sql: %s: %w", sql, err)
		}
	}
	worked, ok := b.rows[f]
	if !ok || len(ex.Unseen) > 0 {
		var err error
		if worked, err = fillEmptyTables(ctx, s); err != nil {
			return fmt.Errorf("rows: %w", err)
		}
		if len(ex.Unseen) == 0 {
			b.rows[f] = worked
		}
	} else if len(worked) > 0 {
		if err := b.o.Exec(ctx, strings.Join(worked, ";")); err != nil {
			return fmt.Errorf("rows: %w", err)
		}
	}
	if err := b.o.Exec(ctx, "DISCARD ALL"); err != nil {
		return err
	}
	return b.o.ReadRelations(ctx)
}

// dropExampleObjects drops databases, tablespaces and roles that an example made. Databases of other tests have names that begin with "onward_".
func (b *Bench) dropExampleObjects(ctx context.Context) error {
	rows, err := b.o.Session().Query(ctx, `SELECT format('DATABASE %I', datname) FROM pg_database WHERE NOT datname::text = ANY ($1) AND datname !~ '^onward_'
		UNION ALL SELECT format('TABLESPACE %I', spcname) FROM pg_tablespace WHERE spcname !~ '^pg_'
		UNION ALL SELECT format('ROLE %I', rolname) FROM pg_roles WHERE NOT rolsuper AND rolname !~ '^pg_' AND NOT rolname::text = ANY ($2)`, b.databases, b.roles)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		err = errors.Join(err, b.o.Exec(ctx, "DROP "+name))
	}
	return err
}

// splitStatements returns the statements of a text.
func splitStatements(sql string) []string {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return []string{sql}
	}
	out := make([]string, len(f.Stmts))
	for i, s := range f.Stmts {
		out[i] = f.Src[s.Start:s.End]
	}
	return out
}

// sqlState is the SQLSTATE of an error, "" for none.
func sqlState(err error) string {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pg):
		return pg.Code
	}
	return "?????"
}
