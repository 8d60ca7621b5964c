package apply_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A trigger that was disabled for a while is noticed. Missing values are repaired. Differences that either side may have caused
// are reported and left alone. Nothing is dropped before a pass over all rows has found them right.
func TestVerify(t *testing.T) {
	t.Parallel()
	db, p := filling(t)
	r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	list, err := apply.Status(t.Context(), db)
	b := backfillOf(t, p)
	if err != nil || list[0].Steps[b].Verified == nil || list[0].Steps[b].Compared != 6000 {
		t.Fatalf("apply.Status = %+v, %v, want 6000 rows compared", list, err)
	}
	trigger := p.Steps[b].Backfill.Triggers[0]
	run(t, db, "ALTER TABLE orders DISABLE TRIGGER "+trigger)
	refused := new(apply.RefusedError)
	for name, f := range map[string]func() error{
		"contract": func() error {
			_, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, "")
			return err
		},
		"verify": func() error { _, err := apply.Verify(t.Context(), apply.Config{DB: db}, ""); return err },
	} {
		if err := f(); !errors.As(err, &refused) || !strings.Contains(err.Error(), "missing or disabled") {
			t.Errorf("%s with its trigger disabled: %v", name, err)
		}
	}
	run(t, db, "UPDATE orders SET remark = NULL WHERE id % 1000 = 0", "UPDATE orders SET note = 'secret' WHERE id IN (17, 5017)",
		"ALTER TABLE orders ENABLE ALWAYS TRIGGER "+trigger)
	if _, err := apply.Continue(t.Context(), apply.Config{
		DB:      db,
		Through: onward.Contract,
	}, r.Plan); !errors.As(err, &refused) || !strings.Contains(err.Error(), "were changed since those were compared") {
		t.Errorf("contract behind another trigger: %v", err)
	}
	var events teller
	if _, err := apply.Verify(t.Context(), apply.Config{
		DB:   db,
		Tell: events.tell,
	}, ""); !errors.As(err, &refused) || !strings.Contains(refused.Text, "of them: 2, and") ||
		!strings.Contains(refused.Text, "SELECT id FROM orders AS t WHERE") || strings.Contains(err.Error(), "secret") || !events.has(apply.Mended, " of orders") {
		t.Errorf("apply.Verify = %v, want a refusal about 2 rows, without their values; events: %+v", err, events.list)
	}
	query := refused.Text[strings.Index(refused.Text, "SELECT id FROM"):]
	got := content(t, db, strings.Replace(query[:strings.Index(query, ";")], "SELECT id", "SELECT id::text", 1))
	if slices.Sort(got); !cmp.Equal(got, []string{"17", "5017"}) {
		t.Errorf("its query finds %v", got)
	}
	if _, err := apply.Continue(t.Context(), apply.Config{
		DB:      db,
		Through: onward.Contract,
	}, ""); !errors.As(err, &refused) || !strings.Contains(err.Error(), "onward backfill --verify") {
		t.Errorf("contract behind a pass that was not clean: %v", err)
	}
	run(t, db, "UPDATE orders SET note = note || '!' WHERE id IN (17, 5017)")
	if _, err := apply.Verify(t.Context(), apply.Config{DB: db}, ""); err != nil {
		t.Fatal(err)
	}
	if list, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, ""); err != nil || list[0].State != onward.ApplyDone {
		t.Fatalf("the contract = %+v, %v, want it done", list, err)
	}
	if got := content(t, db, "SELECT remark FROM orders WHERE id IN (17, 1000) ORDER BY id"); !cmp.Equal(got, []string{"secret!", "note 1000"}) {
		t.Errorf("orders.remark is %q, want secret! and note 1000", got)
	}
}

// backfillOf is the index of a plan's only backfill.
func backfillOf(t testing.TB, p *onward.Plan) int {
	t.Helper()
	for i := range p.Steps {
		if p.Steps[i].Repeat {
			return i
		}
	}
	t.Fatal("there is no backfill")
	return 0
}

