package realrunners

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

const (
	deployed = `CREATE TABLE customers (id integer PRIMARY KEY, note text, country text);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL);
`
	unsafe = `CREATE INDEX customers_note_idx ON customers (note);
ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE customers ADD COLUMN token uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE customers RENAME COLUMN country TO nation;
`
	populate = `INSERT INTO customers SELECT n, 'note', 'SE' FROM generate_series(1, 2500) AS n;
INSERT INTO orders SELECT n, n FROM generate_series(1, 2500) AS n`
	// One row where all of the release is there, and each row has what it brings.
	there = `SELECT count(*) FROM customers WHERE nation = 'SE' AND token IS NOT NULL
HAVING (SELECT count(*) FROM pg_constraint WHERE conname = 'orders_customer_fkey' AND convalidated) = 1
AND (SELECT count(*) FROM pg_index WHERE indexrelid = 'customers_note_idx'::regclass AND indisvalid) = 1
AND (SELECT count(*) FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname IN ('country', 'token') AND NOT attisdropped AND attnotnull) = 1
AND to_regnamespace('onward') IS NULL`
)

// The files that a plan is written to run: expand, by hand what no file carries, contract,
// and at the end the database is what the release wants.
func TestWrittenPlansRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dir, base, release, text string
		run                      func(t *testing.T, dir, url string) error
	}{
		"goose":          {"m", "00001_a.sql", "00002_b.sql", "-- +goose Up\n%s", upGoose},
		"golang-migrate": {"m", "000001_a.up.sql", "000002_b.up.sql", "%s", upMigrate},
		"dbmate":         {"db/migrations", "20240101000000_a.sql", "20240102000000_b.sql", "-- migrate:up\n%s\n-- migrate:down\n", upDbmate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			s := server(t)
			db, conn := database(t, s)
			root, url := t.TempDir(), overTCP(t, s, db)
			run := func() {
				t.Helper()
				if err := c.run(t, filepath.Join(root, c.dir), url); err != nil {
					t.Fatal(err)
				}
			}
			git(t, root, "init", "-q", "-b", "main")
			write(t, root, map[string]string{c.dir + "/" + c.base: strings.Replace(c.text, "%s", deployed, 1)})
			git(t, root, "add", "-A")
			git(t, root, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "base")
			run()
			if _, err := conn.Exec(ctx, populate); err != nil {
				t.Fatal(err)
			}
			write(t, root, map[string]string{c.dir + "/" + c.release: strings.Replace(c.text, "%s", unsafe, 1)})
			config := audit.Config{Dir: root, Base: "HEAD"}
			p, _, err := plan.Make(ctx, plan.Config{Sketch: true, Config: rehearse.Config{Config: config}})
			if err != nil {
				t.Fatal(err)
			}
			d, err := plan.Write(ctx, config, p)
			write(t, root, map[string]string{c.dir + "/" + c.release: gone})
			byHand := 0
			for err == nil {
				if err := d.Save(); err != nil {
					t.Fatal(err)
				}
				run()
				if d.Waits == nil {
					break
				}
				passed := plan.Passed{Gone: "HEAD"}
				if d.Waits.ByHand != "" {
					byHand++
					untilDone(t, conn, d.Waits.SQL)
					passed.Filled = []string{d.Plan.Name}
				}
				var drafts []*plan.Draft
				if drafts, err = plan.Next(ctx, audit.Config{Dir: root}, passed); err == nil {
					d = drafts[0]
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			var n int
			if err := conn.QueryRow(ctx, there).Scan(&n); err != nil || n != 2500 || byHand != 2 {
				t.Errorf("%d rows, %v; %d steps by hand", n, err, byHand)
			}
		})
	}
}

// untilDone runs a backfill until it passes no row.
func untilDone(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	for n := 1; n > 0; {
		if err := conn.QueryRow(context.Background(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}

func upGoose(t *testing.T, dir, url string) error {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS(dir), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = p.Up(t.Context())
	return err
}

func upMigrate(_ *testing.T, dir, url string) error {
	m, err := migrate.New("file://"+dir, url)
	if err != nil {
		return err
	}
	if err = m.Up(); errors.Is(err, migrate.ErrNoChange) {
		err = nil
	}
	e1, e2 := m.Close()
	return errors.Join(err, e1, e2)
}

func upDbmate(t *testing.T, dir, url string) error {
	t.Helper()
	programs, _ := filepath.Glob(filepath.Join(installed(t, "node"), "node_modules/@dbmate/*/bin/dbmate*"))
	if len(programs) != 1 {
		t.Fatalf("%d programs of dbmate", len(programs))
	}
	out, err := exec.CommandContext(t.Context(), programs[0], "--url", url, "--migrations-dir", dir, "--no-dump-schema", "up").CombinedOutput()
	if err != nil {
		return errors.New(err.Error() + ": " + string(out))
	}
	return nil
}
