// Command rehearse measures what a rehearsal costs: the same release through
// onward rehearse and through psql, in turn, on tables with the same rows; the
// small release of ten migrations from a warm cache; and a base of five hundred
// migrations that the cache holds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

func main() {
	rows := flag.Int64("rows", 300_000, "rows of each of the two tables")
	rounds := flag.Int("rounds", 5, "rounds, of which the medians are printed")
	flag.Parse()
	run.ExitIf(runAll(context.Background(), *rows, *rounds))
}

func runAll(ctx context.Context, rows int64, rounds int) (missed bool, err error) {
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	var t table.Table
	if err := measureOverhead(ctx, &t, filepath.Join(dir, "release"), rows, rounds); err != nil {
		return false, err
	}
	if err := measureFilling(ctx, &t, rounds); err != nil {
		return false, err
	}
	if err := measureWarm(ctx, &t, filepath.Join(dir, "release"), rounds); err != nil {
		return false, err
	}
	if err := measureHistory(ctx, &t, filepath.Join(dir, "history"), rounds); err != nil {
		return false, err
	}
	if err := measureTenTables(ctx, &t, filepath.Join(dir, "tables"), rounds); err != nil {
		return false, err
	}
	return t.Missed, nil
}

// measureOverhead compares the time of the statements with and without anybody
// watching.
func measureOverhead(ctx context.Context, t *table.Table, dir string, rows int64, rounds int) error {
	if err := makeRepository(dir, base, steps); err != nil {
		return err
	}
	plan := fill.Plan{Rows: map[string]int64{"users": rows, "orders": rows}, Seed: 1}
	var watched, plain []float64
	for range rounds {
		r, err := rehearse.Run(ctx, rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "main"}, Rows: plan})
		if err != nil {
			return err
		}
		if n := len(r.Rehearsals[0].Statements); r.Rehearsals[0].Statements[n-1].Failed != nil {
			return fmt.Errorf("the release does not run: %s", r.Rehearsals[0].Statements[n-1].Failed.Message)
		}
		watched = append(watched, r.Rehearsals[0].DurationMS)
		ms, err := withPsql(ctx, dir, plan)
		if err != nil {
			return err
		}
		plain = append(plain, ms)
	}
	a, b := table.Median(watched), table.Median(plain)
	t.PrintLine(fmt.Sprintf("ten migrations on 2 × %d rows: rehearsed", rows), fmt.Sprintf("%.0f ms", a), a <= 1.1*b, "1.10 × psql")
	fmt.Printf("%-64s %16s   ratio %.2f\n", "the same with psql", fmt.Sprintf("%.0f ms", b), a/b)
	return nil
}

// withPsql runs the release with psql on the same tables, in one session, and returns the
// time without psql's own start.
func withPsql(ctx context.Context, dir string, plan fill.Plan) (float64, error) {
	s, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Stop() }()
	db, err := s.NewDatabase(ctx, "")
	if err != nil {
		return 0, err
	}
	if _, err := runPsql(s.URL(db), strings.Join(base, "\n")); err != nil {
		return 0, err
	}
	if _, err := fill.FillDatabase(ctx, s.URL(db), plan, fill.Release{}); err != nil {
		return 0, err
	}
	start, err := runPsql(s.URL(db), "SELECT 1;")
	if err != nil {
		return 0, err
	}
	var script strings.Builder
	for _, m := range steps {
		if alone, ok := strings.CutPrefix(m, noTransaction); ok {
			script.WriteString(alone)
			continue
		}
		script.WriteString("BEGIN;\n" + m + "\nCOMMIT;\n")
	}
	took, err := runPsql(s.URL(db), script.String())
	return took - start, err
}

// runPsql runs a script and gives the milliseconds of the process.
func runPsql(url, script string) (float64, error) {
	cmd := exec.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.DevNull, url)
	cmd.Stdin = strings.NewReader(script)
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("psql: %w: %s", err, out)
	}
	return float64(time.Since(begun).Microseconds()) / 1000, nil
}

// measureFilling measures how quick rows are made.
func measureFilling(ctx context.Context, t *table.Table, rounds int) error {
	const rows = 1_000_000
	s, err := pgserver.Start(ctx, pgserver.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Stop() }()
	var rates []float64
	for range rounds {
		db, err := s.NewDatabase(ctx, "")
		if err != nil {
			return err
		}
		if _, err := runPsql(s.URL(db), tenColumns); err != nil {
			return err
		}
		begun := time.Now()
		r, err := fill.FillDatabase(ctx, s.URL(db), fill.Plan{Rows: map[string]int64{"ten": rows}, Seed: 1}, fill.Release{})
		if err != nil {
			return err
		}
		if len(r.Problems) > 0 {
			return fmt.Errorf("fill: %s: %s", r.Problems[0].Relation, r.Problems[0].Why)
		}
		rates = append(rates, rows/time.Since(begun).Seconds())
		if err := s.DropDatabase(ctx, db); err != nil {
			return err
		}
	}
	rate := table.Median(rates)
	t.PrintLine("rows of ten columns, generated, sent and analysed", fmt.Sprintf("%.0f rows/s", rate), rate >= 200_000, "200 k/s")
	return nil
}

const tenColumns = `CREATE TABLE ten (id bigint PRIMARY KEY, email text NOT NULL, name varchar(80), age integer CHECK (age >= 0),
	total numeric(12,2), active boolean NOT NULL, created_at timestamptz NOT NULL, born date, tag uuid, note text);`

