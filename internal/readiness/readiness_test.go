package readiness_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/onward"
)

// renameColumn is a plan with all phases.
func renameColumn() *onward.Plan {
	return &onward.Plan{
		Base: "v1", Head: "v2", Migrations: []onward.PlannedMigration{{ID: "2", Path: "db/00002_rename.sql"}},
		Steps: []onward.PlanStep{
			{ID: "01-expand", Phase: onward.Expand},
			{ID: "02-expand", Phase: onward.Expand, Bookkeeping: true},
			{ID: "03-backfill", Phase: onward.Backfill},
			{ID: "04-backfill", Phase: onward.Backfill},
			{ID: "05-contract", Phase: onward.Contract, Bookkeeping: true},
			{ID: "06-contract", Phase: onward.Contract},
			{ID: "07-contract", Phase: onward.Contract, Bookkeeping: true},
		},
	}
}

const (
	waits  = " 06-contract must wait until no process of v1 is left."
	gone   = " No process of v1 may run any more: 06-contract removes what it uses."
	noTool = " Until the contract is done, do not run your migration tool on this database: it would run 00002_rename, which the plan replaces."
)

const (
	closed = "The plan is closed: onward abort --forget has left what its steps made. The new code "
	undo   = " Before your migration tool runs on this database, undo what is left: 00002_rename expects the schema without it."
)

func TestJudgeApplied(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		done           int
		state          onward.ApplyState
		fresh, old, mg bool
		text           string
	}{
		{0, onward.ApplyRunning, false, true, false, "The new code must wait for 04-backfill; the next step is 01-expand." + waits + noTool},
		{2, onward.ApplyRunning, false, true, false, "The new code must wait for 04-backfill; the next step is 03-backfill." + waits + noTool},
		{3, onward.ApplyFailed, false, true, false, "The new code must wait for 04-backfill." + waits + noTool},
		{4, onward.ApplyRunning, true, true, false, "The new code may be deployed." + waits + noTool},
		{5, onward.ApplyRunning, true, true, false, "The new code may be deployed." + waits + noTool},
		{6, onward.ApplyRunning, true, false, false, "The new code may be deployed." + gone + noTool},
		{7, onward.ApplyDone, true, false, true, "The new code may be deployed." + gone},
		{4, onward.ApplyAborting, false, true, false, "The new code must not be deployed: onward abort undoes the plan." +
			" Until it is done, do not run your migration tool on this database: it would run 00002_rename, which the plan replaces."},
		{4, onward.ApplyAbandoned, true, true, false, closed + "may be deployed." + undo},
		{3, onward.ApplyAbandoned, false, true, false, closed + "must not be deployed: 04-backfill is not done." + undo},
		{0, onward.ApplyAbandoned, false, true, true, "The new code must not be deployed: onward abort has undone the plan."},
	} {
		p := renameColumn()
		r := readiness.JudgeApplied(p, "p1", c.state, readiness.Damage{}, func(id string) bool {
			return slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.ID == id }) < c.done
		})
		if r.NewCode != c.fresh || r.OldCode != c.old || r.Migrate != c.mg || r.Text != c.text {
			t.Errorf("%d steps, %s: %+v", c.done, c.state, r)
		}
	}
}

// The sentence names the guard only if each replaced migration has it: a tool that runs one without a guard changes something.
func TestGuardedMigrations(t *testing.T) {
	t.Parallel()
	const fails = "your migration tool fails on this database before it changes anything: the guard in 00002_rename"
	for _, c := range []struct {
		name    string
		guarded []bool
		state   onward.ApplyState
		end     string
	}{
		{"all", []bool{true}, onward.ApplyRunning, " Until the contract is done, " + fails + " stops it."},
		{"abort", []bool{true}, onward.ApplyAborting, " Until it is done, " + fails + " stops it."},
		{"two", []bool{true, true}, onward.ApplyRunning, " Until the contract is done, " + fails + ", 00003_more stops it."},
		{"one of two", []bool{true, false}, onward.ApplyRunning, " Until the contract is done, do not run your migration tool on this database: " +
			"it would run 00003_more, which the plan replaces, and which has no guard."},
	} {
		p := renameColumn()
		p.Migrations = append(p.Migrations, onward.PlannedMigration{ID: "3", Path: "db/00003_more.sql"})[:len(c.guarded)]
		for i := range p.Migrations {
			p.Migrations[i].Guarded = c.guarded[i]
		}
		r := readiness.JudgeApplied(p, "p1", c.state, readiness.Damage{}, func(string) bool { return false })
		if r.Migrate || !strings.HasSuffix(r.Text, c.end) {
			t.Errorf("JudgeApplied, %s: got %+v, want no migrations, and a text that ends with %q", c.name, r, c.end)
		}
	}
}

