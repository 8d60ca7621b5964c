// Package pgservertest gives tests Postgres servers: one per major version and test process, and a fresh database
// for whoever asks. A test is skipped when its server cannot be had, and fails instead if ONWARD_REQUIRE is set.
package pgservertest

import (
	"context"
	"os"
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
