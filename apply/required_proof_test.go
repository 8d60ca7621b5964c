package apply_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// markProven marks a sketch as onward plan marks a plan that it proved. The tests of package plan prove such plans on servers. A
// proof in each test here would take seconds, and show nothing about apply.
func markProven(t testing.TB, p *onward.Plan) *onward.Plan {
	t.Helper()
	g := onward.PlanGroup{Proven: true}
	for i := range p.Steps {
		g.Steps = append(g.Steps, p.Steps[i].ID)
	}
	p.Proof.Proven, p.Proof.Groups = true, []onward.PlanGroup{g}
	var err error
	if p.Digest, err = ledger.PlanDigest(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// copyOf is a copy of a plan, through JSON that was formatted in another way: with other spaces, and its keys sorted.
func copyOf(t testing.TB, p *onward.Plan) *onward.Plan {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var sorted map[string]any
	if err := json.Unmarshal(text, &sorted); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(" ", "\t")
	if err := e.Encode(sorted); err != nil {
		t.Fatal(err)
	}
	out := &onward.Plan{}
	if err := json.Unmarshal(b.Bytes(), out); err != nil {
		t.Fatal(err)
	}
	return out
}

// A plan runs only if it was proven and nobody changed it since. A refused plan leaves nothing but the ledger. A reason
// overrides that, and the audit trail keeps it.
func TestProofRequired(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	original := planned(t, base, "ALTER TABLE orders ADD COLUMN more text;\nALTER TABLE orders RENAME COLUMN note TO remark;")
	refused := new(apply.RefusedError)
	for name, c := range map[string]struct {
		change func(p *onward.Plan)
		says   string
	}{
		"the proof failed": {func(p *onward.Plan) {
			p.Proof.Checks = append(p.Proof.Checks, onward.PlanCheck{Name: "abort before the first contract step restores the schema"})
			markProven(t, p)
			p.Proof.Proven, p.Proof.Groups[0].Proven = false, false
			p.Digest, _ = ledger.PlanDigest(p)
		}, "its proof failed (abort before the first contract step restores the schema), for 01-expand"},
		"no proof": {func(p *onward.Plan) {
			p.Proof = onward.PlanProof{Checks: []onward.PlanCheck{}, Missing: []string{}}
			p.Digest, _ = ledger.PlanDigest(p)
		}, "its proof is missing"},
		"one step was not tried": {func(p *onward.Plan) {
			p.Proof.Groups[0].Steps = p.Proof.Groups[0].Steps[1:]
			p.Digest, _ = ledger.PlanDigest(p)
		}, "its proof is missing, for 01-expand"},
		"no rows were compared": {func(p *onward.Plan) {
			p.Proof.Rows = "the unchanged migrations fail on made-up rows: division by zero (22012)"
			p.Digest, _ = ledger.PlanDigest(p)
		}, "its proof compared no rows, and a backfill writes some (the unchanged migrations fail on made-up rows: division by zero (22012)). " +
			"Nothing was changed. Try the plan on a copy of the data, or run it as it is with --unproven"},
		"no digest":                       {func(p *onward.Plan) { p.Digest = "" }, "it has no digest"},
		"an edited statement":             {func(p *onward.Plan) { p.Steps[0].SQL += "-- by hand\n" }, "it was changed after it was made"},
		"an edited undo":                  {func(p *onward.Plan) { p.Steps[0].Undo = "SELECT 1" }, "it was changed after it was made"},
		"an edited lock":                  {func(p *onward.Plan) { p.Steps[0].Effects[0].Lock = onward.AccessShareLock }, "it was changed after it was made"},
		"an edited migration":             {func(p *onward.Plan) { p.Migrations[0].Hash = "0" }, "it was changed after it was made"},
		"an edited proof":                 {func(p *onward.Plan) { p.Proof.Checks[0].OK = !p.Proof.Checks[0].OK }, "it was changed after it was made"},
		"steps in another order":          {func(p *onward.Plan) { slices.Reverse(p.Steps) }, "it was changed after it was made"},
		"a file for another tool's table": {func(p *onward.Plan) { p.Steps[0].Record = "SELECT 1" }, ""},
		"written as migrations":           {func(p *onward.Plan) { p.Dir = "db" }, "written as migrations (in db)"},
	} {
		p := copyOf(t, original)
		c.change(p)
		_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p})
		if wrong := new(config.InputError); c.says == "" && errors.As(err, &wrong) && strings.Contains(err.Error(), "only onward apply adds") {
			continue
		}
		if !errors.As(err, &refused) || !strings.Contains(refused.Text, c.says) || !strings.Contains(refused.Text, "Nothing was changed") {
			t.Errorf("%s: apply = %v, want a refusal with %q", name, err, c.says)
		}
	}
	if list := content(t, db, "SELECT id FROM onward_ledger.plan UNION ALL SELECT id FROM onward_ledger.step"); len(list) > 0 {
		t.Errorf("the ledger has %q", list)
	}
	p := copyOf(t, original) // reformatted
	if r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, To: "01-expand"}); err != nil || r.Steps[0].State != onward.ApplyDone {
		t.Fatalf("a reformatted plan: %+v %v", r, err)
	}
	p = copyOf(t, original)
	p.Steps[1].Undo = "SELECT 1" // what was begun is what goes on
	if _, err := apply.Run(t.Context(), apply.Config{
		DB:   db,
		Plan: p,
	}); !errors.As(err, &refused) || !strings.Contains(refused.Text, "another plan for the same migrations") {
		t.Errorf("a plan whose undo was changed after it was begun: %v", err)
	}

	other := pgservertest.Database(t, onward.NewestMajor)
	run(t, other, base, rows)
	p = copyOf(t, original)
	p.Digest = ""
	c := apply.Config{DB: other, Plan: p, To: "01-expand", Unproven: "read by two of us"}
	if r, err := apply.Run(t.Context(), c); err != nil || r.Steps[0].State != onward.ApplyDone {
		t.Fatalf("with a reason: %+v %v", r, err)
	}
	c.Unproven, c.To = "", "" // it was begun
	if r, err := apply.Run(t.Context(), c); err != nil || r.Steps[1].State != onward.ApplyDone {
		t.Errorf("goes on: %+v %v", r, err)
	}
	log := content(t, other, "SELECT event || ': ' || detail FROM onward_ledger.log WHERE event LIKE 'unproven%'")
	if !slices.Equal(log, []string{"unproven plan accepted: read by two of us"}) {
		t.Errorf("the audit trail has %q", log)
	}
}