// measureWarm measures the small release on empty tables, all of it.
func measureWarm(ctx context.Context, t *table.Table, dir string, rounds int) error {
	whole, server, _, err := timeRehearsals(ctx, dir, fill.Plan{}, rounds)
	if err != nil {
		return err
	}
	t.PrintLine("ten migrations on empty tables, warm: whole", fmt.Sprintf("%.2f s", whole), whole < 3, "3 s")
	t.PrintLine("of which the server", fmt.Sprintf("%.2f s", server), server < 0.5, "0.5 s")
	return nil
}

// measureTenTables measures a release that changes ten tables with rows.
func measureTenTables(ctx context.Context, t *table.Table, dir string, rounds int) error {
	var tables, changes []string
	for i := range 10 {
		tables = append(tables, strings.Replace(tenColumns, "TABLE ten ", fmt.Sprintf("TABLE t%d ", i), 1))
		changes = append(changes, fmt.Sprintf("ALTER TABLE t%d ALTER COLUMN age TYPE bigint;\nCREATE INDEX t%d_email_idx ON t%d (email);", i, i, i))
	}
	if err := makeRepository(dir, tables, changes); err != nil {
		return err
	}
	whole, _, r, err := timeRehearsals(ctx, dir, fill.Plan{All: 20_000, Seed: 1}, rounds)
	if err != nil {
		return err
	}
	if n := len(r.Statements); n != 2*len(tables) || r.Statements[n-1].Failed != nil {
		return errors.New("the release of ten tables does not run")
	}
	t.PrintLine("ten tables of 20,000 rows each: whole", fmt.Sprintf("%.2f s", whole), whole < 10, "10 s")
	return nil
}

// measureHistory measures a long base that the cache holds.
func measureHistory(ctx context.Context, t *table.Table, dir string, rounds int) error {
	var long []string
	for i := range 500 {
		long = append(long, fmt.Sprintf("CREATE TABLE t%d (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, at timestamptz);\n"+
			"CREATE INDEX t%d_name_idx ON t%d (name);", i, i, i))
	}
	if err := makeRepository(dir, long, []string{"ALTER TABLE t1 ADD COLUMN note text;"}); err != nil {
		return err
	}
	_, server, r, err := timeRehearsals(ctx, dir, fill.Plan{}, rounds)
	if err != nil {
		return err
	}
	if !r.Base.Cached || r.Base.Migrations != 500 {
		return errors.New("the base was not taken from the cache")
	}
	t.PrintLine("a base of 500 migrations, from the cache", fmt.Sprintf("%.2f s", server), server < 1, "1 s")
	return nil
}

// timeRehearsals gives the median seconds of a warm rehearsal, and of its server's start.
func timeRehearsals(ctx context.Context, dir string, rows fill.Plan, rounds int) (whole, server float64, last *onward.Rehearsal, err error) {
	var wholes, servers []float64
	for i := range rounds + 1 {
		begun := time.Now()
		r, err := rehearse.Run(ctx, rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "main"}, Rows: rows})
		if err != nil {
			return 0, 0, nil, err
		}
		last = &r.Rehearsals[0]
		if i > 0 { // the first one fills the cache
			wholes, servers = append(wholes, time.Since(begun).Seconds()), append(servers, last.ServerMS/1000)
		}
	}
	return table.Median(wholes), table.Median(servers), last, nil
}

// makeRepository makes a git repository whose branch base has the first migrations,
// and main all of them.
func makeRepository(dir string, base, sql []string) error {
	files := func(from int, list []string) map[string]string {
		out := map[string]string{}
		for i, sql := range list {
			head := "-- +goose Up\n"
			if alone, ok := strings.CutPrefix(sql, noTransaction); ok {
				head, sql = "-- +goose NO TRANSACTION\n-- +goose Up\n", alone
			}
			out[fmt.Sprintf("migrations/%05d_step.sql", from+i)] = head + sql + "\n"
		}
		return out
	}
	return release.Repository(dir, files(1, base), files(len(base)+1, sql))
}

const noTransaction = "-- alone\n"

var base = []string{
	`CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, name text, age integer, created_at timestamptz NOT NULL DEFAULT now());`,
	`CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total integer NOT NULL, status text NOT NULL, note varchar(200), placed_at timestamptz NOT NULL);`,
}

var steps = []string{
	"ALTER TABLE users ADD COLUMN nickname text;\nALTER TABLE users ADD COLUMN visits integer NOT NULL DEFAULT 0;",
	noTransaction + "CREATE INDEX CONCURRENTLY users_email_idx ON users (email);",
	"CREATE INDEX orders_placed_idx ON orders (placed_at);",
	"UPDATE users SET nickname = lower(email);",
	"ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total IS NOT NULL) NOT VALID;",
	"ALTER TABLE orders VALIDATE CONSTRAINT orders_total_check;",
	"ALTER TABLE orders ALTER COLUMN total TYPE bigint;",
	"CREATE TABLE notes (id bigint PRIMARY KEY, body text);\nCREATE INDEX notes_body_idx ON notes (body);\nINSERT INTO notes SELECT id, status FROM orders;",
	"ALTER TABLE users ALTER COLUMN email SET NOT NULL;\nALTER TABLE users DROP COLUMN age;",
	noTransaction + "CREATE INDEX CONCURRENTLY orders_user_idx ON orders (user_id);",
}
