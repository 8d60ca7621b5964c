//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// measureRehearsals measures what a rehearsal costs: the same release through onward rehearse and through psql, in turn, on tables with
// the same rows; how quick rows are made; the release from a warm cache; a base of five hundred migrations that the cache holds; and a
// release on ten tables.
func measureRehearsals(b *measure.Bench) {
	dir := makeRehearsedRepository(b, rehearsedBase, rehearsedSteps)
	measureWatching(b, dir)
	measureFilling(b)
	whole, server, _ := timeRehearsals(b, dir, fill.Plan{})
	b.Check("rehearse/warm", "ten migrations on empty tables, warm: whole", whole)
	b.Check("rehearse/server", "of which the server", server)

	var history []string
	for i := range 500 {
		history = append(history, fmt.Sprintf("CREATE TABLE t%d (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, at timestamptz);\n"+
			"CREATE INDEX t%d_name_idx ON t%d (name);", i, i, i))
	}
	_, server, r := timeRehearsals(b, makeRehearsedRepository(b, history, []string{"ALTER TABLE t1 ADD COLUMN note text;"}), fill.Plan{})
	if !r.Base.Cached || r.Base.Migrations != 500 {
		measure.Check(errors.New("the base was not taken from the cache"))
	}
	b.Check("rehearse/cached", "a base of 500 migrations, from the cache", server)

	var tables, changes []string
	for i := range 10 {
		tables = append(tables, strings.Replace(tenColumns, "TABLE ten ", fmt.Sprintf("TABLE t%d ", i), 1))
		changes = append(changes, fmt.Sprintf("ALTER TABLE t%d ALTER COLUMN age TYPE bigint;\nCREATE INDEX t%d_email_idx ON t%d (email);", i, i, i))
	}
	whole, _, r = timeRehearsals(b, makeRehearsedRepository(b, tables, changes), fill.Plan{All: 20_000, Seed: 1})
	if n := len(r.Statements); n != 2*len(tables) || r.Statements[n-1].Failed != nil {
		measure.Check(errors.New("the release of ten tables does not run"))
	}
	b.Check("rehearse/tables", "ten tables of 20,000 rows each: whole", whole)
}

// measureWatching compares the time of the statements with and without anybody watching.
func measureWatching(b *measure.Bench, dir string) {
	rows := int64(b.Rows)
	if rows == 0 {
		rows = 300_000
	}
	plan := fill.Plan{Rows: map[string]int64{"users": rows, "orders": rows}, Seed: 1}
	var watched, plain []float64
	for range b.Rounds {
		r := measure.Must(rehearse.Run(b, rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "main"}, Rows: plan})).Rehearsals[0]
		if last := r.Statements[len(r.Statements)-1]; last.Failed != nil {
			measure.Check(fmt.Errorf("the release does not run: %s", last.Failed.Message))
		}
		watched, plain = append(watched, r.DurationMS), append(plain, timePsqlRelease(b, plan))
	}
	rehearsed, psql := table.Median(watched), table.Median(plain)
	b.Check("rehearse/psql", fmt.Sprintf("ten migrations on 2 × %d rows, beside psql", rows), rehearsed/psql, fmt.Sprintf("%.0f and %.0f ms", rehearsed, psql))
}

// timePsqlRelease runs the release with psql on the same tables, in one session, and returns the milliseconds without psql's own start.
func timePsqlRelease(b *measure.Bench, plan fill.Plan) float64 {
	s, db, stop := b.StartServer(pgserver.Config{})
	defer stop()
	timePsql(s.URL(db), strings.Join(rehearsedBase, "\n"))
	measure.Must(fill.FillDatabase(b, s.URL(db), plan, fill.Release{}))
	start := timePsql(s.URL(db), "SELECT 1;")
	var script strings.Builder
	for _, m := range rehearsedSteps {
		if alone, ok := strings.CutPrefix(m, noTransaction); ok {
			script.WriteString(alone)
			continue
		}
		script.WriteString("BEGIN;\n" + m + "\nCOMMIT;\n")
	}
	return timePsql(s.URL(db), script.String()) - start
}

// timePsql runs a script and gives the milliseconds of the process.
func timePsql(url, script string) float64 {
	cmd := exec.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.DevNull, url)
	cmd.Stdin = strings.NewReader(script)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		measure.Check(fmt.Errorf("psql: %w: %s", err, out))
	}
	return measure.Milliseconds(time.Since(start))
}

// measureFilling measures how quick rows are made.
func measureFilling(b *measure.Bench) {
	const rows = 1_000_000
	s, _, stop := b.StartServer(pgserver.Config{})
	defer stop()
	var rates []float64
	for range b.Rounds {
		db := measure.Must(s.NewDatabase(b, ""))
		timePsql(s.URL(db), tenColumns)
		start := time.Now()
		r := measure.Must(fill.FillDatabase(b, s.URL(db), fill.Plan{Rows: map[string]int64{"ten": rows}, Seed: 1}, fill.Release{}))
		if len(r.Problems) > 0 {
			measure.Check(fmt.Errorf("fill: %s: %s", r.Problems[0].Relation, r.Problems[0].Why))
		}
		rates = append(rates, rows/time.Since(start).Seconds())
		measure.Check(s.DropDatabase(b, db))
	}
	b.Check("rehearse/rows", "rows of ten columns, generated, sent and analysed", table.Median(rates))
}

const tenColumns = `CREATE TABLE ten (id bigint PRIMARY KEY, email text NOT NULL, name varchar(80), age integer CHECK (age >= 0),
	total numeric(12,2), active boolean NOT NULL, created_at timestamptz NOT NULL, born date, tag uuid, note text);`

// timeRehearsals gives the median seconds of a warm rehearsal, and of its server's start. The first one fills the cache.
func timeRehearsals(b *measure.Bench, dir string, rows fill.Plan) (whole, server float64, last *onward.Rehearsal) {
	var servers []float64
	wholes := measure.InTurn(b.Rounds, func() float64 {
		start := time.Now()
		r := measure.Must(rehearse.Run(b, rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "main"}, Rows: rows}))
		last = &r.Rehearsals[0]
		servers = append(servers, last.ServerMS/1000)
		return time.Since(start).Seconds()
	})
	return table.Median(wholes[0]), table.Median(servers[1:]), last
}

// makeRehearsedRepository makes a repository of migrations. Those that begin with noTransaction run alone.
func makeRehearsedRepository(b *measure.Bench, base, release []string) string {
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
	return b.Repository(files(1, base), files(len(base)+1, release))
}

const noTransaction = "-- alone\n"

var rehearsedBase = []string{
	`CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, name text, age integer, created_at timestamptz NOT NULL DEFAULT now());`,
	`CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total integer NOT NULL, status text NOT NULL, note varchar(200), placed_at timestamptz NOT NULL);`,
}

var rehearsedSteps = []string{
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
