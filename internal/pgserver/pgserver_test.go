//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/onward"
)

func TestEveryMajor(t *testing.T) {
	t.Parallel()
	for major := onward.OldestMajor; major <= onward.NewestMajor; major++ {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			s := server(t, Config{Major: major, Settings: map[string]string{"work_mem": "5MB", "app.quoted": `it's \ fine`}})
			if s.Major() != major {
				t.Errorf("Major() = %d, want %d", s.Major(), major)
			}
			name, err := s.NewDatabase(context.Background(), "")
			if err != nil {
				t.Fatal(err)
			}
			got := ask(t, s.URL(name), `SELECT concat_ws('|', current_setting('server_version_num')::int / 10000,
				current_setting('listen_addresses'), current_setting('fsync'), current_setting('work_mem'),
				current_setting('app.quoted'), current_setting('server_encoding'), current_setting('lc_messages'),
				(SELECT datcollate FROM pg_database WHERE datname = current_database()), current_user)`)
			want := fmt.Sprintf(`%d||off|5MB|it's \ fine|UTF8|C|C|postgres`, major)
			if got != want {
				t.Errorf("settings: %s, want %s", got, want)
			}
			for _, extension := range []string{"btree_gist", "citext", "pg_stat_statements"} {
				extensions, err := s.Extensions(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if s.Install().Source == "cache" && !strings.Contains(strings.Join(extensions, " ")+" ", extension+" ") {
					t.Errorf("extension %s is not in the downloaded binaries", extension)
				}
			}
			dir := s.private.dir
			pid, segment := postmaster(t, dir)
			if os.Geteuid() == 0 {
				info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
				if err == nil && info.Sys().(*syscall.Stat_t).Uid == 0 {
					t.Error("the server runs as root")
				}
			}
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if found := left(dir, segment); found != nil {
				t.Errorf("left behind by Stop: %s", found)
			}
			if err := s.Stop(); err != nil {
				t.Errorf("second Stop: %v", err)
			}
			if err := s.Err(); err != nil {
				t.Errorf("Err after Stop: %v", err)
			}
			if !strings.Contains(s.Log(), "ready to accept connections") {
				t.Errorf("the log after Stop: %q", s.Log())
			}
		})
	}
}

// A confined server reads its data where Debian's packages have it: outside the directory of its programs.
func TestDebianLayout(t *testing.T) {
	t.Parallel()
	s := server(t, Config{Major: onward.PreviewMajor})
	name, err := s.NewDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, s.URL(name))
	for _, sql := range []string{"CREATE EXTENSION hstore", "SET timezone_abbreviations = 'India'", "SELECT to_tsvector('english', 'running')"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Errorf("run %s: %v", sql, err)
		}
	}
}

func TestSeveralAtOnce(t *testing.T) {
	t.Parallel()
	var wait sync.WaitGroup
	servers := make([]*Server, 5)
	for i := range servers {
		wait.Go(func() { servers[i] = server(t, Config{NoDownload: true}) })
	}
	wait.Wait()
	urls := map[string]bool{}
	for _, s := range servers {
		if s == nil {
			component.NeedSetup(t, errors.New("there is no server"))
		}
		urls[s.URL("postgres")] = true
		if got := ask(t, s.URL("postgres"), "SELECT 'up'"); got != "up" {
			t.Errorf("got %q", got)
		}
	}
	if len(urls) != len(servers) {
		t.Errorf("%d servers have %d URLs", len(servers), len(urls))
	}
}

func TestDatabaseFromTemplate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, major := range []int{14, 15, 18} { // 15 brought STRATEGY
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			s := server(t, Config{Major: major})
			first, err := s.NewDatabase(ctx, "")
			if err != nil {
				t.Fatal(err)
			}
			conn := connect(t, s.URL(first))
			if _, err := conn.Exec(ctx, "CREATE TABLE t AS SELECT 'copied' AS x"); err != nil {
				t.Fatal(err)
			}
			// The server waits five seconds for the others to leave, then says so.
			if major == onward.NewestMajor {
				if _, err := s.NewDatabase(ctx, first); err == nil || !strings.Contains(err.Error(), "is being accessed by other users") {
					t.Errorf("template in use: %v", err)
				}
			}
			if err := conn.Close(ctx); err != nil {
				t.Fatal(err)
			}
			second, err := s.NewDatabase(ctx, first)
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, s.URL(second), "SELECT x FROM t"); got != "copied" {
				t.Errorf("got %q from the copy", got)
			}
			if err := s.DropDatabase(ctx, first); err != nil {
				t.Error(err)
			}
			if got := ask(t, s.URL(second), "SELECT count(*)::text FROM pg_database WHERE datname ~ '^onward_'"); got != "1" {
				t.Errorf("%s databases after dropping one of two", got)
			}
		})
	}
}

