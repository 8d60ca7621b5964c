package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/confine"
	"github.com/onward-sql/onward/onward"
)

// outside is what a server must not reach.
type outside struct {
	dir  string // anybody's, with the files secret and own, the latter the server's account's
	pid  int    // of a process of the server's account with a secret in its environment
	port int    // on which somebody listens
	// key and segment are of shared memory that everybody may use.
	key, segment int
	called       atomic.Int64
}

// segments counts the shared memory of tests.
var segments atomic.Int64

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{}
	var err error
	if o.dir, err = os.MkdirTemp("", "wall"); err != nil { // not of the test, whose name would be too long for a socket
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(o.dir) })
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secret", "own"} {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte("secret\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(acct.changeOwner(o.dir, filepath.Join(o.dir, "own")), os.Chmod(o.dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	sleeper := exec.Command("sleep", "1000")
	sleeper.Env, sleeper.SysProcAttr = []string{"SECRET=1"}, acct.sysProcAttr()
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	o.pid = sleeper.Process.Pid
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	o.key = 1<<29 + os.Getpid()%(1<<20)<<8 + int(segments.Add(1))
	if o.segment, err = unix.SysvShmGet(o.key, 100, unix.IPC_CREAT|unix.IPC_EXCL|0o666); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.SysvShmCtl(o.segment, unix.IPC_RMID, nil) })
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(o.dir, ".s.PGSQL.5432")
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if network == "tcp" {
			o.port = l.Addr().(*net.TCPAddr).Port
		} else if err := os.Chmod(address, 0o777); err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				o.called.Add(1)
				c.Close()
			}
		}()
	}
	return o
}

// buildProbe compiles a library that tries to get out of a server.
func buildProbe(t *testing.T) []byte {
	t.Helper()
	cc := component.NeedProgram(t, component.Compiler, "cc")
	lib := filepath.Join(t.TempDir(), "probe.so")
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-O", "-Wall", "-Werror", "-o", lib, "testdata/probe.c").CombinedOutput(); err != nil {
		t.Fatalf("compile testdata/probe.c: %v\n%s", err, out)
	}
	probe, err := os.ReadFile(lib)
	if err != nil {
		t.Fatal(err)
	}
	return probe
}

// attempt is one way out, in SQL. It has succeeded when no statement failed, or as evidence says.
type attempt struct {
	name, sql string
	evidence  func() bool
	majors    [2]int // 0, 0: all
}

