package command

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`alembic upgrade a:b --sql`:     {"alembic", "upgrade", "a:b", "--sql"},
		`  x "a b" 'c "d' e\ f ""`:      {"x", "a b", `c "d`, "e f", ""},
		`x "it's" 'a\b' "a\"b"`:         {"x", "it's", `a\b`, `a"b`},
		"alembic -x tenant=a\tupgrade ": {"alembic", "-x", "tenant=a", "upgrade"},
	} {
		if got, err := Split(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "  ", "a | b", "a && b", "echo $HOME", "a > b", "`a`", `a "b`, "a; b"} {
		if got, err := Split(text); err == nil {
			t.Errorf("%s: %q, want an error", text, got)
		}
	}
}

func TestRunBounds(t *testing.T) {
	t.Parallel()
	run := func(limit time.Duration, script string) (string, error) {
		out, err := Run(context.Background(), Command{Words: []string{"sh", "-c", script}, Env: Environment(), Dir: t.TempDir(), Timeout: limit})
		return string(out), err
	}
	if out, err := run(time.Minute, "echo SQL; echo talk >&2; cat"); err != nil || out != "SQL\n" {
		t.Errorf("%q %v: stdout alone, and an empty stdin", out, err)
	}
	var failed *Error
	if _, err := run(time.Minute, "echo first >&2; echo 'postgres://u:secret@h/d refused' >&2; exit 3"); !errors.As(err, &failed) ||
		!strings.Contains(failed.Message, "refused") || strings.Contains(failed.Message, "secret") {
		t.Errorf("a failure: %v", err)
	}
	start := time.Now()
	_, err := run(300*time.Millisecond, "echo waiting >&2; sleep 100 & sleep 100")
	if !errors.As(err, &failed) || !failed.TimedOut || !strings.Contains(failed.Message, "waiting") || time.Since(start) > 5*time.Second {
		t.Errorf("a command that hangs, with a child: %v after %v", err, time.Since(start))
	}
	if _, err := Run(context.Background(), Command{Words: []string{"no-such-program"}, Env: Environment(), Timeout: time.Second}); !errors.As(err, &failed) {
		t.Errorf("a missing program: %v", err)
	}
}

// The error is found before what a program prints after it.
func TestErrorLine(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"node:internal/modules\n  throw err;\n\nError: Cannot find module 'knex'\n    at x (y)\n\nNode.js v20.1.0\n": "Error: Cannot find module 'knex'",
		"rake aborted!\nNameError: uninitialized constant X\n/usr/lib/ruby/error.rb:3\nTasks: TOP => db:migrate\n":   "NameError: uninitialized constant X",
		"Traceback:\n  File x\nsqlalchemy.exc.Error: no server\n(Background: x)":                                     "sqlalchemy.exc.Error: no server",
		"PHP Fatal error:  Uncaught PDOException: refused in a.php:3\nStack trace:\n#0 b\n  thrown in a.php on line 3\n": "PHP Fatal error:  " +
			"Uncaught PDOException: refused in a.php:3",
		"working\nno such table\n":                          "no such table",
		"no such host\nexit status 3\n":                     "no such host", // go run
		"no such host\nmake: *** [Makefile:2: x] Error 3\n": "no such host",
		"no such host\nnpm error code 3\nnpm error path /a\nnpm error command failed\nnpm error command sh -c b\n" +
			"npm error A complete log of this run can be found in: /c\n": "no such host",
		"npm error Missing script: \"m\"\nnpm error\nnpm error A complete log of this run can be found in: /c\n":                    "npm error Missing script: \"m\"",
		"no such host\nerror Command failed with exit code 1.\ninfo Visit https://yarnpkg.com/en/docs/cli/run for documentation.\n": "no such host",
		"exit status 3\n": "exit status 3",
		"":                "",
	} {
		if got := (&tail{buf: []byte(output)}).errorLine(); got != want {
			t.Errorf("%q: %q, want %q", output, got, want)
		}
	}
}
