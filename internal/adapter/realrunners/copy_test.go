package realrunners

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/pressly/goose/v3"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
)

// one runs a function for each of the runs.
func one(run func(dir, url string) error) func([][2]string) []string {
	return func(runs [][2]string) []string {
		out := make([]string, len(runs))
		for i, r := range runs {
			if err := run(r[0], r[1]); err != nil {
				out[i] = err.Error()
			}
		}
		return out
	}
}

// What goose makes of COPY … FROM STDIN: its drivers send no rows. pgx waits for ever
// where the text has none.
func TestGooseSendsNoRows(t *testing.T) {
	t.Parallel()
	const up, none = "-- +goose Up\n", "-- +goose NO TRANSACTION\n-- +goose Up\n"
	const whole, end = "-- +goose StatementBegin\n", "-- +goose StatementEnd\n"
	base := map[string]string{"db/1_a.sql": up + "CREATE TABLE a (id int);\n"}
	for driver, waits := range map[string]string{"pgx": "deadline exceeded", "postgres": "CopyInResponse"} {
		with := func(text, fails string) releaseCase {
			return releaseCase{base, map[string]string{"db/2_b.sql": text}, fails}
		}
		exercise(t, "db", table, map[string]releaseCase{
			driver + ", rows":                   with(up+rows+"DROP TABLE a;\n", waits),
			driver + ", rows, in a block":       with(up+whole+rows+"DROP TABLE a;\n"+end, "syntax error"),
			driver + ", no rows":                with(up+noRows, waits),
			driver + ", no rows, none":          with(none+noRows, waits),
			driver + ", no rows, one line":      with(none+"COPY t FROM STDIN; DROP TABLE a;\n", waits),
			driver + ", rows, and no semicolon": with(up+rows, "missing semicolon"),
		}, one(func(dir, url string) error {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			db, err := sql.Open(driver, url)
			if err != nil {
				return err
			}
			defer db.Close()
			p, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS(dir), goose.WithDisableGlobalRegistry(true))
			if err != nil {
				return err
			}
			_, err = p.Up(ctx)
			return err
		}))
	}
}

// What golang-migrate makes of COPY … FROM STDIN. (With pgx and no rows it waits for
// ever, and takes no context that would end it.)
func TestMigrateSendsNoRows(t *testing.T) {
	t.Parallel()
	base := map[string]string{"db/1_a.up.sql": "CREATE TABLE a (id int);\n", "db/1_a.down.sql": "DROP TABLE a;\n"}
	with := func(text, fails string) releaseCase {
		return releaseCase{base, map[string]string{"db/2_b.up.sql": text, "db/2_b.down.sql": "SELECT 1;\n"}, fails}
	}
	for driver, cases := range map[string]map[string]releaseCase{
		"pgx5": {"rows": with(rows+"DROP TABLE a;\n", "syntax error")},
		"postgres": {
			"rows":     with(rows+"DROP TABLE a;\n", "syntax error"),
			"no rows":  with(noRows, "CopyInResponse"),
			"one line": with("COPY t FROM STDIN; DROP TABLE a;\n", "CopyInResponse"),
		},
	} {
		exercise(t, "db", table, cases, one(func(dir, url string) error {
			m, err := migrate.New("file://"+dir, driver+strings.TrimPrefix(url, "postgres"))
			if err != nil {
				return err
			}
			if err = m.Up(); errors.Is(err, migrate.ErrNoChange) {
				err = nil
			}
			source, database := m.Close()
			return errors.Join(err, source, database)
		}))
	}
}

// What sqlx makes of COPY … FROM STDIN.
func TestSqlxSendsNoRows(t *testing.T) {
	t.Parallel()
	program := sqlxProgram(t)
	base := map[string]string{"Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n", "migrations/1_a.sql": "CREATE TABLE a (id int);\n"}
	with := func(text, fails string) releaseCase {
		return releaseCase{base, map[string]string{"migrations/2_b.sql": text}, fails}
	}
	exercise(t, "migrations", table, map[string]releaseCase{
		"rows":          with(rows+"DROP TABLE a;\n", "syntax error"),
		"no rows":       with(noRows, "CopyInResponse"),
		"no rows, none": with("-- no-transaction\n"+noRows, "CopyInResponse"),
		"one line":      with("COPY t FROM STDIN; DROP TABLE a;\n", "CopyInResponse"),
	}, perRun(t, func(dir, url string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "timeout", "20", program, "migrate", "run", "--source", dir, "--database-url", url)
	}))
}

// Flyway ignores the rest of the line of a COPY … FROM STDIN, and reads without end if no
// line ends the rows. onward reports both.
func TestFlywayMisreadsCopy(t *testing.T) {
	t.Parallel()
	run := java(t, "flyway")
	for name, tc := range map[string]struct{ text, fails, says string }{
		"one line": {
			"CREATE TABLE b (id int);\nCOPY b FROM STDIN; DROP TABLE b;\n1\n\\.\nALTER TABLE b ADD COLUMN here int;\n", "",
			"skips text on the line of COPY",
		},
		"no end": {"CREATE TABLE b (id int);\nCOPY b FROM STDIN;\n1\n", "it does not end", "looks for the line that ends the rows"},
	} {
		s := server(t)
		db, conn := database(t, s)
		root := t.TempDir()
		git(t, root, "init", "-q")
		git(t, root, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "--allow-empty", "-m", "base")
		write(t, root, map[string]string{"db/migration/V1__a.sql": tc.text})
		if failed := run([][2]string{{root + "/db/migration", overTCP(t, s, db)}})[0]; (failed != "") != (tc.fails != "") || !strings.Contains(failed, tc.fails) {
			t.Errorf("%s: Flyway says %q, want %q", name, failed, tc.fails)
		}
		if tc.fails == "" {
			if _, err := conn.Exec(t.Context(), "SELECT here FROM b"); err != nil {
				t.Errorf("%s: what was on the line ran: %v", name, err)
			}
		}
		report, err := audit.Changelog(t.Context(), audit.Config{Dir: root, Base: "HEAD"})
		if err != nil {
			t.Fatal(err)
		}
		said := false
		for _, f := range report.Findings {
			said = said || f.Severity == onward.Error && strings.Contains(f.Fact, tc.says)
		}
		if !said {
			t.Errorf("%s: onward does not say that Flyway %s: %+v", name, tc.says, report.Findings)
		}
	}
}
