//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/bench/measure"
)

// The load has clients that each send a query every interval, while a reader holds the table from before the migration. A query that has to
// wait counts from the time at which it was due.
const (
	clients   = 16
	interval  = 40 * time.Millisecond
	holds     = 3 * time.Second
	mostStall = 35 * time.Millisecond // how much longer than without a migration a query may wait
)

// classicChanges are changes that make psql's load wait, on the tables of servedSchema.
var classicChanges = []struct{ name, sql string }{
	{"column with a volatile default", "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();"},
	{"NOT NULL column", "ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';"},
	{"SET NOT NULL", "ALTER TABLE customers ALTER COLUMN country SET NOT NULL;"},
	{"CHECK", "ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total >= 0);"},
	{"FOREIGN KEY", "ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);"},
	{"UNIQUE", "ALTER TABLE orders ADD CONSTRAINT orders_total_key UNIQUE (total);"},
	{"index", "CREATE INDEX orders_total_idx ON orders (total);"},
	{"integer to bigint", "ALTER TABLE orders ALTER COLUMN total TYPE bigint;"},
	{"column that goes", "ALTER TABLE customers DROP COLUMN note;"},
}

// measureStalls measures the longest wait of a load without a migration, with psql and with onward, and reports whether onward's is too long.
func (b *bench) measureStalls(*row, *anchor, string) (missed bool) {
	b.startServer()
	template := measure.Must(b.server.NewDatabase(b, ""))
	b.execute(b.server.URL(template), servedSchema+servedRows)
	for i, change := range classicChanges {
		dir := filepath.Join(b.dir, fmt.Sprint("stalls", i))
		measure.Check(os.Mkdir(dir, 0o755))
		makeRelease(b, dir, servedSchema, change.sql+"\n")
		measure.WriteFiles(dir, map[string]string{"change.sql": change.sql})
		measure.RunProgram(b, dir, b.onward, "plan", "--base", "base", "--head", "main", "--format", "json", "--output", "plan.json")
		var worst [3]time.Duration
		for way, lines := range []string{"", "psql -Xqf change.sql {db}", "{onward} apply --db {db} --plan plan.json\n" +
			"{onward} apply --db {db} --plan plan.json --through contract --old-code-is-gone the-load-needs-neither"} {
			database := measure.Must(b.server.NewDatabase(b, template))
			url := b.server.URL(database)
			worst[way] = b.measureWait(url, func() {
				for line := range strings.Lines(lines) {
					words := strings.Fields(strings.NewReplacer("{onward}", b.onward, "{db}", url).Replace(line))
					measure.RunProgram(b, dir, words[0], words[1:]...)
				}
			})
			measure.Check(b.server.DropDatabase(context.WithoutCancel(b), database))
		}
		verdict := ""
		if worst[2] > worst[0]+mostStall {
			verdict, missed = " MISSED", true
		}
		fmt.Printf("stalls  %-32s no migration %7.1f ms  psql %7.1f ms  onward %7.1f ms, at most %v more%s\n", change.name,
			milliseconds(worst[0]), milliseconds(worst[1]), milliseconds(worst[2]), mostStall, verdict)
	}
	return missed
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// execute runs SQL in one message on a connection of its own.
func (b *bench) execute(url, sql string) {
	conn := measure.Must(pgx.Connect(b, url))
	defer conn.Close(context.WithoutCancel(b))
	measure.Must(conn.PgConn().Exec(b, sql).ReadAll())
}

// measureWait returns the longest wait of the load's queries until both the reader and the migration ended.
func (b *bench) measureWait(url string, migrate func()) (worst time.Duration) {
	config := measure.Must(pgx.ParseConfig(url))
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // a prepared query ends with an error after a change of its types
	ctx, stop := context.WithCancel(b)
	defer stop()
	reader := measure.Must(pgx.Connect(b, url))
	defer reader.Close(context.WithoutCancel(b))
	type result struct {
		worst time.Duration
		err   error
	}
	results := make(chan result, clients)
	for n := range clients {
		conn := measure.Must(pgx.ConnectConfig(b, config))
		go func() {
			defer conn.Close(context.WithoutCancel(b))
			r := result{}
			ticks := time.NewTicker(interval)
			defer ticks.Stop()
			for i := n; ctx.Err() == nil && r.err == nil; i += clients {
				due := <-ticks.C
				query := "SELECT total FROM orders JOIN customers ON customers.id = customer_id WHERE orders.id = $1"
				if i/clients%2 == 1 {
					query = "UPDATE orders SET status = 'seen' WHERE id = $1"
				}
				_, r.err = conn.Exec(b, query, 1+i%50000)
				r.worst = max(r.worst, time.Since(due))
			}
			results <- r
		}()
	}
	measure.Must(reader.PgConn().Exec(b, "BEGIN; SELECT FROM orders, customers LIMIT 1").ReadAll())
	readerEnded := make(chan error, 1)
	go func() {
		_, err := reader.PgConn().Exec(b, fmt.Sprintf("SELECT pg_sleep(%v); COMMIT", holds.Seconds())).ReadAll()
		readerEnded <- err
	}()
	err := errors.Join(measure.Catch(migrate), <-readerEnded)
	stop()
	for range clients {
		r := <-results
		worst, err = max(worst, r.worst), errors.Join(err, r.err)
	}
	measure.Check(err)
	return worst
}