func (o *outside) attempts(s *Server) []attempt {
	fileCreated := func(name string) func() bool {
		return func() bool {
			return pathExists(filepath.Join(o.dir, name)) && os.Remove(filepath.Join(o.dir, name)) == nil
		}
	}
	archived := func() bool {
		for range 1000 {
			if pathExists(filepath.Join(o.dir, "d")) || strings.Contains(s.Log(), "archive command failed") {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		return pathExists(filepath.Join(o.dir, "d")) && os.Remove(filepath.Join(o.dir, "d")) == nil
	}
	called := func() bool { return o.called.Swap(0) > 0 }
	tablespace := filepath.Join(o.dir, fmt.Sprintf("ts%d%t", s.Major(), s.cfg.Unconfined))
	sql := strings.NewReplacer("$OUT", o.dir, "$PID", strconv.Itoa(o.pid), "$PORT", strconv.Itoa(o.port), "$TS", tablespace, "$BIN", s.Install().Bin)
	all := []attempt{
		{name: "to program", sql: `COPY (SELECT 1) TO PROGRAM 'cat > $OUT/a'`, evidence: fileCreated("a")},
		{name: "from program", sql: `CREATE TEMP TABLE got (t text); COPY got FROM PROGRAM 'echo x'`},
		{name: "absolute program", sql: `CREATE TEMP TABLE got (t text); COPY got FROM PROGRAM '/bin/echo x'`},
		{name: "own program", sql: `CREATE TEMP TABLE got (t text); COPY got FROM PROGRAM '$BIN/postgres --version'`},
		{name: "initdb as a stone to step on", sql: `CREATE TEMP TABLE got (t text); COPY got FROM PROGRAM '$BIN/initdb --version'`},
		{name: "to file", sql: `COPY (SELECT 1) TO '$OUT/b'`, evidence: fileCreated("b")},
		{name: "from file", sql: `CREATE TEMP TABLE got (t text); COPY got FROM '$OUT/secret'`},
		{name: "read file", sql: `SELECT pg_catalog.pg_read_file('$OUT/secret')`},
		{name: "read passwd", sql: `SELECT pg_catalog.pg_read_file('/etc/passwd')`},
		{name: "read binary", sql: `SELECT pg_catalog.pg_read_binary_file('$OUT/secret')`},
		{name: "list", sql: `SELECT pg_catalog.pg_ls_dir('$OUT')`},
		{name: "list root", sql: `SELECT pg_catalog.pg_ls_dir('/')`},
		{name: "environment", sql: `CREATE TEMP TABLE got (t bytea); INSERT INTO got SELECT pg_catalog.pg_read_binary_file('/proc/$PID/environ', 0, 100)`},
		{name: "large object in", sql: `SELECT pg_catalog.lo_import('$OUT/secret')`},
		{name: "large object out", sql: `SELECT pg_catalog.lo_from_bytea(4711, 'x'); SELECT pg_catalog.lo_export(4711, '$OUT/c')`, evidence: fileCreated("c")},
		{name: "tablespace", sql: `CREATE TABLESPACE outside LOCATION '$TS'`},
		{
			name:     "archive command",
			sql:      `ALTER SYSTEM SET archive_command = 'echo x > $OUT/d'; SELECT pg_catalog.pg_reload_conf(); SELECT pg_catalog.pg_switch_wal()`,
			evidence: archived,
		},
		{name: "dblink", sql: `CREATE EXTENSION dblink; SELECT dblink_connect('host=127.0.0.1 port=$PORT user=x password=y')`, evidence: called},
		{name: "dblink to a socket", sql: `CREATE EXTENSION IF NOT EXISTS dblink; SELECT dblink_connect('host=$OUT port=5432 user=x')`, evidence: called},
		{name: "foreign table", sql: `CREATE EXTENSION postgres_fdw; CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '$PORT');
			CREATE USER MAPPING FOR postgres SERVER away; CREATE FOREIGN TABLE away (n int) SERVER away; SELECT * FROM away`, evidence: called},
		{name: "subscription", sql: `CREATE SUBSCRIPTION away CONNECTION 'host=127.0.0.1 port=$PORT user=x' PUBLICATION p`, evidence: called},
		{name: "adminpack", majors: [2]int{13, 16}, sql: `CREATE EXTENSION adminpack; SELECT pg_catalog.pg_file_write('$OUT/e', 'x', false)`, evidence: fileCreated("e")},
	}
	for i := range all {
		all[i].sql = sql.Replace(all[i].sql)
	}
	acct, _ := serverAccount()
	_ = os.Mkdir(tablespace, 0o700)
	_ = acct.changeOwner(tablespace)
	return all
}

// batch sends statements one by one, as some cannot run in one transaction.
func batch(t *testing.T, s *Server, sql string) error {
	t.Helper()
	conn := connect(t, s.URL("postgres"))
	defer conn.Close(context.Background())
	for _, statement := range strings.Split(sql, ";") {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			return err
		}
	}
	return nil
}

// TestWall: what a superuser tries in a server, by SQL and by a library of machine code, succeeds without the wall and
// fails with it.
func TestWall(t *testing.T) {
	t.Parallel()
	abi, err := confine.LandlockVersion()
	if err != nil {
		component.Need(t, component.System, err)
	}
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		component.Need(t, component.System, errors.New("there is no filter for this processor"))
	}
	for major := onward.OldestMajor; major <= onward.NewestMajor; major++ {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{"archive_mode": "on", "wal_level": "logical"}
			for _, unconfined := range []bool{true, false} {
				o := newOutside(t)
				s := server(t, Config{Major: major, Small: true, Settings: settings, Unconfined: unconfined})
				if gaps := s.Gaps(); len(gaps) > 0 && abi >= confine.NewestLandlock && os.Geteuid() == 0 {
					t.Errorf("gaps %q", gaps)
				}
				tried := 0
				for _, a := range o.attempts(s) {
					if a.majors != [2]int{} && (major < a.majors[0] || major > a.majors[1]) {
						continue
					}
					err := batch(t, s, a.sql)
					if err != nil && strings.Contains(err.Error(), "extension control file") {
						continue // not in the box
					}
					tried++
					out := err == nil
					if a.evidence != nil {
						out = a.evidence()
					}
					if out != unconfined {
						t.Errorf("%s, unconfined %t: it got out: %t (%v)", a.name, unconfined, out, err)
					}
				}
				if tried < 17 {
					t.Errorf("only %d ways were tried", tried)
				}
				t.Run(fmt.Sprintf("machine code, unconfined %t", unconfined), func(t *testing.T) { o.library(t, s) })
				if err := s.Err(); err != nil {
					t.Error(err)
				}
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// library writes the probe into the data directory, loads it, and looks at what it could do.
func (o *outside) library(t *testing.T, s *Server) {
	t.Helper()
	loader, _ := readDynamicLinks(command{install: s.install}.program())
	// Orders that succeed either way show that the probe works.
	orders := [][3]string{
		{"passwd", "open", "/etc/passwd"},
		{"environment", "open", fmt.Sprintf("/proc/%d/environ", o.pid)},
		{"write", "write", o.dir + "/own"},
		{"truncate", "truncate", o.dir + "/own"},
		{"chmod", "chmod", o.dir + "/own"},
		{"shell", "exec", "/bin/sh -c true"},
		{"loader", "exec", loader + " /bin/true"},
		{"initdb", "exec", filepath.Join(s.install.Bin, "initdb") + " --version"},
		{"memory", "memory-exec", "/bin/true"},
		{"internet", "internet", ""},
		{"netlink", "netlink", ""},
		{"connect", "connect", o.dir + "/.s.PGSQL.5432"},
		{"signal", "kill", strconv.Itoa(o.pid)},
		{"trace", "trace", strconv.Itoa(o.pid)},
		{"link", "link", "link"},
		{"unmark", "unmark", ""},
		{"hide", "hide", ""},
		{"attach a segment", "segment-attach", strconv.Itoa(o.segment)},
		{"look at a segment", "segment-look", strconv.Itoa(o.segment)},
		{"find a segment", "segment-find", strconv.Itoa(o.key)},
		{"make a segment", "segment-make", ""},
		{"make a semaphore", "semaphore", ""},
	}
	abi, err := confine.LandlockVersion()
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{"inside": true, "truncate": abi < 3, "signal": abi < 6}
	lines := "inside\twrite\tmine\n"
	for _, order := range orders {
		lines += strings.Join(order[:], "\t") + "\n"
	}
	answers := obey(t, s, buildProbe(t), lines)
	if len(answers) != len(orders)+1 {
		t.Fatalf("%d orders, answers %q", len(orders)+1, answers)
	}
	if yama, _ := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); s.cfg.Unconfined && len(yama) > 0 && yama[0] != '0' {
		delete(answers, "trace") // the system refuses it already
	}
	for name, got := range answers {
		if done := got == "done"; done != (s.cfg.Unconfined || allowed[name]) {
			t.Errorf("a library, unconfined %t: %s: %s", s.cfg.Unconfined, name, got)
		}
	}
}

// obey gives orders to the probe in a server, and returns its answers.
func obey(t *testing.T, s *Server, probe []byte, orders string) map[string]string {
	t.Helper()
	conn := connect(t, s.URL("postgres"))
	defer conn.Close(context.Background())
	for name, content := range map[string][]byte{"probe.so": probe, "probe.in": []byte(orders)} {
		var object uint32
		if err := conn.QueryRow(t.Context(), "SELECT pg_catalog.lo_from_bytea(0, $1)", content).Scan(&object); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "SELECT pg_catalog.lo_export($1, $2)", object, filepath.Join(s.dataDir(), name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := conn.Exec(t.Context(), "LOAD '"+filepath.Join(s.dataDir(), "probe.so")+"'")
	if err == nil || !strings.Contains(err.Error(), "magic block") {
		t.Fatalf("the library: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(s.dataDir(), "probe.out"))
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, answer, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			answers[name] = answer
		} else if pid, ok := strings.CutPrefix(line, "daemon "); ok {
			answers["pid"] = strings.TrimSpace(pid)
		}
	}
	return answers
}

// A server whose session was killed makes its shared memory again, with the wall.
func TestCrashedSession(t *testing.T) {
	t.Parallel()
	for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
		s := server(t, Config{Major: major, Small: true})
		conn := connect(t, s.URL("postgres"))
		var pid int
		if err := conn.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		var err error
		for range 100 {
			time.Sleep(50 * time.Millisecond)
			var reconnected *pgx.Conn
			if reconnected, err = pgx.Connect(t.Context(), s.URL("postgres")); err == nil {
				_, err = reconnected.Exec(t.Context(), "SELECT 1")
				_ = reconnected.Close(t.Context())
				break
			}
		}
		if err != nil {
			t.Errorf("Postgres %d: %v\n%s", major, err, s.Log())
		}
	}
}
