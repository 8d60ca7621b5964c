//go:build unix

package pgserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/onward"
)

// TestMain doubles as the child process that TestParentKilled kills: it starts a server, says so and waits.
func TestMain(m *testing.M) {
	if err := UseDownloaded(); err != nil {
		panic(err)
	}
	if major := os.Getenv("ONWARD_TEST_CHILD"); major != "" {
		os.Exit(child(major))
	}
	os.Exit(m.Run())
}

func child(arg string) int {
	if arg == onlyMaking {
		acct, err := serverAccount()
		if err != nil {
			fmt.Println(err)
			return 1
		}
		p, err := newPrivate("", acct)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(p.dir)
		select {}
	}
	major, err := strconv.Atoi(arg)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := Start(context.Background(), Config{Major: major, NoDownload: true, Small: major == onward.NewestMajor})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	// A query that uses parallel workers, and with them dynamic shared memory, is running when the parent dies.
	conn, err := pgx.Connect(context.Background(), s.URL("postgres"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(s.private.dir)
	_, err = conn.Exec(context.Background(), busyQuery)
	fmt.Println(err)
	return 1
}

// busyQuery keeps a backend computing, without looking at anything, for long.
const busyQuery = `SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	CREATE TABLE busy AS SELECT generate_series(1, 200000) AS n; ANALYZE busy; ALTER TABLE busy SET (parallel_workers = 2);
	SELECT count(*) FROM busy a, busy b WHERE a.n % 7 = b.n % 11`

// server starts a server for one test.
func server(t testing.TB, cfg Config) *Server {
	t.Helper()
	s, err := Start(context.Background(), cfg)
	if cfg.Major == onward.PreviewMajor {
		component.Need(t, component.Postgres19, err)
	}
	if err != nil {
		component.NeedSetup(t, err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// connect opens a session, which ends with the test at the latest.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// ask runs a query that returns one text.
func ask(t testing.TB, url, sql string) string {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(context.Background())
	var text string
	if err := conn.QueryRow(context.Background(), sql).Scan(&text); err != nil {
		t.Fatalf("query %s: %v", sql, err)
	}
	return text
}

// left lists what remains of a server: its directory, processes that work in it, its shared memory. segment is the
// identifier of its System V segment, "" if unknown.
func left(dir, segment string) []string {
	var found []string
	if pathExists(dir) {
		found = append(found, "directory "+dir)
	}
	cwds, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, cwd := range cwds {
		if workingDir, err := os.Readlink(cwd); err == nil && strings.HasPrefix(workingDir, dir) {
			cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(cwd), "cmdline"))
			if len(cmdline) > 0 { // not a zombie
				found = append(found, fmt.Sprintf("process %s %q", filepath.Dir(cwd), cmdline))
			}
		}
	}
	segments, _ := os.ReadFile("/proc/sysvipc/shm")
	for _, line := range strings.Split(string(segments), "\n") {
		if fields := strings.Fields(line); segment != "" && len(fields) > 1 && fields[1] == segment {
			found = append(found, "shared memory segment "+segment)
		}
	}
	return found
}

// gone fails the test unless all of a server has disappeared within some seconds.
func gone(t testing.TB, dir, segment string) {
	t.Helper()
	var found []string
	for range 500 {
		if found = left(dir, segment); found == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("still there: %s", strings.Join(found, "; "))
}

// postmaster reads a running server's process id and the identifier of its shared memory segment.
func postmaster(t testing.TB, dir string) (pid int, segment string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	if pid, err = strconv.Atoi(lines[0]); err != nil {
		t.Fatal(err)
	}
	if fields := strings.Fields(lines[6]); len(fields) == 2 {
		segment = fields[1]
	}
	if segment == "" {
		t.Fatalf("no shared memory segment in postmaster.pid: %q", data)
	}
	return pid, segment
}

// ownMemory holds that a server shares no memory by files outside its directory: they would stay.
func ownMemory(t *testing.T, pid int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	if files := regexp.MustCompile(`/dev/shm/PostgreSQL\.\d+`).FindAllString(string(maps), -1); len(files) > 0 {
		t.Errorf("shared memory outside its directory: %q", files)
	}
}
