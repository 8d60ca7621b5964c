package audit

import (
	"strconv"
	"testing"
)

// A mapper's model that gets a column whose rows a written plan has not filled reads them: each of its queries names the column.
func TestUnfilledModelColumn(t *testing.T) {
	t.Parallel()
	const (
		base = `-- prisma/migrations/migration_lock.toml --
provider = "postgresql"
-- prisma/migrations/1_a/migration.sql --
CREATE TABLE "users" ("id" INTEGER PRIMARY KEY, "name" TEXT);
-- prisma/schema.prisma --
model User {
  id Int @id
  name String?
  @@map("users")
}
`
		plan = `-- prisma/migrations/2_b/migration.sql --
ALTER TABLE "users" ADD COLUMN "full_name" TEXT;
-- onward/plans/rename.json --
{"schema": "onward.plan/1", "name": "rename", "base": "main", "dir": "prisma/migrations", "migrations": [], "steps": [
 {"id": "01-expand", "phase": "expand", "sql": "ALTER TABLE users ADD COLUMN full_name text", "files": [{"path": "prisma/migrations/2_b/migration.sql"}]},
 {"id": "02-backfill", "phase": "backfill", "sql": "SELECT 1", "backfill": {"work": "UPDATE users AS t SET full_name = t.name FROM batch WHERE t.id = batch.onward_key1"}}
]}
`
	)
	for name, c := range map[string]struct {
		model string
		want  string
	}{
		"the model has the column": {"-- prisma/schema.prisma --\nmodel User {\n  id Int @id\n  fullName String? @map(\"full_name\")\n  @@map(\"users\")\n}\n",
			"error release-column-unfilled prisma/schema.prisma:3"},
		"the old model": {"", ""},
	} {
		r := changelog0(t, Config{Dir: repository(t, base, plan+c.model), Base: "main"})
		if len(r.Weakened) != 0 {
			t.Errorf("%s: the weakened settings are %v, want none", name, r.Weakened)
		}
		got := ""
		for _, f := range r.Findings {
			if f.Rule == "release-column-unfilled" {
				got += f.Severity.String() + " " + f.Rule + " " + f.Path + ":" + strconv.Itoa(f.Line)
			}
		}
		if got != c.want || len(r.Summary.Readiness) != 1 || r.Summary.Readiness[0].NewCode {
			t.Errorf("%s: the findings are %q, want %q; the summary: %+v", name, got, c.want, r.Summary)
		}
	}
}

// A branch that says that a step has run by hand is named.
func TestMarkedStep(t *testing.T) {
	t.Parallel()
	plan := func(ran string) string {
		return `-- onward/plans/rename.json --
{"schema": "onward.plan/1", "name": "rename", "base": "main", "dir": "migrations", "migrations": [], "steps": [
 {"id": "01-expand", "phase": "expand", "sql": "ALTER TABLE t ADD COLUMN b int", "files": [{"path": "migrations/2.sql"}]},
 {"id": "02-backfill", "phase": "backfill", "sql": "SELECT 1", "by_hand": "later"` + ran + `}]}
`
	}
	const (
		first  = "-- migrations/1.sql --\nCREATE TABLE t (a int);\n-- migrations/2.sql --\nALTER TABLE t ADD COLUMN b int;\n"
		second = "-- migrations/3.sql --\nSELECT 1;\n"
	)
	const ran = `, "ran": true`
	for name, c := range map[string]struct{ base, head, want string }{
		"in the branch": {"", ran, "plan: rename says that 02-backfill has run"}, "at the base": {ran, ran, ""}, "in no plan": {"", "", ""},
	} {
		for _, trusts := range []bool{false, true} {
			r := changelog0(t, Config{Dir: repository(t, first+plan(c.base), second+plan(c.head)), Base: "main", TrustsBase: trusts})
			got := ""
			for _, w := range r.Weakened {
				got += w.String()
			}
			if got != c.want {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
	}
}