// Each statement is judged by the class of its step, with a reason or without, before anything runs; and again when its step
// runs, because somebody may have changed the plan in the ledger.
func TestStatementsJudged(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	original := planned(t, base, "ALTER TABLE orders ADD COLUMN more text;\nCREATE INDEX orders_note_idx ON orders (note);\n"+
		"ALTER TABLE orders ADD CONSTRAINT small CHECK (amount < 1000000);\nALTER TABLE orders RENAME COLUMN note TO remark;")
	stepByClass := map[onward.StepClass]int{}
	for i := range original.Steps {
		if _, seen := stepByClass[original.Steps[i].Class]; !seen {
			stepByClass[original.Steps[i].Class] = i
		}
	}
	trace := filepath.Join(os.TempDir(), "onward-judged-"+filepath.Base(db))
	program := "COPY (SELECT 1) TO PROGRAM 'touch " + trace + "';"
	refused := new(apply.RefusedError)
	for _, c := range []struct {
		class onward.StepClass
		sql   string
		says  string
	}{
		{onward.StepDDL, program, "starts a program on the server"},
		{
			onward.StepDDL,
			"BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE orders ADD COLUMN more text; " + program + " COMMIT;",
			"its statement 4 starts a program",
		},
		{onward.StepDDL, "ALTER SYSTEM SET work_mem = '1GB';", "changes a setting of the whole server"},
		{onward.StepDDL, "DO $$ BEGIN PERFORM 1; END $$;", "runs a block of code"},
		{onward.StepDDL, "CALL tidy();", "calls a procedure"},
		{onward.StepDDL, "EXECUTE tidy;", "was prepared before"},
		{onward.StepDDL, "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1';", "a language that is not trusted (plpython3u)"},
		{onward.StepDDL, "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/x.so', 'f';", "did not come with the server"},
		{onward.StepDDL, "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN " + program + " END $$;", "starts a program on the server"},
		{
			onward.StepDDL,
			"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'COPY t TO PROGRAM ' || quote_literal('x'); END $$;",
			"starts a program on the server",
		},
		{onward.StepDDL, "SELECT pg_terminate_backend(1);", "ends other sessions"},
		{onward.StepDDL, "SELECT dblink_exec('host=x', 'DROP TABLE t');", "reaches another database"},
		{onward.StepDDL, "SET ROLE postgres;", "becomes another role"},
		{onward.StepDDL, "SET LOCAL statement_timeout = 0;", "changes a setting that onward decides"},
		{onward.StepDDL, "ALTER TABLE orders ADD COLUMN more text; COMMIT; SELECT 1;", "ends or divides the transaction"},
		{onward.StepDDL, "ALTER TABLE orders ADD COLUMN (;", "its statement 1 cannot be read"},
		{onward.StepValidate, "ALTER TABLE orders ALTER COLUMN amount TYPE bigint;", "does more than to validate"},
		{onward.StepConcurrent, "CREATE INDEX orders_note_idx ON orders (note);", "makes others wait"},
		{onward.StepConcurrent, "ALTER SYSTEM SET work_mem = '1GB';", "changes a setting of the whole server"},
		{onward.StepBackfill, "UPDATE orders SET remark = note;", "is not a batch of a backfill"},
		{onward.StepBackfill, "SELECT 1; SELECT 2;", "a backfill is one statement"},
		{"other", "SELECT 1;", ""},
	} {
		p := copyOf(t, original)
		s := &p.Steps[stepByClass[c.class]]
		s.SQL = c.sql
		if c.says == "" {
			s.Class = c.class
		}
		if _, err := apply.Run(t.Context(), apply.Config{
			DB:       db,
			Plan:     p,
			Unproven: "for a test",
		}); !errors.As(err, &refused) || refused.Step != s.ID || !strings.Contains(refused.Text, c.says) {
			t.Errorf("%s: apply = %v, want a refusal of %s with %q", c.sql, err, s.ID, c.says)
		}
	}
	backfill := stepByClass[onward.StepBackfill]
	for name, change := range map[string]func(p *onward.Plan){
		"check":     func(p *onward.Plan) { p.Steps[0].Check = strings.TrimSuffix(program, ";") },
		"two":       func(p *onward.Plan) { p.Steps[0].Check = "SELECT 1; " + program },
		"undo":      func(p *onward.Plan) { p.Steps[0].Undo = program },
		"work":      func(p *onward.Plan) { p.Steps[backfill].Backfill.Work = "SELECT 1; " + program },
		"condition": func(p *onward.Plan) { p.Steps[backfill].Backfill.Compare[0].Wrong = "true; " + program },
		"mend":      func(p *onward.Plan) { p.Steps[backfill].Backfill.Compare[0].Mend = program },
		"table":     func(p *onward.Plan) { p.Steps[backfill].Backfill.Compare[0].Table = "orders AS t; " + program + " --" },
		"repeat":    func(p *onward.Plan) { p.Steps[stepByClass[onward.StepDDL]].Repeat = true },
		"alone":     func(p *onward.Plan) { p.Steps[stepByClass[onward.StepDDL]].Transaction = onward.TransactionNone },
	} {
		p := copyOf(t, original)
		change(p)
		if _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Unproven: "for a test"}); !errors.As(err, &refused) {
			t.Errorf("a program in %s: apply = %v, want a refusal", name, err)
		}
	}
	if list := content(t, db, "SELECT id FROM onward_ledger.plan"); len(list) > 0 {
		t.Fatalf("the ledger has %q", list)
	}

	var events teller
	if r, err := apply.Run(t.Context(), apply.Config{
		DB:   db,
		Plan: original,
		To:   original.Steps[0].ID,
		Tell: events.tell,
	}); err != nil || !events.has(apply.Sends, "ALTER TABLE orders ADD COLUMN more text") {
		t.Fatalf("apply the first step = %+v, %v, want its SQL as an event; events: %+v", r, err, events.list)
	}
	changeStoredPlan(t, db, func(p *onward.Plan) { p.Steps[1].SQL = program })
	if _, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Expand}, ""); !errors.As(err, &refused) || refused.Step != original.Steps[1].ID {
		t.Errorf("a plan that was changed in the ledger: %v", err)
	}
	if _, err := os.Stat(trace); err == nil {
		t.Error("a program was started")
	}

	// Postgres itself marks these languages as trusted, and neither c nor internal.
	if got := content(t, db, "SELECT lanname::text FROM pg_language WHERE lanpltrusted ORDER BY lanname"); !slices.Equal(got, []string{"plpgsql", "sql"}) {
		t.Errorf("the trusted languages are %q, want plpgsql and sql", got)
	}
	// As part of class work such statements run.
	other := pgservertest.Database(t, onward.NewestMajor)
	run(t, other, base, rows)
	p := copyOf(t, original)
	p.Steps[0].Class, p.Steps[0].SQL = onward.StepWork, "DO $$ BEGIN ALTER TABLE orders ADD COLUMN more text; END $$;"
	if r, err := apply.Run(t.Context(), apply.Config{
		DB:       other,
		Plan:     p,
		To:       p.Steps[0].ID,
		Unproven: "for a test",
	}); err != nil || r.Steps[0].State != onward.ApplyDone {
		t.Errorf("a DO block of class work = %+v, %v, want it done", r, err)
	}
}

// changeStoredPlan changes the plan in the ledger, and its digest.
func changeStoredPlan(t *testing.T, db string, change func(p *onward.Plan)) {
	t.Helper()
	var p onward.Plan
	err := json.Unmarshal([]byte(content(t, db, "SELECT plan::text FROM onward_ledger.plan")[0]), &p)
	if err == nil {
		change(&p)
		p.Digest, err = ledger.PlanDigest(&p)
	}
	text, failed := json.Marshal(p)
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	run(t, db, "UPDATE onward_ledger.plan SET plan = $changed$"+string(text)+"$changed$::jsonb")
}
