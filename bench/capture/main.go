// Command capture measures what onward adds to a project's own command: a capture and a render of a release, and the same from the
// cache, beside the command itself and beside the same migrations as plain files.
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

	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/pgserver"
)

// The limits. The aim for the cache was no more than the plain files.
const (
	limitCapture = time.Second
	limitRender  = 500 * time.Millisecond
	limitCached  = 1.3
)

// migrations is how many migrations the head has; the base has all but two.
const migrations = 40

// migrate is a migration tool: it runs the files that its table does not list, each in a transaction. Its argument makes it another
// command, so that no result is cached.
const migrate = `set -eu
psql="psql -X -q -v ON_ERROR_STOP=1 -d $DATABASE_URL"
$psql -c "CREATE TABLE IF NOT EXISTS schema_migrations (version text PRIMARY KEY)" 2>/dev/null
done=$($psql -At -c "SELECT version FROM schema_migrations")
for file in sql/*.sql; do
	name=$(basename "$file" .sql)
	case " $(echo $done) " in *" $name "*) continue ;; esac
	{ echo "BEGIN;"; cat "$file"; echo "INSERT INTO schema_migrations VALUES ('$name');"; echo "COMMIT;"; } | $psql
done
`

// show prints the migrations as render: wants them.
const show = `for file in sql/*.sql; do echo "-- migration: $(basename "$file" .sql)"; cat "$file"; done
`

func main() {
	rounds := flag.Int("rounds", 5, "rounds, of which the medians are printed")
	flag.Parse()
	run.ExitIf(runAll(*rounds))
}

// bench is a repository with the release, and the program.
type bench struct {
	table.Table
	onward, dir string
}

func runAll(rounds int) (missed bool, err error) {
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	b := &bench{onward: filepath.Join(dir, "onward"), dir: filepath.Join(dir, "repository")}
	if err := run.BuildOnward(context.Background(), b.onward); err != nil {
		return false, err
	}
	if err := b.makeRepository(); err != nil {
		return false, err
	}
	if err := b.measureCapture(rounds); err != nil {
		return false, err
	}
	return b.Missed, b.measureRender(rounds)
}

func (b *bench) makeRepository() error {
	base := map[string]string{
		"migrate.sh": migrate, "show.sh": show, "plain/onward.yaml": "migrations: [{dir: sql, framework: sql, transaction: file}]\n",
	}
	head := map[string]string{}
	for i := range migrations {
		to := base
		text := fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, name text NOT NULL, total numeric(12,2), born date);\n", i)
		if i >= migrations-2 {
			to, text = head, fmt.Sprintf("ALTER TABLE t%d ADD COLUMN note text;\nUPDATE t%d SET note = name;\n", i-10, i-10)
		}
		to[fmt.Sprintf("sql/%04d_step.sql", i)] = text
		to[fmt.Sprintf("plain/sql/%04d_step.sql", i)] = text
	}
	return release.Repository(b.dir, base, head)
}

// timeCommand runs a command in the repository, and returns its time. Findings are no failure.
func (b *bench) timeCommand(env []string, name string, args ...string) (time.Duration, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), env...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begun := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s %v: %w: %s", name, args, err, stderr.String())
	}
	took := time.Since(begun)
	if name == b.onward && strings.Count(stdout.String(), "ADD COLUMN note") < 2 {
		return 0, fmt.Errorf("%s %v does not report the release: %s", name, args, stdout.String())
	}
	return took, nil
}

// measureCapture compares onward capture with two runs of the command: at the base, and of the rest at the head.
func (b *bench) measureCapture(rounds int) error {
	var added, cached, plain []time.Duration
	for i := range rounds {
		own, err := b.runCommand()
		if err != nil {
			return err
		}
		round := fmt.Sprintf("round%d-%d", i, os.Getpid())
		args := []string{"capture", "--base", "base", "--dir", "sql", "--format", "json", "--", "sh", "migrate.sh", round}
		whole, err := b.timeCommand(nil, b.onward, args...)
		if err != nil {
			return err
		}
		again, err := b.timeCommand(nil, b.onward, args...)
		if err != nil {
			return err
		}
		static, err := b.timeCommand(nil, b.onward, "changelog", "--base", "base", "--config", "plain/onward.yaml", "--format", "json")
		if err != nil {
			return err
		}
		added, cached, plain = append(added, whole-own), append(cached, again), append(plain, static)
	}
	b.printTime(fmt.Sprintf("capture of %d migrations, beside the command", migrations), table.Median(added), limitCapture)
	ratio := float64(table.Median(cached)) / float64(table.Median(plain))
	b.PrintLine("the same from the cache, beside plain files", fmt.Sprintf("%.2f", ratio), ratio <= limitCached, fmt.Sprint(limitCached))
	return nil
}

// runCommand runs the command on a server of its own: at the base, then at the head.
func (b *bench) runCommand() (total time.Duration, err error) {
	s, err := pgserver.Start(context.Background(), pgserver.Config{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	name, err := s.NewDatabase(context.Background(), "")
	if err != nil {
		return 0, err
	}
	env := []string{"DATABASE_URL=" + s.URL(name)}
	for _, branch := range []string{"base", "main"} {
		if _, err := b.timeCommand(nil, "git", "checkout", "-q", branch); err != nil {
			return 0, err
		}
		took, err := b.timeCommand(env, "sh", "migrate.sh")
		if err != nil {
			return 0, err
		}
		total += took
	}
	return total, nil
}

// measureRender compares a changelog whose SQL a command prints with the command at both revisions.
func (b *bench) measureRender(rounds int) error {
	var added []time.Duration
	for i := range rounds {
		own, err := b.timeCommand(nil, "sh", "show.sh")
		if err != nil {
			return err
		}
		settings := filepath.Join(b.dir, "render.yaml")
		text := fmt.Sprintf("migrations: [{dir: sql, render: sh show.sh round%d-%d}]\n", i, os.Getpid())
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			return err
		}
		whole, err := b.timeCommand(nil, b.onward, "changelog", "--base", "base", "--config", settings, "--format", "json")
		if err != nil {
			return err
		}
		added = append(added, whole-2*own)
	}
	b.printTime(fmt.Sprintf("render: of %d migrations, beside the command", migrations), table.Median(added), limitRender)
	return nil
}

func (b *bench) printTime(what string, took, limit time.Duration) {
	b.PrintLine(what, fmt.Sprintf("%.2f s more", took.Seconds()), took <= limit, fmt.Sprintf("%.1f s", limit.Seconds()))
}
