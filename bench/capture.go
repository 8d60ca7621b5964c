//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/pgserver"
)

// capturedMigrations is how many migrations the head has; the base has all but two.
const capturedMigrations = 40

// cheapRuns is how often what takes a tenth of a second runs in a round: one run of it says little.
const cheapRuns = 4

// migrateScript is a migration tool: it runs the files that its table does not list, each in a transaction. Its argument makes it another
// command, so that no result is cached.
const migrateScript = `set -eu
psql="psql -X -q -v ON_ERROR_STOP=1 -d $DATABASE_URL"
$psql -c "CREATE TABLE IF NOT EXISTS schema_migrations (version text PRIMARY KEY)" 2>/dev/null
done=$($psql -At -c "SELECT version FROM schema_migrations")
for file in sql/*.sql; do
	name=$(basename "$file" .sql)
	case " $(echo $done) " in *" $name "*) continue ;; esac
	{ echo "BEGIN;"; cat "$file"; echo "INSERT INTO schema_migrations VALUES ('$name');"; echo "COMMIT;"; } | $psql
done
`

// showScript prints the migrations as render: wants them.
const showScript = `for file in sql/*.sql; do echo "-- migration: $(basename "$file" .sql)"; cat "$file"; done
`

// captureRepository is a repository with the release.
type captureRepository struct {
	*measure.Bench
	dir string
}

// measureCaptures measures what onward adds to a project's own command: a capture and a render of a release, and the same from the cache,
// beside the command itself and beside the same migrations as plain files.
func measureCaptures(b *measure.Bench) {
	base := map[string]string{
		"migrate.sh": migrateScript, "show.sh": showScript, "plain/onward.yaml": "migrations: [{dir: sql, framework: sql, transaction: file}]\n",
	}
	head := map[string]string{}
	for i := range capturedMigrations {
		files := base
		text := fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, name text NOT NULL, total numeric(12,2), born date);\n", i)
		if i >= capturedMigrations-2 {
			files, text = head, fmt.Sprintf("ALTER TABLE t%d ADD COLUMN note text;\nUPDATE t%d SET note = name;\n", i-10, i-10)
		}
		files[fmt.Sprintf("sql/%04d_step.sql", i)] = text
		files[fmt.Sprintf("plain/sql/%04d_step.sql", i)] = text
	}
	r := &captureRepository{b, b.Repository(base, head)}
	r.measureCapture()
	r.measureRender()
}

// timeOnward runs onward in the repository, and returns its time. Findings are no failure.
func (r *captureRepository) timeOnward(args ...string) time.Duration {
	out, took := r.Run(measure.Command{Dir: r.dir, Fine: []int{1}}, r.Program(), args...)
	if strings.Count(out, "ADD COLUMN note") < 2 {
		measure.Check(fmt.Errorf("onward %v does not report the release: %s", args, out))
	}
	return took
}

// measureCapture compares onward capture with two runs of the command: at the base, and of the rest at the head.
func (r *captureRepository) measureCapture() {
	var added, cached, plain []time.Duration
	for i := range r.Rounds {
		command := r.timeMigrations()
		// The command is a new one in each round, so that nothing is cached.
		args := []string{"capture", "--base", "base", "--dir", "sql", "--format", "json", "--", "sh", "migrate.sh", fmt.Sprintf("round%d-%d", i, os.Getpid())}
		added = append(added, r.timeOnward(args...)-command)
		for range cheapRuns {
			cached = append(cached, r.timeOnward(args...))
			plain = append(plain, r.timeOnward("changelog", "--base", "base", "--config", "plain/onward.yaml", "--format", "json"))
		}
	}
	r.Check("capture/added", fmt.Sprintf("capture of %d migrations, beside the command", capturedMigrations), table.Median(added).Seconds())
	r.Check("capture/cached", "the same from the cache, beside plain files", float64(table.Median(cached))/float64(table.Median(plain)))
}

// timeMigrations runs the command on a server of its own: at the base, then at the head.
func (r *captureRepository) timeMigrations() (total time.Duration) {
	server, name, stop := r.StartServer(pgserver.Config{})
	defer stop()
	c := measure.Command{Dir: r.dir, Env: []string{"DATABASE_URL=" + server.URL(name)}}
	for _, branch := range []string{"base", "main"} {
		r.Run(c, "git", "checkout", "-q", branch)
		_, took := r.Run(c, "sh", "migrate.sh")
		total += took
	}
	return total
}

// measureRender compares a changelog whose SQL a command prints with the command at both revisions.
func (r *captureRepository) measureRender() {
	var added []time.Duration
	for i := range r.Rounds {
		_, command := r.Run(measure.Command{Dir: r.dir}, "sh", "show.sh")
		settings := filepath.Join(r.dir, "render.yaml")
		measure.WriteFile(settings, fmt.Sprintf("migrations: [{dir: sql, render: sh show.sh round%d-%d}]\n", i, os.Getpid()))
		added = append(added, r.timeOnward("changelog", "--base", "base", "--config", settings, "--format", "json")-2*command)
	}
	r.Check("capture/render", fmt.Sprintf("render: of %d migrations, beside the command", capturedMigrations), table.Median(added).Seconds())
}