// Rows that a constraint or a trigger protects from changes do not stop a backfill. They stop the steps after it, until they can
// be changed. None of their values is printed.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	db, p := filling(t)
	run(t, db, "ALTER TABLE orders ADD CONSTRAINT tame CHECK (note <> 'note 1' AND note <> 'note 3000') NOT VALID",
		`CREATE FUNCTION bark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.note IN ('note 3001', 'note 6000') THEN RAISE EXCEPTION 'no %', NEW.note; END IF; RETURN NEW; END $$`,
		"CREATE TRIGGER bark BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION bark()")
	var events teller
	r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract, Tell: events.tell})
	refused := new(apply.RefusedError)
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "rows are in quarantine, for their change fails: 4") {
		t.Fatalf("apply with bad rows = %+v, %v, want a refusal with 4 rows in quarantine", r, err)
	}
	b := backfillOf(t, p)
	if s := r.Steps[b]; s.Quarantined != 4 || s.Rows != 6000 || s.Verified != nil ||
		!events.has(apply.Skipped, `violates check constraint "tame" (SQLSTATE 23514)`) || !events.has(apply.Skipped, "SQLSTATE P0001") {
		t.Errorf("the backfill is %+v, want 6000 rows, 4 of them in quarantine; events: %+v", s, events.list)
	}
	if all := fmt.Sprintf("%+v %v %+v", r, err, events.list); strings.Contains(all, "note 3") || strings.Contains(all, "no note") {
		t.Error("a value was told: " + all)
	}
	if got := content(t, db, strings.Replace(r.Steps[b].Find, "SELECT key, code, message", "SELECT key[1] || ' ' || code", 1)+
		" ORDER BY key[1]"); !cmp.Equal(got, []string{
		"1 23514", "3000 23514", "3001 P0001", "6000 P0001",
	}) {
		t.Errorf("its query finds %v", got)
	}
	if got := content(t, db, "SELECT count(*)::text FROM orders WHERE remark IS NULL"); !cmp.Equal(got, []string{"4"}) {
		t.Errorf("%v rows are not filled", got)
	}
	if _, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, ""); !errors.As(err, &refused) {
		t.Error(err)
	}
	// One that is gone, one that can be changed now, one that was changed, and one that is still there.
	run(t, db, "DELETE FROM orders WHERE id = 1", "UPDATE orders SET note = 'tame' WHERE id = 3000", "DROP TRIGGER bark ON orders",
		"CREATE TRIGGER bark BEFORE UPDATE ON orders FOR EACH ROW WHEN (OLD.id = 6000) EXECUTE FUNCTION bark()")
	if _, err := apply.Continue(t.Context(), apply.Config{
		DB:      db,
		Through: onward.Backfill,
	}, ""); !errors.As(err, &refused) || !strings.Contains(refused.Text, "fails: 1.") {
		t.Error(err)
	}
	run(t, db, "DROP TRIGGER bark ON orders", "ALTER TABLE orders DROP CONSTRAINT tame") // the contract would lose the constraint
	if r, err = apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract}); err != nil || r.State != onward.ApplyDone {
		t.Fatalf("the contract = %+v, %v, want it done", r, err)
	}
	if got := content(t, db, "SELECT remark FROM orders WHERE id IN (3000, 3001, 6000) ORDER BY id"); !cmp.Equal(got, []string{"tame", "note 3001", "note 6000"}) {
		t.Errorf("orders.remark is %q, want tame, note 3001 and note 6000", got)
	}
}

// With too many of them the plan is wrong, not the rows.
func TestQuarantineIsFull(t *testing.T) {
	t.Parallel()
	db, p := filling(t)
	run(t, db, "ALTER TABLE orders ADD CONSTRAINT tame CHECK (id > 6000) NOT VALID")
	r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p})
	unfinished := new(apply.UnfinishedError)
	if !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, "100 rows are in quarantine") {
		t.Fatal(err)
	}
	if s := r.Steps[backfillOf(t, p)]; s.Quarantined != 100 || s.Rows != 100 {
		t.Errorf("the backfill is %+v, want its end at 100 rows, all in quarantine", s)
	}
}