// From the step that records the replaced migrations on, their tool may run: it has nothing to do. A plan that only contracts records them when
// it begins.
func TestToolAfterRecording(t *testing.T) {
	t.Parallel()
	const (
		waitsFor = " Until 04-backfill is done, do not run your migration tool on this database: it would run 00002_rename, which the plan replaces."
		mayRun   = " Your migration tool may run on this database and will not run 00002_rename, which its table has as applied."
	)
	for _, c := range []struct {
		done, recorded int
		migrate        bool
		end            string
	}{{0, 3, false, waitsFor}, {3, 3, false, waitsFor}, {4, 3, true, mayRun}, {6, 3, true, mayRun}, {7, 3, true, gone}, {0, 5, true, mayRun}} {
		p := renameColumn()
		p.Steps[c.recorded].Record = "SELECT 1"
		r := readiness.JudgeApplied(p, "p1", onward.ApplyRunning, readiness.Damage{}, func(id string) bool {
			return slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.ID == id }) < c.done
		})
		if r.Migrate != c.migrate || !strings.HasSuffix(r.Text, c.end) {
			t.Errorf("%d steps, recorded by %d: %+v", c.done, c.recorded, r)
		}
	}
}

// A step of a written plan is pending, in a file, or run by hand. Files that have run count as done.
func TestJudgeWritten(t *testing.T) {
	t.Parallel()
	inFile := []onward.PlanFile{{Path: "db/00003.sql"}}
	for _, c := range []struct {
		name       string
		change     func(p *onward.Plan)
		ran, fresh bool
		text       string
	}{
		{"nothing", func(*onward.Plan) {}, false, false, "The new code must wait for 04-backfill of plan r; the next step is 01-expand." + waits},
		{"expand", func(p *onward.Plan) {
			p.Steps[0].Files, p.Steps[1].Files = inFile, inFile
		}, false, false, "The new code must wait for 04-backfill of plan r; the next step is 03-backfill." + waits},
		{"filled", func(p *onward.Plan) {
			p.Steps[0].Files, p.Steps[1].Files, p.Steps[2].Ran, p.Steps[3].Files = inFile, inFile, true, inFile
		}, false, true, "The new code may be deployed after the files of plan r." + waits},
		{"filled and run", func(p *onward.Plan) {
			p.Steps[0].Files, p.Steps[1].Files, p.Steps[2].Ran, p.Steps[3].Files = inFile, inFile, true, inFile
		}, true, true, "The new code may be deployed." + waits},
		{"contract", func(p *onward.Plan) {
			for i := range p.Steps {
				p.Steps[i].Files = inFile
			}
		}, true, true, "The new code may be deployed." + gone},
		{"no contract", func(p *onward.Plan) {
			p.Steps = p.Steps[:1]
			p.Steps[0].Files = inFile
		}, false, true, "The new code may be deployed after the files of plan r."},
	} {
		p := renameColumn()
		p.Name = "r"
		c.change(p)
		if r := readiness.JudgeWritten(p, c.ran); r.NewCode != c.fresh || r.Text != c.text {
			t.Errorf("JudgeWritten, %s: got %+v, want new code %t, text %q", c.name, r, c.fresh, c.text)
		}
	}
}

func TestJudgePlan(t *testing.T) {
	t.Parallel()
	r := readiness.JudgePlan(renameColumn())
	if r.DeployAfter != "04-backfill" || r.GoneBefore != "06-contract" || r.NextStep != "01-expand" {
		t.Errorf("JudgePlan of a renamed column = %+v, want deploy after 04-backfill, gone before 06-contract, next 01-expand", r)
	}
	contractOnly := &onward.Plan{Base: "v1", Steps: []onward.PlanStep{{ID: "01-contract", Phase: onward.Contract}}}
	if r := readiness.JudgePlan(contractOnly); !r.NewCode || r.Text != "The new code may be deployed. 01-contract must wait until no process of v1 is left." {
		t.Errorf("JudgePlan of a contract alone = %+v, want that the new code may be deployed", r)
	}
}

// A table or column is gone that the contract would drop: the old code fails. The new code works if all is filled, and no trigger of the plan fails its writes.
func TestDamage(t *testing.T) {
	t.Parallel()
	const (
		lost = " No process of v1 may run any more: users.name is gone."
		tool = " Until the plan is closed, do not run your migration tool on this database: it would run 00002_rename, which the plan replaces."
	)
	for _, c := range []struct {
		done       int
		writesFail bool
		state      onward.ApplyState
		fresh, mg  bool
		text       string
	}{
		{4, true, onward.ApplyRunning, false, false, "The new code must not be deployed: the plan cannot go on." + lost + tool},
		{4, false, onward.ApplyRunning, true, false, "The new code may be deployed." + lost + tool},
		{3, false, onward.ApplyRunning, false, false, "The new code must not be deployed: the plan cannot go on." + lost + tool},
		{4, false, onward.ApplyAbandoned, true, true, closed + "may be deployed." + lost},
		{2, false, onward.ApplyAbandoned, false, true, closed + "must not be deployed: 03-backfill is not done." + lost},
	} {
		p := renameColumn()
		damage := readiness.Damage{Gone: []string{"users.name"}, WritesFail: c.writesFail}
		r := readiness.JudgeApplied(p, "p1", c.state, damage, func(id string) bool {
			return slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.ID == id }) < c.done
		})
		if r.NewCode != c.fresh || r.OldCode || r.Migrate != c.mg || r.Text != c.text {
			t.Errorf("%d steps, %s: %+v", c.done, c.state, r)
		}
	}
}

