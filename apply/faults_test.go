package apply_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
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

// journey is a run of onward that faults happen to: forward through all phases, or back from before the contract.
type journey struct {
	env    []string
	begin  func() *faulty
	arrive func(f *faulty)
}

// commits is how many a journey makes where nothing happens to it.
func (j *journey) commits(t testing.TB) int {
	t.Helper()
	f := j.begin()
	count := &line{t: t, f: f}
	carry(t, f, count, j.env)
	j.arrive(f)
	return count.seen
}

// strike has a fault happen at commits of a journey: at every one, or at one of them. It gives at how many, by what was
// under way.
func (j *journey) strike(t testing.TB, fault *fault, commits int, every bool) map[string]int {
	t.Helper()
	step, out := commits, map[string]int{}
	if every {
		step = 1
	}
	for at := 1 + int(time.Now().UnixNano())%step; at <= commits; at += step {
		f := j.begin()
		l := &line{t: t, f: f, at: at, fault: fault}
		carry(t, f, l, j.env)
		if !l.struck {
			t.Errorf("%s: nothing happened at commit %d", fault.name, at)
		}
		j.arrive(f)
		if t.Failed() {
			t.Fatalf("%s at commit %d, while %s was under way", fault.name, at, l.during)
		}
		out[l.during]++
	}
	return out
}

// TestFaults has each fault happen at commits of a plan with steps of every class, and of its way back. ONWARD_FAULTS=all
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
	there := &journey{
		env:    []string{"ONWARD_APPLY_PLAN=" + file, "ONWARD_APPLY_THROUGH=" + string(onward.Contract)},
		begin:  func() *faulty { return &faulty{server: server, db: fresh(t, server, base, few)} },
		arrive: func(f *faulty) { compare(t, f, ends, p) },
	}
	back := backwards(t, server, p, few)
	commits, ways := there.commits(t), back.commits(t)
	if commits <= len(p.Steps) || ways <= p.Contract() {
		t.Fatalf("%d steps made %d commits, and %d on the way back: the line does not see them", len(p.Steps), commits, ways)
	}
	every := os.Getenv("ONWARD_FAULTS") == "all"
	table, turn := map[string]map[string]int{}, int(time.Now().Unix())
	for i := range faults {
		if !every && (i+turn)%3 > 0 { // a third of them, others each time
			continue
		}
		table[faults[i].name] = there.strike(t, &faults[i], commits, every)
		for _, n := range back.strike(t, &faults[i], ways, every) {
			table[faults[i].name][takenBack] += n
		}
		t.Logf("%s: %v", faults[i].name, table[faults[i].name])
	}
	if to := os.Getenv("ONWARD_FAULTS_TO"); to != "" {
		if err := os.WriteFile(to, []byte(matrix(table, p, commits, ways)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// takenBack is the column for what onward abort does.
const takenBack = "taken back"

// backwards is the way back of a plan that is done but for its contract: each journey has a copy of one database.
func backwards(t testing.TB, server *pgserver.Server, p *onward.Plan, rows string) *journey {
	t.Helper()
	db := fresh(t, server, base, rows)
	before, had := schema(t, db), content(t, db, was)
	if _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p}); err != nil {
		t.Fatal(err)
	}
	run(t, fresh(t, server), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+nameOf(db)+"'") // who is connected to it, it is not copied for
	begin := func() *faulty {
		name, err := server.NewDatabase(t.Context(), nameOf(db))
		if err != nil {
			t.Fatal(err)
		}
		return &faulty{server: server, db: server.URL(name)}
	}
	return &journey{env: []string{"ONWARD_APPLY_ABORT=1"}, begin: begin, arrive: func(f *faulty) {
		if diff := cmp.Diff(before, schema(t, f.db)); diff != "" {
			t.Errorf("schema (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(had, content(t, f.db, was)); diff != "" {
			t.Errorf("rows (-before +after):\n%s", diff)
		}
		twice := content(t, f.db, "SELECT step || ' ' || count(*) FROM onward_ledger.log WHERE event = 'taken back' GROUP BY step HAVING count(*) > 1")
		left := content(t, f.db, "SELECT id FROM onward_ledger.step")
		ended := content(t, f.db, "SELECT state FROM onward_ledger.plan")
		if len(twice)+len(left) > 0 || !cmp.Equal(ended, []string{"abandoned"}) {
			t.Errorf("taken back twice %v, left %v, plan %v", twice, left, ended)
		}
		drop(t, f)
	}}
}

// matrix is the page of docs/faults.md.
func matrix(table map[string]map[string]int, p *onward.Plan, commits, ways int) string {
	classes := []string{"the ledger", string(onward.StepDDL), string(onward.StepValidate), string(onward.StepConcurrent), string(onward.StepBackfill), takenBack}
	var b strings.Builder
	fmt.Fprintf(&b, `# Faults

Made by `+"`make faults`"+`. A plan of %d steps, with steps of each class and all three phases, is carried out by a process of its own
on a server; a line in between has one fault happen at one of its %d commits, each in turn. Then the same command is run again until it
says that it is done. Each number is how many commits that was tried at: each time the schema and the rows were those of the migration,
each backfill had passed each row once and found all of them right, and no step was done twice. The last column is of `+"`onward abort`"+`, from
before the contract: at each of its %d commits, and each time nothing of the plan was left.

| fault | %s |
| --- |%s
`, len(p.Steps), commits, ways, strings.Join(classes, " | "), strings.Repeat(" ---: |", len(classes)))
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
func carry(t testing.TB, f *faulty, l *line, env []string) {
	t.Helper()
	address := l.through(t, f.db)
	for tries := 0; ; tries++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(append(os.Environ(), "ONWARD_APPLY_CHILD="+address), env...)
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
	unlike := content(t, f.db, "SELECT step FROM onward_ledger.verification WHERE clean IS NULL OR wrong + mended > 0")
	passed := content(t, f.db, "SELECT id || ' ' || rows FROM onward_ledger.step WHERE rows <> 0 AND rows <> 1500")
	twice := content(t, f.db, "SELECT step || ' ' || count(*) FROM onward_ledger.log WHERE event = 'done' AND step <> '' GROUP BY step HAVING count(*) > 1")
	undone := content(t, f.db, "SELECT id || ' ' || state FROM onward_ledger.step WHERE state <> 'done'")
	if len(passed)+len(twice)+len(undone)+len(unlike) > 0 {
		t.Errorf("rows passed twice %v, steps done twice %v, not done %v, rows not right %v", passed, twice, undone, unlike)
	}
	if n := content(t, f.db, "SELECT count(*)::text FROM onward_ledger.step"); n[0] != fmt.Sprint(len(p.Steps)) {
		t.Errorf("%s steps of %d", n[0], len(p.Steps))
	}
	drop(t, f)
}

// nameOf is the name of a database, of its address.
func nameOf(url string) string {
	name, _, _ := strings.Cut(url[strings.LastIndexByte(url, '/')+1:], "?")
	return name
}

func drop(t testing.TB, f *faulty) {
	t.Helper()
	if err := f.server.DropDatabase(context.Background(), nameOf(f.db)); err != nil {
		t.Error(err)
	}
}