func TestDoesNotStart(t *testing.T) {
	t.Parallel()
	server(t, Config{})
	for _, test := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"unknown setting", Config{Settings: map[string]string{"no_such_thing": "1"}}, `unrecognized configuration parameter "no_such_thing"`},
		{"bad locale", Config{Settings: map[string]string{"lc_messages": "xx_XX.UTF-8"}}, `invalid value for parameter "lc_messages"`},
		{"impossible", Config{Settings: map[string]string{"shared_buffers": "900TB"}}, "shared_buffers"},
		{"fixed setting", Config{Settings: map[string]string{"Port": "1"}}, "setting Port: cannot be changed"},
		{"line break", Config{Settings: map[string]string{"work_mem": "1\nport=2"}}, "has a line break"},
		{"not a name", Config{Settings: map[string]string{"a b": ""}}, `setting "a b"`},
		{"no such directory", Config{Dir: "/no/such/directory"}, "/no/such/directory"},
		{"no binaries there", Config{Bin: "/etc"}, "/etc: no server binaries"},
		{"wrong major", Config{Major: 99, Bin: firstBin()}, "wanted 99"},
		{"unreachable", Config{URL: "postgres://nobody:secret@/x?host=/no/such/socket"}, "/no/such/socket"},
		{"not escaped", Config{URL: "postgres://nobody:p@secret@/x?host=/no/such/socket"}, "/no/such/socket"},
		{"not escaped, and broken", Config{URL: "postgres://u:p@secret@h:port/x"}, "address cannot be read"},
		{"bad URL", Config{URL: "postgres://u:secret@h:port/x"}, "address cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := Start(context.Background(), test.cfg)
			if err == nil {
				t.Fatal("started", s.Stop())
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("error %q tells the password", err)
			}
		})
	}
}

func firstBin() string {
	if found, _, _ := findInstalls(); len(found) > 0 {
		return found[0].Bin
	}
	return "/"
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{Major: 8}, {Major: 8, NoDownload: true}} {
		_, err := Start(context.Background(), cfg)
		var missing *MissingError
		if !errors.As(err, &missing) || missing.Major != 8 {
			t.Fatalf("got %v, want a MissingError", err)
		}
		for _, want := range []string{"PATH", "/usr/lib/postgresql/*/bin", "apt install postgresql-8", "--postgres URL"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
	}
}

// Start gives up when its context ends, and leaves nothing.
func TestCancelled(t *testing.T) {
	t.Parallel()
	server(t, Config{})
	parent := t.TempDir()
	if err := os.Chmod(filepath.Dir(parent), 0o755); err != nil { // the server's account must be able to enter
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if s, err := Start(ctx, Config{Dir: parent}); err == nil {
		t.Fatal("started", s.Stop())
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A small server keeps its files in memory if there is space, and leaves nothing
// there.
func TestSmall(t *testing.T) {
	t.Parallel()
	memory := memoryDir()
	if memory == "" {
		component.Need(t, component.System, errors.New("there is no file system in memory with room"))
	}
	s := server(t, Config{Small: true})
	dir := s.private.dir
	if filepath.Dir(dir) != memory {
		t.Errorf("the directory is %s, not in %s", dir, memory)
	}
	if got := ask(t, s.URL("postgres"), "SELECT 'here'"); got != "here" {
		t.Errorf("the server answers %q, want %q", got, "here")
	}
	if err := s.Stop(); err != nil || pathExists(dir) {
		t.Errorf("after Stop: %v, directory there: %t", err, pathExists(dir))
	}
}

// The path of a socket is limited to some hundred bytes; the path of a directory is
// not.
func TestLongPath(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	for _, dir := range []string{filepath.Dir(filepath.Dir(parent)), parent} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := server(t, Config{Dir: parent})
	if got := ask(t, s.URL("postgres"), "SELECT 'up'"); got != "up" {
		t.Errorf("got %q", got)
	}
	sockets := s.private.sockets
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if pathExists(sockets) || pathExists(s.private.dir) {
		t.Errorf("left behind: %s or %s", sockets, s.private.dir)
	}
}

// Small servers, as in tests, proofs and rehearsals without rows.
func BenchmarkStart(b *testing.B) {
	for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
		b.Run(strconv.Itoa(major), func(b *testing.B) {
			server(b, Config{Major: major, Small: true})
			for b.Loop() {
				s, err := Start(context.Background(), Config{Major: major, Small: true})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.Stop(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func BenchmarkNewDatabase(b *testing.B) {
	for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
		b.Run(strconv.Itoa(major), func(b *testing.B) {
			s := server(b, Config{Major: major, Small: true})
			for b.Loop() {
				name, err := s.NewDatabase(context.Background(), "")
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.DropDatabase(context.Background(), name); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
