package apply_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// fault is what happens at a commit: before the server sees it, or after it, while the answer is on its way.
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
	{name: "kill -9 after COMMIT", behind: true, strike: kill, cut: true},
	{name: "line cut before COMMIT", cut: true},
	{name: "answer to COMMIT lost", behind: true, cut: true},
	{name: "pg_terminate_backend before COMMIT", strike: terminate},
	{name: "server crash before COMMIT", strike: crash},
	{name: "server crash after COMMIT", behind: true, strike: crash},
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

// commits returns how many commits a journey makes without a fault.
func (j *journey) commits(t testing.TB) int {
	t.Helper()
	f := j.begin()
	count := &line{t: t, f: f}
	carry(t, f, count, j.env)
	if err := writeParents(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	j.arrive(f)
	return count.seen
}

// strike has a fault happen at commits of a journey: at each of that many, or at one. It gives at how many, by what was
// under way.
func (j *journey) strike(t testing.TB, fault *fault, commits, every, turn int) map[string]int {
	t.Helper()
	step, out := commits, map[string]int{}
	if every > 0 {
		step = min(every, commits)
	}
	for commit := 1 + turn%step; commit <= commits; commit += step {
		f := j.begin()
		written := make(chan error, 1)
		l := &line{t: t, f: f, at: commit, fault: fault, meanwhile: func() { written <- writeParents(t.Context(), f) }}
		carry(t, f, l, j.env)
		if !l.struck {
			t.Fatalf("%s: nothing happened at commit %d", fault.name, commit)
		}
		if err := <-written; err != nil {
			t.Errorf("%s at commit %d: the deployed code's write fails: %v", fault.name, commit, err)
		}
		j.arrive(f)
		if t.Failed() {
			t.Fatalf("%s at commit %d, while %s was under way", fault.name, commit, l.during)
		}
		out[l.during]++
	}
	return out
}

// TestFaults makes each fault happen at commits of a plan with steps of every class, and of its abort. ONWARD_FAULTS=N
// takes each Nth commit, different ones for each fault, and writes the table of docs/faults.md to the file that
// ONWARD_FAULTS_TO names. Otherwise it uses a few commits, different ones each time.
func TestFaults(t *testing.T) {
	t.Parallel()
	p := planned(t, faultBase, faultRelease)
	file := saved(t, p)
	// One that may crash: what it has committed must be there afterwards, which is not so for the other tests' servers.
	server, err := pgserver.Start(t.Context(), pgserver.Config{Major: onward.NewestMajor, Settings: map[string]string{"synchronous_commit": "on"}})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	want := fresh(t, server, append([]string{faultBase, faultRows, faultRelease}, parentWrites...)...)
	ends := [2][]string{schema(t, want), slices.Concat(content(t, want, ordered), content(t, want, faultFamilyRows))}
	forward := &journey{
		env:    []string{"ONWARD_APPLY_PLAN=" + file, "ONWARD_APPLY_THROUGH=" + string(onward.Contract)},
		begin:  func() *faulty { return &faulty{server: server, db: fresh(t, server, faultBase, faultRows)} },
		arrive: func(f *faulty) { compare(t, f, ends, p) },
	}
	back := backwards(t, server, p)
	commits, ways := forward.commits(t), back.commits(t)
	if commits <= len(p.Steps) || ways <= p.Contract() {
		t.Fatalf("%d steps made %d commits, and %d on the way back: the line does not see them", len(p.Steps), commits, ways)
	}
	every, _ := strconv.Atoi(os.Getenv("ONWARD_FAULTS"))
	table, chosenFaults := map[string]map[string]int{}, faults
	if every == 0 {
		chosenFaults = rotation.Pick(t, 4, faults)
	}
	for i := range chosenFaults {
		turn := i
		if every == 0 {
			turn = int(time.Now().Unix())
		}
		name := chosenFaults[i].name
		table[name] = forward.strike(t, &chosenFaults[i], commits, every, turn)
		for _, n := range back.strike(t, &chosenFaults[i], ways, every, turn) {
			table[name][takenBack] += n
		}
		t.Logf("%s: %v", name, table[name])
	}
	if to := os.Getenv("ONWARD_FAULTS_TO"); to != "" {
		if err := os.WriteFile(to, []byte(matrix(table, p, commits, ways, every)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// takenBack is the column for what onward abort does.
const takenBack = "abort"

// backwards prepares the abort of a plan that is done except for its contract: each journey has a copy of one database.
func backwards(t testing.TB, server *pgserver.Server, p *onward.Plan) *journey {
	t.Helper()
	db, written := fresh(t, server, faultBase, faultRows), fresh(t, server, append([]string{faultBase, faultRows}, parentWrites...)...)
	before, wantRows := schema(t, db), slices.Concat(content(t, written, was), content(t, written, faultFamilyRows))
	runPlan(t, apply.Config{DB: db, Plan: p})
	// who is connected to it, it is not copied for
	run(t, fresh(t, server), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+nameOf(db)+"'")
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
		if diff := cmp.Diff(wantRows, slices.Concat(content(t, f.db, was), content(t, f.db, faultFamilyRows))); diff != "" {
			t.Errorf("rows (-before +after):\n%s", diff)
		}
		undoneTwice := content(t, f.db, "SELECT step || ' ' || count(*) FROM onward_ledger.log WHERE event = 'taken back' GROUP BY step HAVING count(*) > 1")
		left := content(t, f.db, "SELECT id FROM onward_ledger.step")
		ended := content(t, f.db, "SELECT state FROM onward_ledger.plan")
		if len(undoneTwice)+len(left) > 0 || !cmp.Equal(ended, []string{"abandoned"}) {
			t.Errorf("taken back twice %v, left %v, plan %v", undoneTwice, left, ended)
		}
		drop(t, f)
	}}
}

// matrix is the page of docs/faults.md.
func matrix(table map[string]map[string]int, p *onward.Plan, commits, ways, every int) string {
	classes := []string{"the ledger", string(onward.StepDDL), string(onward.StepValidate), string(onward.StepConcurrent), string(onward.StepBackfill), takenBack}
	frequency := "each in turn"
	if every > 1 {
		frequency = fmt.Sprintf("one in %d of them for each fault, other ones each time (`make faults FAULTS=1` takes all)", every)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Faults

    make faults

A separate process carries out a plan of %d steps on a server. The plan has steps of each class and all three phases. A proxy makes one fault
happen at one of its %d commits, %s. Then the same command runs again until it reports that it is done. While the fault
happens, the deployed code deletes rows that others refer to and changes their keys. The database has a role with rights on columns, a
policy and a comment that the repository does not know.

Each number counts the commits at which that was tried. Every time:

- the schema and the rows were those that the migration makes
- each backfill had visited each row once and found all of them right
- no step was done twice

The last column is for `+"`onward abort`"+` before the contract, at its %d commits. Every time nothing of the plan was left.

| fault | %s |
| --- |%s
`, len(p.Steps), commits, frequency, ways, strings.Join(classes, " | "), strings.Repeat(" ---: |", len(classes)))
	for _, f := range faults {
		fmt.Fprintf(&b, "| %s |", f.name)
		for _, class := range classes {
			fmt.Fprintf(&b, " %d |", table[f.name][class])
		}
		b.WriteString("\n")
	}
	b.WriteString(`
Other tests of the package ` + "`apply`" + `:

- random kills while the deployed code writes to the table and a mirror of it (` + "`make faults`" + `, too: the content is equal)
- sessions that are ended all the time
- a lock that another session holds
- a disk that runs full and has room again
- two runs at once
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
		var stderr strings.Builder
		cmd.Stderr = &stderr
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
		// It was killed, or it failed before it had started.
		if exit := new(exec.ExitError); !errors.As(err, &exit) || tries > 5 {
			t.Fatalf("apply process %d: %v: %s", tries+1, err, stderr.String())
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
	if diff := cmp.Diff(ends[1], slices.Concat(content(t, f.db, ordered), content(t, f.db, faultFamilyRows))); diff != "" {
		t.Errorf("rows (-release +plan):\n%s", diff)
	}
	unlike := content(t, f.db, "SELECT step FROM onward_ledger.verification WHERE clean IS NULL OR wrong + mended > 0")
	passed := content(t, f.db, "SELECT s.id || ' ' || s.rows FROM onward_ledger.step AS s, onward_ledger.plan AS p, "+
		"jsonb_array_elements(p.plan -> 'steps') AS has WHERE has ->> 'id' = s.id AND s.rows NOT IN (0, "+
		"1500) AND has ->> 'sql' NOT LIKE '%users%' AND has ->> 'sql' NOT LIKE '%posts%'")
	stepsDoneTwice := content(t, f.db, "SELECT step || ' ' || count(*) FROM onward_ledger.log WHERE event = 'done' AND step <> '' GROUP BY step HAVING count(*) > 1")
	undone := content(t, f.db, "SELECT id || ' ' || state FROM onward_ledger.step WHERE state <> 'done'")
	if len(passed)+len(stepsDoneTwice)+len(undone)+len(unlike) > 0 {
		t.Errorf("rows passed twice %v, steps done twice %v, not done %v, rows not right %v", passed, stepsDoneTwice, undone, unlike)
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
