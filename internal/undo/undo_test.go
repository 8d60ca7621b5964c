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
			t.Errorf("%s: %q", sql, got)
		}
	}
	p := &onward.Plan{Steps: []onward.PlanStep{{
		SQL:      "WITH x AS (SELECT 1) SELECT 1",
		Backfill: &onward.PlannedBackfill{Work: "UPDATE users AS t SET note = 'x' FROM batch WHERE t.id = batch.onward_key1"},
	}}}
	if got := undo.StayChanged(p)[0]; !cmp.Equal(got, []string{"users.note"}) {
		t.Errorf("%q", got)
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
			t.Errorf("%s: %t", c.sql, got)
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
