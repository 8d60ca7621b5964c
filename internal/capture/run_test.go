package capture

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/sandbox"
	"github.com/onward-sql/onward/onward"
)

// runShell runs a script with a throwaway database.
func runShell(t *testing.T, limit time.Duration, script string, write ...string) (*Result, error) {
	t.Helper()
	s := &stage{server: pgservertest.Server(t, onward.NewestMajor), logger: slog.New(slog.DiscardHandler)}
	db, err := s.server.NewDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.server.DropDatabase(t.Context(), db); err != nil {
			t.Error(err)
		}
	}()
	access := ownProgram(t)
	access.Write = write
	return s.runCommand(t.Context(), db, Command{Words: []string{"sh", "-c", script}, Dir: t.TempDir(), Timeout: limit, Access: access})
}

// ownProgram lets a command start this test as a migrate tool.
func ownProgram(t *testing.T) sandbox.Access {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.Access{Read: []string{exe}}
}

// A command that fails, hangs, waits for input or starts too much is ended with all that it started, and the error has its
// last output.
func TestFailures(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	secret := gittest.NewFile(t, "secret", "x")
	refused := func(list ...string) []string { // only Linux has the sandbox
		if runtime.GOOS != "linux" {
			return nil
		}
		return list
	}
	for name, tc := range map[string]struct {
		script string
		limit  time.Duration
		want   []string
	}{
		"it fails":              {"echo first >&2; echo 'no such gem' >&2; exit 3", time.Minute, []string{"no such gem"}},
		"it fails on stdout":    {"echo 'Error: no config'; exit 1", time.Minute, []string{"no config"}},
		"it hangs":              {"echo working >&2; sleep 300 & sleep 300", time.Second, []string{"took too long", "working", "render_timeout"}},
		"it leaves its group":   {"setsid sleep 301 & sleep 301", time.Second, []string{"took too long"}},
		"it waits for input":    {"read answer || { echo 'are you sure? no answer' >&2; exit 1; }", time.Minute, []string{"no answer"}},
		"it starts too many":    {"for i in $(seq 300); do sleep 302 & done; wait", time.Minute, []string{"more than 256 processes"}},
		"it does not connect":   {"true", time.Minute, []string{"did not connect", "DATABASE_URL"}},
		"it needs Redis":        {"exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/6379'", time.Minute, refused("127.0.0.1:6379", "network: true")},
		"it asks for a name":    {"exec bash -c 'exec 3<>/dev/tcp/redis.invalid/6379'", time.Minute, refused("redis.invalid", "network: true")},
		"it reads your files":   {"exec cat " + secret, time.Minute, refused("it reads "+secret, "`sandbox: {read: ["+secret+"]}`")},
		"there is no program":   {"exec no-such-tool", time.Minute, []string{"no-such-tool"}},
		"the server refuses it": {"mkdir db; echo 'SELECT 1/0' >db/1.sql; " + exe + " migrate db", time.Minute, []string{"division by zero", "1.sql"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := runShell(t, tc.limit, tc.script)
			var failed *Error
			if !errors.As(err, &failed) || time.Since(began) > 30*time.Second {
				t.Fatalf("%v after %v", err, time.Since(began))
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q lacks %q", err, w)
				}
			}
		})
	}
}

// Nothing that a command started goes on, also if it left the group and its parent ended.
func TestNothingStays(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		component.Need(t, component.System, err)
	}
	file := filepath.Join(t.TempDir(), "ticks")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	loop := fmt.Sprintf("while true; do echo tick >>%s; sleep 0.05; done", file)
	script := fmt.Sprintf("(setsid sh -c '%s' &) ; mkdir db; while [ ! -s %s ]; do sleep 0.05; done; exec %s migrate db", loop, file, exe)
	r, err := runShell(t, time.Minute, script, filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "running") {
		t.Errorf("notes %q, want one about the process that is still running", r.Notes)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if after, err := os.Stat(file); err != nil || after.Size() != before.Size() {
		t.Errorf("it goes on: %d bytes, then %d (%v)", before.Size(), after.Size(), err)
	}
}

// A connection to another server is reported: one that the sandbox refuses, and one that the user allows.
func TestConnectsElsewhere(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		component.Need(t, component.System, err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var listener net.Listener
	for port := 16379; listener == nil && port < 16479; port++ { // Redis, say: no port that a client gets
		listener, _ = (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	}
	if listener == nil {
		t.Fatal("no port is free")
	}
	defer listener.Close()
	address := listener.Addr().(*net.TCPAddr)
	script := fmt.Sprintf("mkdir db; exec 3<>/dev/tcp/127.0.0.1/%d; sleep 0.5; %s migrate db", address.Port, exe)
	s := &stage{server: pgservertest.Server(t, onward.NewestMajor), logger: slog.New(slog.DiscardHandler)}
	for _, network := range []bool{false, true} {
		db, err := s.server.NewDatabase(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		access, want := ownProgram(t), "tried to reach"
		if access.Network = network; network {
			want = "also connected to"
		}
		r, err := s.runCommand(t.Context(), db, Command{Words: []string{"bash", "-c", script}, Dir: t.TempDir(), Access: access})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], address.String()) || !strings.Contains(r.Notes[0], want) {
			t.Errorf("network %t: %q", network, r.Notes)
		}
	}
}

// The command sees the address in the usual variables and in its own, and no secrets of the environment.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hidden")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{server: pgservertest.Server(t, onward.NewestMajor), logger: slog.New(slog.DiscardHandler)}
	db, err := s.server.NewDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = s.runCommand(t.Context(), db, Command{
		Words: []string{"sh", "-c", "env >env; echo $1 >word; mkdir db; exec " + exe + " migrate db", "sh", "{database}"}, Dir: dir,
		Environment: []string{"DB_PORT={port}", "DB_URL={url}"}, Access: ownProgram(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	env, err := os.ReadFile(filepath.Join(dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(env)
	_, port, _ := strings.Cut(text, "PGPORT=")
	port, _, _ = strings.Cut(port, "\n")
	for _, want := range []string{"DATABASE_URL=postgresql://postgres:onward@127.0.0.1:" + port + "/" + db, "DB_PORT=" + port, "DB_URL=postgresql://", "PATH="} {
		if !strings.Contains(text, want) || port == "" {
			t.Errorf("no %s in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "hidden") {
		t.Error("a secret was passed on")
	}
	if word, err := os.ReadFile(filepath.Join(dir, "word")); err != nil || strings.TrimSpace(string(word)) != db {
		t.Errorf("the command's database is %q, want %q (%v)", word, db, err)
	}
}
