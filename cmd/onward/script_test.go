package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.RunChild()
	jsrun.RunChild()
	if err := pgserver.UseDownloaded(); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"onward": main, "query": sendQuery})
}

// TestScripts runs the command from outside, one script for each behaviour.
// Beside testscript's own commands, `exits CODE PROGRAM …` runs a program and
// wants exactly that exit code.
func TestScripts(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("git is needed")
	}
	scripts(t, "testdata/script")
}

// TestDjangoScripts runs the scripts with a project of Django.
func TestDjangoScripts(t *testing.T) {
	t.Parallel()
	scripts(t, "testdata/django", "PATH="+pgservertest.VenvPath(t, "django-5.2-psycopg", "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// TestServerScripts runs the scripts that ask a real server, whose address is
// in $DATABASE_URL.
func TestServerScripts(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 17)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `
CREATE TABLE country (code text PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY, name text CONSTRAINT named CHECK (name IS NOT NULL), note text DEFAULT 'secret', country text REFERENCES country);
INSERT INTO users SELECT n, repeat('secret', 100) FROM generate_series(1, 20000) n; ANALYZE users`); err != nil {
		t.Fatal(err)
	}
	// Scripts run in parallel with what follows here, but not after a group.
	t.Run("scripts", func(t *testing.T) { scripts(t, "testdata/server", "DATABASE_URL="+url) })
}

// scripts runs the scripts of a directory.
func scripts(t *testing.T, dir string, vars ...string) {
	t.Helper()
	testscript.Run(t, params(dir, vars...))
}

func params(dir string, vars ...string) testscript.Params {
	return testscript.Params{
		Dir:           dir,
		UpdateScripts: flag.Lookup("update").Value.String() == "true", // of adaptertest
		Setup: func(e *testscript.Env) error {
			e.Vars = append(append(e.Vars, vars...),
				"HOME="+e.WorkDir, "XDG_CACHE_HOME="+e.WorkDir+"/.cache", "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES="+filepath.Dir(e.WorkDir),
				"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org",
				"NO_COLOR=", "CLICOLOR_FORCE=",
			)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "words": limitWords},
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Geteuid() == 0, nil
			case "namespaces":
				return sandbox.CheckNamespaces() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// limitWords fails if the last program printed more words than its argument.
func limitWords(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: words LIMIT")
	}
	limit, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("words: %v", err)
	}
	if n := len(strings.Fields(ts.ReadFile("stdout"))); n == 0 || n > limit {
		ts.Fatalf("%d words were printed, and the limit is %d", n, limit)
	}
}
