package realrunners

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// releaseCase is a release of a small repository: its files at the base, and
// those that the branch changes (with "gone", removes).
type releaseCase struct {
	base, head map[string]string
	// fails is part of the runner's error, "" if it runs: onward must report an error if the runner fails, and none
	// if it does not.
	fails string
}

const gone = "\x00"

// both is a table's files and another's.
func both(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// exercise runs each case with the real runner, base and then head, and holds
// onward's findings against what the runner did. dir is what it runs, as a path
// in the repository; prepare is SQL that the databases are made by; run gets that
// directory and the URL of the database for each case, and returns an error's text
// for each, "" for none.
func exercise(t *testing.T, dir, prepare string, cases map[string]releaseCase, run func(runs [][2]string) []string) {
	t.Helper()
	s := server(t)
	var names []string
	var runs [][2]string
	roots := map[string]string{}
	for name, c := range cases {
		db, conn := database(t, s)
		if _, err := conn.Exec(context.Background(), prepare); err != nil {
			t.Fatal(err)
		}
		root := t.TempDir()
		write(t, root, c.base)
		commitBase(t, root)
		names, roots[name] = append(names, name), root
		runs = append(runs, [2]string{filepath.Join(root, dir), overTCP(t, s, db)})
	}
	for i, failed := range run(runs) {
		if failed != "" {
			t.Fatalf("%s: the base fails: %s", names[i], failed)
		}
	}
	for _, name := range names {
		write(t, roots[name], cases[name].head)
	}
	for i, failed := range run(runs) {
		name, want := names[i], cases[names[i]].fails
		if (failed != "") != (want != "") || !strings.Contains(failed, want) {
			t.Errorf("%s: the runner says %q, want %q", name, failed, want)
		}
		report, err := audit.Changelog(context.Background(), audit.Config{Dir: roots[name], Base: "HEAD"})
		if err != nil {
			t.Errorf("audit %s: %v", name, err)
			continue
		}
		var errors []string
		for _, f := range report.Findings {
			if f.Severity == onward.Error {
				errors = append(errors, f.Rule+": "+f.Fact)
			}
		}
		if (len(errors) > 0) != (want != "") {
			t.Errorf("%s: the runner fails with %q, and onward finds %v", name, failed, errors)
		}
	}
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// commitBase makes a repository of the files in a directory.
func commitBase(t *testing.T, root string) {
	t.Helper()
	git(t, root, "init", "-q", "-b", "main")
	git(t, root, "add", "-A")
	git(t, root, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "base")
}

// sketchPlan plans the release of a repository, without a proof.
func sketchPlan(t *testing.T, repository audit.Config) *onward.Plan {
	t.Helper()
	p, _, err := plan.Make(t.Context(), plan.Config{Sketch: true, Config: rehearse.Config{Config: repository}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if text == gone {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// overTCP is the URL of a database for runners that know no sockets in the file
// system: a port of this machine, from which each connection is handed on.
func overTCP(t *testing.T, s *pgserver.Server, db string) string {
	t.Helper()
	u, err := url.Parse(s.URL(db))
	if err != nil {
		t.Fatal(err)
	}
	network, address := "tcp", u.Host
	if dir := u.Query().Get("host"); dir != "" {
		network, address = "unix", filepath.Join(dir, ".s.PGSQL."+u.Query().Get("port"))
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			backend, err := net.Dial(network, address)
			if err != nil {
				client.Close()
				continue
			}
			hand := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				to.Close()
			}
			go hand(client, backend)
			go hand(backend, client)
		}
	}()
	user := u.User
	return fmt.Sprintf("postgres://%s@%s%s?sslmode=disable", user, listener.Addr(), u.Path)
}

// installed is a part of what scripts/setup.sh installs with npm, Maven and Rust.
func installed(t *testing.T, part string) string {
	t.Helper()
	return pgservertest.RunnerPath(t, part)
}

// perRun runs a program for each of the runs.
func perRun(t *testing.T, command func(dir, url string) *exec.Cmd) func([][2]string) []string {
	return func(runs [][2]string) []string {
		out := make([]string, len(runs))
		for i, r := range runs {
			if text, err := command(r[0], r[1]).CombinedOutput(); err != nil {
				out[i] = err.Error() + ": " + string(text)
			}
		}
		return out
	}
}

// atOnce runs a program once for all of the runs; it prints a line for each.
func atOnce(t *testing.T, form func(url string) string, name string, args ...string) func([][2]string) []string {
	return func(runs [][2]string) []string {
		for _, r := range runs {
			args = append(args, r[0], form(r[1]))
		}
		cmd := exec.CommandContext(t.Context(), name, args...)
		var said strings.Builder
		cmd.Stderr = &said
		text, err := cmd.Output()
		args = args[:len(args)-2*len(runs)]
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if err != nil || len(lines) != len(runs) {
			t.Fatalf("%s: %v; it prints %d lines, want %d:\n%s\n%s", name, err, len(lines), len(runs), text, said.String())
		}
		for i, l := range lines {
			lines[i] = strings.TrimPrefix(strings.TrimPrefix(l, "ok"), "failed: ")
		}
		return lines
	}
}

// jdbc is a URL as Java's driver reads it.
func jdbc(pg string) string {
	u, err := url.Parse(pg)
	if err != nil {
		return pg
	}
	return "jdbc:postgresql://" + u.Host + u.Path + "?user=" + u.User.Username()
}
