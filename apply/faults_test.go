package apply_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// fault is what happens at a commit: before the server sees it, or behind it, when the answer is on
// its way.
type fault struct {
	name   string
	behind bool
	// strike does it: to the process, or to the server.
	strike func(t testing.TB, f *faulty)
	cut    bool // the line, too
}

// faulty is a run of apply through a line on which a fault happens.
type faulty struct {
	server  *pgserver.Server
	db      string
	process *os.Process
}

var faults = []fault{
	{name: "kill -9 before COMMIT", strike: kill, cut: true},
	{name: "kill -9 behind COMMIT", behind: true, strike: kill, cut: true},
	{name: "line cut before COMMIT", cut: true},
	{name: "answer to COMMIT lost", behind: true, cut: true},
	{name: "pg_terminate_backend before COMMIT", strike: terminate},
	{name: "server crash before COMMIT", strike: crash},
	{name: "server crash behind COMMIT", behind: true, strike: crash},
}

func kill(_ testing.TB, f *faulty) { _ = f.process.Kill() }

func terminate(t testing.TB, f *faulty) {
	run(t, f.db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'onward apply' AND datname = current_database()")
}

// crash ends a session by SIGKILL: the server takes all others down with it, and recovers.
func crash(t testing.TB, f *faulty) {
	pid := content(t, f.db, "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'onward apply' AND datname = current_database()")
	for _, p := range pid {
		n, _ := strconv.Atoi(p)
		if process, err := os.FindProcess(n); err == nil {
			_ = process.Kill()
		}
	}
}

// line passes on what a run sends, and has a fault happen at the commit with a number.
type line struct {
	mu     sync.Mutex
	seen   int // commits
	at     int
	struck bool
	during string // the class of the step that was under way then
	fault  *fault
	f      *faulty
	t      testing.TB
}

// commit counts one, and reports whether it is the one.
func (l *line) commit() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen++
	if l.struck || l.fault == nil || l.seen != l.at {
		return false
	}
	l.struck = true
	return true
}

func (l *line) serve(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("unix", to)
	if err != nil {
		return
	}
	defer server.Close()
	hold := make(chan struct{})
	var once sync.Once
	lost := false
	go func() {
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			l.mu.Lock()
			quiet := lost
			l.mu.Unlock()
			if n > 0 && quiet { // the answer to COMMIT
				once.Do(func() { close(hold) })
				return
			}
			if n > 0 {
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				once.Do(func() { close(hold) })
				return
			}
		}
	}()
	head := make([]byte, 4)
	if _, err := io.ReadFull(client, head); err != nil { // the start has no type
		return
	}
	if !pass(server, nil, head, client) {
		return
	}
	kind := make([]byte, 1)
	for {
		if _, err := io.ReadFull(client, kind); err != nil {
			return
		}
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head)-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		strikes := kind[0] == 'Q' && strings.EqualFold(strings.TrimRight(string(body), "\x00; "), "commit") && l.commit()
		if strikes {
			l.during = underWay(l.t, l.f)
		}
		if strikes && !l.fault.behind {
			if l.fault.strike != nil {
				l.fault.strike(l.t, l.f)
			}
			if l.fault.cut {
				return
			}
		}
		if strikes && l.fault.behind {
			l.mu.Lock()
			lost = true
			l.mu.Unlock()
		}
		if _, err := server.Write(slices.Concat(kind, head, body)); err != nil {
			return
		}
		if strikes && l.fault.behind {
			<-hold
			if l.fault.strike != nil {
				l.fault.strike(l.t, l.f)
			}
			return
		}
	}
}

// underWay is the class of the step that is being tried; "the ledger" for none.
func underWay(t testing.TB, f *faulty) string {
	if there := content(t, f.db, "SELECT nspname FROM pg_namespace WHERE nspname = 'onward_ledger'"); len(there) == 0 {
		return "the ledger"
	}
	class := content(t, f.db, "SELECT s ->> 'class' FROM onward_ledger.plan AS p, jsonb_array_elements(plan -> 'steps') AS s JOIN onward_ledger.step AS has ON has.id = s ->> 'id' WHERE has.state = 'running'")
	if len(class) == 0 {
		return "the ledger"
	}
	return class[0]
}

// pass sends a message without a type on.
func pass(to io.Writer, kind, head []byte, from io.Reader) bool {
	body := make([]byte, binary.BigEndian.Uint32(head)-4)
	if _, err := io.ReadFull(from, body); err != nil {
		return false
	}
	_, err := to.Write(slices.Concat(kind, head, body))
	return err == nil
}

// through is an address that leads through the line.
func (l *line) through(t testing.TB, db string) string {
	t.Helper()
	u, err := url.Parse(db)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	q := u.Query()
	to := q.Get("host") + "/.s.PGSQL." + q.Get("port")
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go l.serve(client, to)
		}
	}()
	u.Host = listener.Addr().String()
	q.Del("host")
	q.Del("port")
	u.RawQuery = q.Encode()
	return u.String()
}

