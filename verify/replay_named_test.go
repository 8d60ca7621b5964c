package verify_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/wire/testlog"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// namedSuites are suites whose tests say their names, each in another way. Test two writes what test one does not.
var namedSuites = map[string]func(context.Context, *pgx.Conn) error{
	"log": func(ctx context.Context, c *pgx.Conn) error {
		return runNamed(func(name string, insert []any) error {
			if err := logTest("begin", name); err != nil {
				return err
			}
			// The tests share a connection that was made before them, and its prepared statement.
			if _, err := c.Exec(ctx, "INSERT INTO rooms (name, beds) VALUES ($1, $2)", insert...); err != nil {
				return err
			}
			return logTest("end", name)
		})
	},
	"in a comment": func(ctx context.Context, c *pgx.Conn) error {
		return runNamed(func(name string, insert []any) error {
			_, err := c.Exec(ctx, fmt.Sprintf("INSERT INTO rooms (name, beds) VALUES ($1, $2) /*test='%s'*/", name), insert...)
			return err
		})
	},
	"application name": func(ctx context.Context, c *pgx.Conn) error {
		return runNamed(func(name string, insert []any) error {
			if err := execAll(ctx, c, "SET application_name = 'test: "+name+"'"); err != nil {
				return err
			}
			_, err := c.Exec(ctx, "INSERT INTO rooms (name, beds) VALUES ($1, $2)", insert...)
			return err
		})
	},
	"rolled back in a test": func(ctx context.Context, c *pgx.Conn) error {
		return runNamed(func(name string, insert []any) error {
			if err := logTest("begin", name); err != nil {
				return err
			}
			if err := execAll(ctx, c, "BEGIN", fmt.Sprintf("INSERT INTO rooms (name, beds) VALUES ('%s', %d)", insert...), "ROLLBACK"); err != nil {
				return err
			}
			return logTest("end", name)
		})
	},
}

func runNamed(test func(name string, insert []any) error) error {
	for i, name := range []string{"hotel.py::test_one", "hotel.py::test_two[x 1]", "hotel.py::test_three"} {
		if err := test(name, []any{"Attic", (i + 1) % 2}); err != nil {
			return err
		}
	}
	return nil
}

// logTest tells the recording that a test begins, or ends.
func logTest(word, name string) error {
	f, err := os.OpenFile(os.Getenv(testlog.Variable), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%s %d %s\n", word, os.Getpid(), name)
	return err
}

// A break, and a migration that fails on a test's rows, name the test.
func TestReplayNamesTests(t *testing.T) {
	t.Parallel()
	const refuses, divides = "ALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (beds > 0) NOT VALID;", "UPDATE rooms SET name = (100 / beds)::text;"
	for suite, release := range map[string]string{"log": refuses, "in a comment": refuses, "application name": refuses, "rolled back in a test": divides} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			s := replayScene{base: hotel, release: []string{release}}
			dir := repository(t, s.base, s.release...)
			cfg := on(dir, 17)
			old := s.record(t, dir, 17, cfg.Base, suite)
			cfg.Old, cfg.Transcripts = []*verify.Workload{old.Workload}, map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}}
			r := run(t, cfg)
			var got []string
			for _, d := range r.Verdicts {
				got = append(got, d.Test)
			}
			for _, f := range r.Findings {
				if _, rest, found := strings.Cut(f.Fact, "when it was recorded in test "); found && f.Rule == "rehearsal-fails-with-rows" {
					name, _, _ := strings.Cut(rest, ", the last")
					got = append(got, name)
				}
			}
			if len(got) != 1 || got[0] != "hotel.py::test_two[x 1]" {
				t.Errorf("the tests are %q: %+v", got, r.Findings)
			}
			tests := map[string]bool{}
			for _, q := range old.Workload.Queries {
				for _, sender := range q.Senders {
					tests[sender.Test] = true
				}
			}
			if !tests["hotel.py::test_one"] || !tests["hotel.py::test_two[x 1]"] || !tests["hotel.py::test_three"] {
				t.Errorf("the recording's senders are %v", tests)
			}
		})
	}
}