// Rows are identified by keys of every kind: filled, skipped, found again and compared, next to columns that the server fills.
func TestKeys(t *testing.T) {
	t.Parallel()
	const n = 1300
	var createSQL, change, filled, poison, check strings.Builder
	tables := []struct{ name, keys, list, values string }{
		{"k_uuid", "id uuid PRIMARY KEY", "id", "md5(n::text)::uuid"},
		{"k_c", `id text COLLATE "C" PRIMARY KEY`, "id", "chr(97 + n % 26) || chr(65 + n % 26) || 'é' || n"},
		{"k_icu", `id text COLLATE "und-x-icu" PRIMARY KEY`, "id", "chr(97 + n % 26) || chr(65 + n % 26) || '''\\' || n"},
		{"k_bytes", "id bytea PRIMARY KEY", "id", "decode(md5(n::text), 'hex')"},
		{"k_two", "a int, b text, PRIMARY KEY (b, a)", "a, b", "n, 'g' || n % 7"},
		{"k_when", "id timestamptz PRIMARY KEY", "id", "timestamptz '2024-01-01 00:00:00.000001+00' + n * interval '1 microsecond'"},
		{"k_number", "id numeric PRIMARY KEY", "id", "n / 7.0"},
		{"k_float", "id float8 PRIMARY KEY", "id", "n / 7.0::float8"},
		{"k_fixed", "id char(8) PRIMARY KEY", "id", "n::text"},
		{`"k Odd"`, `"Id x" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, twice bigint GENERATED ALWAYS AS (7 * 2) STORED`, "", ""},
		{"k_none", "id int PRIMARY KEY", "", ""}, // it has no row
	}
	for _, k := range tables {
		fmt.Fprintf(&createSQL, "CREATE TABLE %s (%s, old text);\n", k.name, k.keys)
		fmt.Fprintf(&change, "ALTER TABLE %s RENAME COLUMN old TO fresh;\n", k.name)
		switch {
		case k.list != "":
			fmt.Fprintf(&filled, "INSERT INTO %s (%s, old) SELECT %s, 'v' || n FROM generate_series(1, %d) AS n;\n", k.name, k.list, k.values, n)
		case k.name != "k_none":
			fmt.Fprintf(&filled, "INSERT INTO %s (old) SELECT 'v' || n FROM generate_series(1, %d) AS n;\n", k.name, n)
		}
		if k.name != "k_none" {
			fmt.Fprintf(&poison, "ALTER TABLE %s ADD CONSTRAINT poison CHECK (old <> 'v700') NOT VALID;\n", k.name)
			fmt.Fprintf(&check, "%sSELECT count(*) || ' ' || count(DISTINCT fresh) FROM %s", map[bool]string{true: " UNION ALL "}[check.Len() > 0], k.name)
		}
	}
	p := planned(t, createSQL.String(), change.String())
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, createSQL.String(), filled.String())
	runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Expand})
	run(t, db, poison.String())
	refused := new(apply.RefusedError)
	for range len(tables) - 1 {
		_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract})
		if !errors.As(err, &refused) || !strings.Contains(refused.Text, "for their change fails: 1.") {
			t.Fatal(err)
		}
		for _, step := range p.Steps {
			if step.ID == refused.Step {
				run(t, db, "ALTER TABLE "+step.Backfill.Table+" DROP CONSTRAINT poison")
			}
		}
	}
	finishPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract})
	for _, got := range content(t, db, check.String()) {
		if got != fmt.Sprintf("%d %[1]d", n) {
			t.Errorf("rows and values: %s", got)
		}
	}
}

// Where row-level security would hide rows from the role, a backfill is refused instead of being of a part of the rows.
func TestRowLevelSecurity(t *testing.T) {
	t.Parallel()
	db, p := filling(t)
	role := "blind_" + strings.ToLower(p.Catalog[:8])
	run(t, db, "CREATE ROLE "+role, "GRANT CREATE, USAGE ON SCHEMA public TO "+
		role, "GRANT ALL ON ALL TABLES IN SCHEMA public, onward TO "+role, "GRANT USAGE ON SCHEMA onward TO "+role,
		"ALTER TABLE orders ENABLE ROW LEVEL SECURITY", "CREATE POLICY few ON orders USING (id < 100)", "UPDATE onward_ledger.plan SET role = '"+role+"'")
	dropAtEnd(t, db, role)
	unfinished := new(apply.UnfinishedError)
	if _, err := apply.Run(t.Context(), apply.Config{
		DB:   db,
		Plan: p,
		Role: role,
	}); !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, "row-level security") {
		t.Error(err)
	}
	if got := filled(t, db); got != "0" {
		t.Errorf("%s rows were passed", got)
	}
}
