// Package pgservertest gives tests Postgres servers: one per major version and test process, and a fresh database
// for whoever asks. A test is skipped when its server cannot be had, and fails instead if ONWARD_REQUIRE is set.
package pgservertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

// shared is the server of one major version.
type shared struct {
	once   sync.Once
	server *pgserver.Server
	err    error
}

var (
	mu      sync.Mutex
	servers = map[int]*shared{}
)

// Majors are the major versions that tests run on, oldest first.
func Majors() []int {
	if usesPackaged() {
		major, _, _ := findPackaged()
		return []int{major}
	}
	var majors []int
	for major := onward.OldestMajor; major <= onward.NewestMajor; major++ {
		majors = append(majors, major)
	}
	return majors
}

// Ends are the oldest and the newest of them.
func Ends() []int {
	majors := Majors()
	return slices.Compact([]int{majors[0], majors[len(majors)-1]})
}

// EndsAndPreview are the ends and onward.PreviewMajor. A test on that one needs component.Postgres19.
func EndsAndPreview() []int { return withPreview(Ends()) }

func withPreview(majors []int) []int {
	if usesPackaged() {
		return majors
	}
	return append(majors, onward.PreviewMajor)
}

// ProofMajors are the majors that a proof of our model runs on. ONWARD_PROVE tells: "all" for every one, "ends" for the
// oldest and the newest, both with onward.PreviewMajor; "preview" for only that one; without it the newest. A proof on the
// preview is a subtest, which is left out without component.Postgres19.
func ProofMajors() []int {
	majors := Majors()
	switch os.Getenv("ONWARD_PROVE") {
	case "all":
		return withPreview(majors)
	case "ends":
		return EndsAndPreview()
	case "preview":
		return []int{onward.PreviewMajor}
	}
	return majors[len(majors)-1:]
}

// Server returns this process's server of a major version, starting it at the first call. Nobody needs to stop it:
// it ends with the process (or with Main). Tests share it, so they keep to databases of their own.
func Server(t testing.TB, major int) *pgserver.Server {
	t.Helper()
	if os.Getenv("ONWARD_POSTGRES") == "" {
		t.Fatal("call pgservertest.Main from TestMain: a test must not take a server that happens to be installed")
	}
	if usesPackaged() {
		if major == onward.PreviewMajor {
			NeedMajor(t, major, "what only it has is tested")
		}
		major = 0 // one server, whatever version is asked for
	}
	mu.Lock()
	s := servers[major]
	if s == nil {
		s = &shared{}
		servers[major] = s
	}
	mu.Unlock()
	s.once.Do(func() {
		// Downloading six versions over a slow line takes minutes; a test binary has ten.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		cfg := pgserver.Config{Major: major, Small: true}
		if usesPackaged() {
			cfg = packagedConfig(t)
		}
		s.server, s.err = pgserver.Start(ctx, cfg)
	})
	if major == onward.PreviewMajor {
		component.Need(t, component.Postgres19, s.err)
	}
	if s.err != nil {
		SkipOrFail(t, s.err)
	}
	if err := s.server.Err(); err != nil {
		t.Fatal(err)
	}
	return s.server
}

// SkipOrFail skips a test that lacks a server, or fails it if ONWARD_REQUIRE is set.
func SkipOrFail(t testing.TB, reason error) {
	t.Helper()
	component.NeedSetup(t, reason)
}

// Database returns the URL of a fresh, empty database on Server(t, major). It is dropped when the test ends.
func Database(t testing.TB, major int) string {
	t.Helper()
	s := Server(t, major)
	name, err := s.NewDatabase(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.DropDatabase(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return s.URL(name)
}

// Connect opens a session, which ends with the test.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// OnEach runs a test on a new database of each version of a list.
func OnEach(t *testing.T, majors []int, run func(t *testing.T, conn *pgx.Conn, major int)) {
	t.Helper()
	for _, major := range majors {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			run(t, Connect(t, Database(t, major)), major)
		})
	}
}

// Exec has a session run texts of SQL, each of one statement or several.
func Exec(t testing.TB, conn *pgx.Conn, sql ...string) {
	t.Helper()
	for _, s := range sql {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatal(s, err)
		}
	}
}

// Main runs a package's tests on the servers that scripts/setup.sh downloaded, and stops them: call it from TestMain
// with os.Exit.
func Main(m *testing.M) int {
	if err := pgserver.UseDownloaded(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	code := m.Run()
	mu.Lock()
	defer mu.Unlock()
	for _, s := range servers {
		if s.server == nil {
			continue
		}
		if err := s.server.Stop(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			code = max(code, 1)
		}
	}
	return code
}

// EachMajor runs a test on all major versions and the preview, at the same time.
func EachMajor(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, withPreview(Majors()), test)
}

// EachEnd runs a test on the oldest, the newest and the preview version, at the same time.
func EachEnd(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, EndsAndPreview(), test)
}

// EachProofMajor runs a proof of our model on [ProofMajors], at the same time.
func EachProofMajor(t *testing.T, test func(t *testing.T, major int)) {
	t.Helper()
	runMajors(t, ProofMajors(), test)
}

func runMajors(t *testing.T, majors []int, test func(t *testing.T, major int)) {
	t.Helper()
	for _, major := range majors {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			if major == onward.PreviewMajor {
				Server(t, major) // leaves the subtest out if it cannot be had, also one that starts a server of its own
			}
			test(t, major)
		})
	}
}

// ConnectNew opens a session in a fresh database (see [Database]), and has it run texts of SQL.
func ConnectNew(t testing.TB, major int, sql ...string) (url string, conn *pgx.Conn) {
	t.Helper()
	url = Database(t, major)
	conn = Connect(t, url)
	Exec(t, conn, sql...)
	return url, conn
}

// ReadTexts returns the rows of a query that has one column of texts.
func ReadTexts(t testing.TB, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// usesPackaged reports whether all tests run on a server as a distribution packages it: compiled with LLVM, with Postgres' own
// default settings. ONWARD_TEST_SERVER=packaged asks for that. A test that needs another version calls [NeedMajor].
func usesPackaged() bool { return os.Getenv("ONWARD_TEST_SERVER") == "packaged" }

// findPackaged returns the newest packaged server that compiles queries by default and charges disabled plan nodes: 13 to 17.
func findPackaged() (major int, bin string, err error) {
	for major := 17; major >= 13; major-- {
		root := filepath.Join("/usr/lib/postgresql", strconv.Itoa(major))
		if _, err := os.Stat(filepath.Join(root, "lib", "llvmjit.so")); err == nil {
			return major, filepath.Join(root, "bin"), nil
		}
	}
	return 0, "", errors.New("there is no packaged Postgres 13 to 17 with LLVM")
}

// packagedConfig returns the configuration of such a server. It connects and logs as a throwaway server does.
func packagedConfig(t testing.TB) pgserver.Config {
	t.Helper()
	major, bin, err := findPackaged()
	component.Need(t, component.Packaged, err)
	return pgserver.Config{Major: major, Bin: bin, Small: true, Unconfined: true, Settings: map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on", "jit": "on", "checkpoint_timeout": "5min",
		"bgwriter_lru_maxpages": "100",
	}}
}

// NeedMajor leaves a test out if its server has another major version than the one it asks for, and the test needs this one
// for the given reason.
func NeedMajor(t testing.TB, major int, reason string) {
	t.Helper()
	if found, _, err := findPackaged(); usesPackaged() && err == nil && found != major {
		component.Need(t, component.Version, fmt.Errorf("the server is %d, and not %d: %s", found, major, reason))
	}
}
