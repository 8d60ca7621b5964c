package pgservertest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
)

// StartPgbouncer starts a PgBouncer before the server of a URL. It returns the URL that leads
// through it to the same database. mode is "session" or "transaction".
func StartPgbouncer(t testing.TB, to, mode string) string {
	t.Helper()
	program := component.NeedProgram(t, component.PgBouncer, "pgbouncer")
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	// Others run it: as root it refuses to.
	dir, err := os.MkdirTemp("", "onward-pooler-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().(*net.TCPAddr)
	_ = free.Close()
	conf := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = user=postgres host=%s port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
		"auth_type = any\npool_mode = %s\ndefault_pool_size = 5\nlogfile = %s\n", u.Query().Get("host"), u.Query().Get("port"), address.Port, mode, filepath.Join(dir,
		"log"))
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	args := []string{conf}
	if os.Geteuid() == 0 {
		args = []string{"-u", "nobody", conf}
	}
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for range 100 {
		if c, err := net.Dial("tcp", address.String()); err == nil {
			_ = c.Close()
			return "postgres://postgres@" + address.String() + u.Path + "?sslmode=disable"
		}
		time.Sleep(30 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	t.Fatalf("pgbouncer does not start:\n%s", log)
	return ""
}

// ToolsDir is where scripts/setup.sh installs what tests run beside Postgres: $ONWARD_TEST_CACHE, or onward-test in
// the user's cache.
func ToolsDir(t testing.TB) string {
	t.Helper()
	if cache := os.Getenv("ONWARD_TEST_CACHE"); cache != "" {
		return cache
	}
	base, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "onward-test")
}

// VenvPath is the path of an environment that scripts/django-venvs.sh makes, or of a file in it. The script makes only
// those that one of the machine's Pythons can run.
func VenvPath(t testing.TB, name string, parts ...string) string {
	t.Helper()
	dir := filepath.Join(ToolsDir(t), name)
	if _, err := os.Stat(dir + ".no-python"); err == nil {
		component.Need(t, component.Pythons, fmt.Errorf("no Python runs %s", name))
	}
	path := filepath.Join(append([]string{dir}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		component.NeedSetup(t, err)
	}
	return path
}

// RunnerPath is a part of the migration tools that scripts/setup.sh installs with npm, Maven and Rust.
func RunnerPath(t testing.TB, part string) string {
	t.Helper()
	dir := filepath.Join(ToolsDir(t), "runners-1", part)
	_, err := os.Stat(filepath.Join(dir, ".complete"))
	needed := component.Node
	switch part {
	case "java":
		needed = component.Java
	case "rust":
		needed = component.Rust
	}
	component.Need(t, needed, err)
	return dir
}
