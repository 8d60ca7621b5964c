package audit

import (
	"strings"
	"testing"
)

// A foreign key to a table that nothing creates is a condition of the verdict. The table of the migration tool, which a migration
// changes, and a class that would have a table of that name change nothing about it.
func TestUnmadeRelation(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code string
		want bool
	}{
		"nothing uses it":      {"package store\n", true},
		"a class":              {"package store\n\ntype GitInstance struct {\n\tID int64 `db:\"id\"`\n\tKey string `db:\"key\"`\n}\n", true},
		"a query that uses it": {"package store\n\nconst q = `SELECT id, key FROM git_instances WHERE id = $1`\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t,
				"-- go.mod --\nmodule m\n\nrequire maragu.dev/migrate v0.6.0\n-- db/migrations/0_key.up.sql --\nALTER TABLE migrations ADD PRIMARY KEY (version);\n"+
					"-- db/migrations/1_a.up.sql --\nCREATE TABLE a (id bigint PRIMARY KEY, key text);\n-- store/a.go --\n"+tt.code,
				"-- db/migrations/2_b.up.sql --\nCREATE TABLE b (id bigint PRIMARY KEY, instance bigint REFERENCES git_instances (id));\n"), Base: "main"})
			if got := strings.Contains(r.Summary.Verdict, "git_instances"); got != tt.want {
				t.Errorf("the verdict is %q, want git_instances in it: %v; findings: %+v", r.Summary.Verdict, tt.want, r.Findings)
			}
		})
	}
}

// So is a type that nothing creates: the finding is a warning, and the verdict names it.
func TestUnmadeType(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, "-- migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY);\n",
		"-- migrations/00002_b.sql --\n-- +goose Up\nCREATE TABLE b (id bigint PRIMARY KEY, state task_state);\n"), Base: "main"})
	if !strings.Contains(r.Summary.Verdict, "if task_state, which no migration creates, exists") {
		t.Errorf("the verdict is %q, want task_state in it; findings: %+v", r.Summary.Verdict, r.Findings)
	}
}

// The table in which a tool records its migrations is small.
func TestWorkOnToolsTable(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t,
		"-- go.mod --\nmodule m\n\nrequire maragu.dev/migrate v0.6.0\n-- db/migrations/1_a.up.sql --\nCREATE TABLE a (id bigint PRIMARY KEY);\n",
		"-- db/migrations/2_key.up.sql --\nALTER TABLE migrations ADD PRIMARY KEY (version);\n"), Base: "main"})
	if r.Summary.Errors > 0 {
		t.Errorf("the findings are %+v, want no error", r.Findings)
	}
}
