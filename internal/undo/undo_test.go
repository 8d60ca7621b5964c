package undo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// What a step changes in tables that were there stays changed; what the plan has added goes.
func TestStayChanged(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		"UPDATE users SET note = 'x', fresh = 1, (a, b) = (1, 2)": {"users.a", "users.b", "users.note"},
		"UPDATE public.users SET note = 'x'":                      {"users.note"},
		"UPDATE app.users SET note = 'x'":                         {"app.users.note"},
		"INSERT INTO users VALUES (1)":                            {"users"},
		"DELETE FROM users; TRUNCATE logs":                        {"logs", "users"},
		"INSERT INTO made VALUES (1)":                             nil,
		"INSERT INTO onward.at VALUES (1)":                        nil,
		"ALTER TABLE users ADD COLUMN more int":                   nil,
	} {
		p := &onward.Plan{Steps: []onward.PlanStep{{SQL: "ALTER TABLE users ADD COLUMN fresh int; CREATE TABLE made (id int)"}, {SQL: sql}}}
		if got := undo.StayChanged(p)[1]; !cmp.Equal(got, want) {
			t.Errorf("StayChanged of %s = %q, want %q", sql, got, want)
		}
	}
	p := &onward.Plan{Steps: []onward.PlanStep{{
		SQL:      "WITH x AS (SELECT 1) SELECT 1",
		Backfill: &onward.PlannedBackfill{Work: "UPDATE users AS t SET note = 'x' FROM batch WHERE t.id = batch.onward_key1"},
	}}}
	if got := undo.StayChanged(p)[0]; !cmp.Equal(got, []string{"users.note"}) {
		t.Errorf("StayChanged of a backfill = %q, want users.note", got)
	}
}

// A step drops something unless each of its statements is known not to.
func TestDrops(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql, undo string
		drops     bool
	}{
		{"BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE a ADD CONSTRAINT c CHECK (v > 0) NOT VALID; COMMIT", "ALTER TABLE a DROP CONSTRAINT c", false},
		{"ALTER TABLE a ADD CONSTRAINT c CHECK (v > 0) NOT VALID", "", true},
		{"ALTER TABLE a VALIDATE CONSTRAINT c", "", false},
		{"ALTER TABLE a ALTER COLUMN v SET NOT NULL; ALTER TABLE a DROP CONSTRAINT mine", "ALTER TABLE a ALTER COLUMN v DROP NOT NULL", false},
		{"ALTER TABLE a DROP CONSTRAINT other", "ALTER TABLE a ADD CONSTRAINT other CHECK (v > 0)", true},
		{"CREATE UNIQUE INDEX CONCURRENTLY x ON a (v)", "DROP INDEX CONCURRENTLY IF EXISTS x", false},
		{"DROP TABLE IF EXISTS onward.at", "", false},
		{"DROP SCHEMA IF EXISTS onward", "", false},
		{"DROP SCHEMA app", "", true},
		{"DROP TABLE onward", "", true},
		{"DROP TABLE onward.at, b", "", true},
		{"ALTER TABLE a DROP COLUMN v", "", true},
		{"DROP INDEX CONCURRENTLY x", "", true},
		{"ALTER TABLE a RENAME TO b", "ALTER TABLE b RENAME TO a", true},
		{"DROP TRIGGER x ON a", "", true},
		{"no SQL", "x", true},
	} {
		p := &onward.Plan{Steps: []onward.PlanStep{
			{SQL: "ALTER TABLE a ADD CONSTRAINT mine CHECK (v IS NOT NULL) NOT VALID"},
			{Phase: onward.Contract, SQL: c.sql, Undo: c.undo},
		}}
		if got := undo.IsIrreversible(p, 1); got != c.drops {
			t.Errorf("IsIrreversible of %s = %t, want %t", c.sql, got, c.drops)
		}
	}
}

// Only columns that the plan adds to an existing table count as filled.
func TestFilledColumns(t *testing.T) {
	t.Parallel()
	p := &onward.Plan{Steps: []onward.PlanStep{
		{SQL: "ALTER TABLE users ADD COLUMN fresh int; CREATE TABLE made (id int); ALTER TABLE made ADD COLUMN more int"},
		{SQL: "SELECT 1", Backfill: &onward.PlannedBackfill{Work: "UPDATE users AS t SET note = 'x', fresh = 1 FROM batch WHERE t.id = batch.onward_key1"}},
		{SQL: "UPDATE made SET more = 1"},
	}}
	for i, want := range [][]string{nil, {"users.fresh"}, nil} {
		if got := undo.FilledColumns(p, i); !cmp.Equal(got, want) {
			t.Errorf("step %d: %q", i, got)
		}
	}
}

// A function that writes a gone table goes with the triggers that call it, and one whose own table is gone goes alone. What names the table otherwise stays.
func TestFindBrokenTriggers(t *testing.T) {
	t.Parallel()
	const made = `CREATE FUNCTION public.back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public."Old" AS t; RETURN NULL; END $$;
CREATE TRIGGER back AFTER INSERT ON fresh FOR EACH ROW EXECUTE FUNCTION public.back();
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "Older" SELECT "Old" FROM app."Old"; RETURN NULL; END $$;
CREATE TRIGGER other AFTER INSERT ON fresh FOR EACH ROW EXECUTE FUNCTION other()`
	const there = `CREATE FUNCTION there() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO copy VALUES (NEW.*); RETURN NULL; END $$;
CREATE TRIGGER there AFTER INSERT ON "Old" FOR EACH ROW EXECUTE FUNCTION there()`
	p := &onward.Plan{Steps: []onward.PlanStep{{ID: "1", SQL: there}, {ID: "2", SQL: made}, {ID: "3", SQL: made}}}
	type found struct {
		Step, SQL string
		Failing   []undo.Trigger
	}
	var got []found
	for _, b := range undo.FindBrokenTriggers(p, []undo.Object{{Table: "Old"}, {Table: "fresh", Column: "x"}}, func(id string) bool { return id < "3" }) {
		got = append(got, found{b.Step.ID, b.DropSQL, b.Failing})
	}
	want := []found{
		{"2", "DROP TRIGGER IF EXISTS back ON fresh;\nDROP FUNCTION IF EXISTS public.back()", []undo.Trigger{{Table: undo.Object{Table: "fresh"}, Name: "back"}}},
		{"1", "DROP FUNCTION IF EXISTS there()", nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