// TestFaults has each fault happen at commits of a plan with steps of every class. ONWARD_FAULTS=all
// takes every commit in turn and writes the table of docs/faults.md to the file that ONWARD_FAULTS_TO
// names; else a few of them are taken, others each time.
func TestFaults(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	file := saved(t, p)
	// One that may crash: what it has committed must be there afterwards, which is not so for the other tests' servers.
	server, err := pgserver.Start(t.Context(), pgserver.Config{Major: onward.NewestMajor, Settings: map[string]string{"synchronous_commit": "on"}})
	if err != nil {
		pgservertest.Missing(t, err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	few := strings.ReplaceAll(rows, "6000", "1500")
	want := fresh(t, server, base, few, release)
	ends := [2][]string{schema(t, want), content(t, want, ordered)}

	clean := &faulty{server: server, db: fresh(t, server, base, few)}
	count := &line{t: t, f: clean}
	carry(t, clean, count, file)
	compare(t, clean, ends, p)
	if count.seen <= len(p.Steps) {
		t.Fatalf("%d steps made %d commits: the line does not see them", len(p.Steps), count.seen)
	}
	every := os.Getenv("ONWARD_FAULTS") == "all"
	table, turn := map[string]map[string]int{}, int(time.Now().Unix())
	for i := range faults {
		step := 1
		if !every {
			if (i+turn)%3 > 0 { // a third of them, others each time
				continue
			}
			step = count.seen
		}
		table[faults[i].name] = map[string]int{}
		for at := 1 + int(time.Now().UnixNano())%step; at <= count.seen; at += step {
			f := &faulty{server: server, db: fresh(t, server, base, few)}
			l := &line{t: t, f: f, at: at, fault: &faults[i]}
			carry(t, f, l, file)
			if !l.struck {
				t.Errorf("%s: nothing happened at commit %d", faults[i].name, at)
			}
			compare(t, f, ends, p)
			if t.Failed() {
				t.Fatalf("%s at commit %d, while %s was under way", faults[i].name, at, l.during)
			}
			table[faults[i].name][l.during]++
		}
		t.Logf("%s: %v", faults[i].name, table[faults[i].name])
	}
	if to := os.Getenv("ONWARD_FAULTS_TO"); to != "" {
		if err := os.WriteFile(to, []byte(matrix(table, p, count.seen)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// matrix is the page of docs/faults.md.
func matrix(table map[string]map[string]int, p *onward.Plan, commits int) string {
	classes := []string{"the ledger", string(onward.StepDDL), string(onward.StepValidate), string(onward.StepConcurrent), string(onward.StepBackfill)}
	var b strings.Builder
	fmt.Fprintf(&b, `# Faults

Made by `+"`make faults`"+`. A plan of %d steps, with steps of each class and all three phases, is carried out by a process of its own
on a server; a line in between has one fault happen at one of its %d commits, each in turn. Then the same command is run again until it
says that it is done. Each number is how many commits that was tried at: each time the schema and the rows were those of the migration,
each backfill had passed each row once, and no step was done twice.

| fault | %s |
| --- |%s
`, len(p.Steps), commits, strings.Join(classes, " | "), strings.Repeat(" ---: |", len(classes)))
	for _, f := range faults {
		fmt.Fprintf(&b, "| %s |", f.name)
		for _, class := range classes {
			fmt.Fprintf(&b, " %d |", table[f.name][class])
		}
		b.WriteString("\n")
	}
	b.WriteString(`
Other tests of the package ` + "`apply`" + `: random kills while the deployed code writes to the table and a mirror of it (` + "`make faults`" + `, too: content equal),
sessions ended all the time, a lock held by another session, a disk that runs full and has room again, two at once.
`)
	return b.String()
}

// fresh is a database with something in it.
func fresh(t testing.TB, server *pgserver.Server, sql ...string) string {
	t.Helper()
	name, err := server.NewDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	run(t, server.URL(name), sql...)
	return server.URL(name)
}

// carry runs apply through the line until it is done.
func carry(t testing.TB, f *faulty, l *line, file string) {
	t.Helper()
	address := l.through(t, f.db)
	for tries := 0; ; tries++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ONWARD_APPLY_CHILD="+address, "ONWARD_APPLY_PLAN="+file, "ONWARD_APPLY_THROUGH="+string(onward.Contract))
		var said strings.Builder
		cmd.Stderr = &said
		l.mu.Lock()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		f.process = cmd.Process
		l.mu.Unlock()
		err := cmd.Wait()
		if err == nil {
			return
		}
		// Killed; or what it was told before it had begun.
		if exit := new(exec.ExitError); !errors.As(err, &exit) || tries > 5 {
			t.Fatalf("%v: %s", err, said.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// compare holds that nothing was lost, and nothing done twice.
func compare(t testing.TB, f *faulty, ends [2][]string, p *onward.Plan) {
	t.Helper()
	if diff := cmp.Diff(ends[0], schema(t, f.db)); diff != "" {
		t.Errorf("schema (-release +plan):\n%s", diff)
	}
	if diff := cmp.Diff(ends[1], content(t, f.db, ordered)); diff != "" {
		t.Errorf("rows (-release +plan):\n%s", diff)
	}
	passed := content(t, f.db, "SELECT id || ' ' || rows FROM onward_ledger.step WHERE rows <> 0 AND rows <> 1500")
	twice := content(t, f.db, "SELECT step || ' ' || count(*) FROM onward_ledger.log WHERE event = 'done' AND step <> '' GROUP BY step HAVING count(*) > 1")
	undone := content(t, f.db, "SELECT id || ' ' || state FROM onward_ledger.step WHERE state <> 'done'")
	if len(passed)+len(twice)+len(undone) > 0 {
		t.Errorf("rows passed twice %v, steps done twice %v, not done %v", passed, twice, undone)
	}
	if n := content(t, f.db, "SELECT count(*)::text FROM onward_ledger.step"); n[0] != fmt.Sprint(len(p.Steps)) {
		t.Errorf("%s steps of %d", n[0], len(p.Steps))
	}
	name := f.db[strings.LastIndexByte(f.db, '/')+1:]
	name, _, _ = strings.Cut(name, "?")
	if err := f.server.DropDatabase(context.Background(), name); err != nil {
		t.Error(err)
	}
}
