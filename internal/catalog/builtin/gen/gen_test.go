package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// The committed file is what the servers say today.
func TestCurrent(t *testing.T) {
	t.Parallel()
	var gathered tables
	for _, major := range append(pgservertest.Majors(), onward.PreviewMajor) {
		if err := gathered.readServer(context.Background(), major, pgservertest.Database(t, major)); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("../" + output)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(committed), "\n"), strings.Split(string(gathered.renderSource()), "\n")); diff != "" {
		t.Errorf("stale: run go generate ./internal/catalog/builtin (-committed +servers):\n%s", diff)
	}
}

// The committed list of the extensions' objects is what the servers have today.
func TestCurrentExtensions(t *testing.T) {
	t.Parallel()
	brought := extensions{}
	for _, major := range pgservertest.Majors() {
		if err := brought.readServer(context.Background(), pgservertest.Database(t, major)); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("../" + extensionOutput)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(committed), "\n"), strings.Split(string(brought.renderSource()), "\n")); diff != "" {
		t.Errorf("stale: run go generate ./internal/catalog/builtin (-committed +servers):\n%s", diff)
	}
}

// Asked about each function of a server with the types that it declares, the package answers what the server says.
func TestAgainstServers(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		var gathered tables
		if err := gathered.readServer(context.Background(), major, pgservertest.Database(t, major)); err != nil {
			t.Fatal(err)
		}
		if len(gathered.functions) < 2000 {
			t.Fatalf("Postgres %d has %d functions only", major, len(gathered.functions))
		}
		for s, row := range gathered.functions {
			var types []string
			if s.types != "" {
				types = strings.Split(s.types, ",")
			}
			want := map[byte]builtin.Vol{'i': builtin.Immutable, 's': builtin.Stable, 'v': builtin.Volatile}[row[major-onward.OldestMajor]]
			got, known := builtin.VolatilityOf(s.name, types, major)
			if !known || got != want {
				t.Errorf("Postgres %d, %s(%s): %v, %v, the server says %v", major, s.name, s.types, got, known, want)
			}
		}
		for spelling, want := range gathered.types {
			if got, _ := builtin.Type(strings.ReplaceAll(spelling, "_", " ")); spelling != want && got != want {
				t.Errorf("Postgres %d: Type(%q) = %q, want %q", major, spelling, got, want)
			}
			if got, _ := builtin.Type(want); got != want || builtin.TypeSince(want) > major {
				t.Errorf("Postgres %d: Type(%q) = %q, since %d", major, want, got, builtin.TypeSince(want))
			}
		}
	})
}

// No operator, cast, or type input and output is volatile: builtin.OperatorsAndCasts says so.
func TestOperatorsAndCasts(t *testing.T) {
	t.Parallel()
	for _, major := range pgservertest.Majors() {
		conn, err := pgx.Connect(context.Background(), pgservertest.Database(t, major))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		for _, query := range []string{
			`SELECT o.oid::regoperator::text FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode WHERE p.provolatile = 'v'`,
			`SELECT castsource::regtype || ' to ' || casttarget::regtype FROM pg_cast JOIN pg_proc p ON p.oid = castfunc WHERE p.provolatile = 'v'`,
			`SELECT typname || ', ' || proname FROM pg_type JOIN pg_proc p ON p.oid IN (typinput, typoutput, typmodin, typmodout) WHERE p.provolatile = 'v'`,
		} {
			rows, err := conn.Query(context.Background(), query)
			if err != nil {
				t.Fatal(err)
			}
			volatile, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			if len(volatile) > 0 {
				t.Errorf("Postgres %d: volatile: %q", major, volatile)
			}
		}
	}
}

// A row's t.name is a call of those functions alone that take a row.
func TestTakesRow(t *testing.T) {
	t.Parallel()
	const ask = `DO $$
DECLARE f text;
BEGIN
  CREATE TABLE zz_row (zz int);
  CREATE TABLE zz_calls (name text);
  FOR f IN SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace LOOP
    BEGIN
      EXECUTE format('CREATE VIEW zz_view AS SELECT t.%I AS x FROM zz_row t', f);
      INSERT INTO zz_calls VALUES (f);
      DROP VIEW zz_view;
    EXCEPTION
      WHEN undefined_column THEN NULL;
      WHEN OTHERS THEN INSERT INTO zz_calls VALUES (f);
    END;
  END LOOP;
END $$`
	for _, major := range pgservertest.Majors() {
		ctx := context.Background()
		db, err := pgx.Connect(ctx, pgservertest.Database(t, major))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close(ctx)
		if _, err := db.Exec(ctx, ask); err != nil {
			t.Fatal(err)
		}
		rows, _ := db.Query(ctx, "SELECT p.proname, c.name IS NOT NULL FROM (SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = "+
			"'pg_catalog'::regnamespace) p LEFT JOIN zz_calls c ON c.name = p.proname")
		var name string
		var calls bool
		if _, err := pgx.ForEachRow(rows, []any{&name, &calls}, func() error {
			if calls && !builtin.TakesRow(name) {
				t.Errorf("Postgres %d: %s takes a row", major, name)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