// The trigger that --forget removed does not count as a step that the new code waits for.
func TestForgottenTrigger(t *testing.T) {
	t.Parallel()
	p := renameColumn()
	p.Steps[0].Undo = "DROP TRIGGER IF EXISTS x ON users; DROP FUNCTION IF EXISTS x()"
	r := readiness.JudgeApplied(p, "p1", onward.ApplyAbandoned, readiness.Damage{Gone: []string{"users.name"}}, func(id string) bool {
		return id != "01-expand" && id < "05"
	})
	if !r.NewCode || r.OldCode {
		t.Errorf("JudgeApplied without the trigger = %+v, want new code true, old code false", r)
	}
}

// judgeDone judges the plan of which the first steps are done.
func judgeDone(steps int, state onward.ApplyState) *onward.Readiness {
	p := renameColumn()
	return readiness.JudgeApplied(p, "p1", state, readiness.Damage{}, func(id string) bool {
		return slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.ID == id }) < steps
	})
}

// The pending files of a release on many targets serve the new code when all of them have run these.
func TestJudgeTargets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		done    int
		missing []string
		fresh   bool
		text    string
	}{
		{2, nil, false, "The new code must wait for 04-backfill; the next step is 03-backfill." + waits + noTool},
		{4, nil, true, "The new code may be deployed." + waits + noTool},
		{4, []string{"a", "b"}, false, "The new code must wait for 04-backfill on 2 targets: a, b." + waits},
		{6, []string{"a"}, true, "The new code may be deployed." + gone + noTool},
	} {
		if r := readiness.JudgeTargets(judgeDone(c.done, onward.ApplyRunning), c.missing); r.NewCode != c.fresh || r.Text != c.text {
			t.Errorf("JudgeTargets, %d steps done, missing on %q: got %+v, want new code %t, text %q", c.done, c.missing, r, c.fresh, c.text)
		}
	}
}

// A plan in different states on its targets has an answer for each state, the worst first.
func TestJudgeEach(t *testing.T) {
	t.Parallel()
	target := func(name string, done int, state onward.ApplyState) readiness.Target {
		return readiness.Target{Name: name, Readiness: judgeDone(done, state)}
	}
	ready := target("a", 4, onward.ApplyRunning)
	for _, c := range []struct {
		targets    []readiness.Target
		fresh, old bool
		text       string
	}{
		{[]readiness.Target{ready}, true, true, "The new code may be deployed." + waits + noTool},
		{[]readiness.Target{ready, target("b", 4, onward.ApplyRunning)}, true, true, "The new code may be deployed." + waits + noTool},
		{[]readiness.Target{ready, target("b", 3, onward.ApplyRunning), target("c", 3, onward.ApplyRunning)}, false, true,
			"On 2 of 3 targets (b, c): The new code must wait for 04-backfill. On all targets:" + waits + noTool},
		{[]readiness.Target{ready, target("b", 6, onward.ApplyRunning)}, true, false,
			"On 1 of 2 targets (b):" + gone + " On 1 of 2 targets (a):" + waits + " On all targets: The new code may be deployed." + noTool},
		{[]readiness.Target{ready, target("b", 1, onward.ApplyRunning), target("c", 3, onward.ApplyRunning), target("d", 0, onward.ApplyRunning),
			target("e", 6, onward.ApplyRunning)}, false, false, ""},
	} {
		r := readiness.JudgeEach(c.targets, "target")
		if r.NewCode != c.fresh || r.OldCode != c.old || c.text != "" && r.Text != c.text {
			t.Errorf("JudgeEach, %d targets: got %+v, want new code %t, old code %t, text %q", len(c.targets), r, c.fresh, c.old, c.text)
		}
		if c.text == "" && (!strings.HasPrefix(r.Text, "On 1 of 5 targets (d): The new code must") ||
			!strings.HasSuffix(r.Text, " On 2 of 5 targets: other answers. On all targets:"+noTool)) {
			t.Errorf("JudgeEach, %d targets: got %+v, want the answer of d and a count of the others", len(c.targets), r)
		}
	}
}
