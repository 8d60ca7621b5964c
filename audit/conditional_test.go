package audit

import (
	"fmt"
	"strings"
	"testing"
)

// A template with a condition is judged both ways.
func TestConditional(t *testing.T) {
	t.Parallel()
	const base = "-- go.mod --\nmodule shop\n\nrequire github.com/pressly/goose/v3 v3.24.0\n-- db/migrations/00001_a.sql --\n-- +goose Up\n" +
		"CREATE TABLE t (id bigint PRIMARY KEY, a int);\n-- store.go --\npackage store\n\nconst q = `INSERT INTO t (id) VALUES ($1)`\n"
	const head = "-- db/migrations/00002_b.sql --\n-- +goose NO TRANSACTION\n-- +goose Up\n"
	for _, tt := range []struct{ up, want string }{
		{
			"CREATE INDEX {{ if .Concurrently }}CONCURRENTLY {{ end }}t_a ON t (a);",
			"warning :3 this file is read as if the conditions of its template hold: if they do not, creating index t_a blocks writes to t",
		},
		{
			"CREATE INDEX {{- if .Concurrently }} CONCURRENTLY{{ else }} /* {{ if .Why }}it may{{ end }} */{{ end }} t_a ON t (a);",
			"warning :3 this file is read as if the conditions of its template hold: if they do not, creating index t_a blocks writes to t",
		},
		{
			"CREATE INDEX {{ if .Slow }}{{ else }}CONCURRENTLY {{ end }}t_a ON t (a);",
			"info :3 this file is read as if the conditions of its template hold: if they do not, index-create-blocking at :3 is no error",
		},
		{
			"ALTER TABLE t ADD COLUMN b int NOT NULL{{ if .Easy }} DEFAULT 0{{ end }};",
			"warning :3 this file is read as if the conditions of its template hold: if they do not, column b is added to t as NOT NULL without a default",
		},
		{"CREATE INDEX CONCURRENTLY t_a ON t (a){{ if .Some }} WHERE a > 0{{ end }};", ""},
		{"CREATE TABLE {{ if .Temporary }}b{{ else }}c{{ end }} (id int);", ""},
	} {
		r := changelog0(t, Config{Dir: repository(t, base, head+tt.up+"\n"), Base: "main"})
		got, conditions := "", strings.Join(r.Summary.Conditions, "; ")
		if strings.HasPrefix(tt.want, "warning") && r.Summary.Errors == 0 && !strings.Contains(conditions, "the conditions of the templates in db/migrations hold") {
			t.Errorf("%s: safe if %q", tt.up, conditions)
		}
		for _, f := range r.Findings {
			if f.Rule == "transaction-runner-assumed" {
				got = fmt.Sprintf("%s :%d %s", f.Severity, f.Line, f.Fact)
			}
		}
		if got != tt.want && !(tt.want != "" && strings.HasPrefix(got, tt.want)) {
			t.Errorf("%s\n%q, want %q", tt.up, got, tt.want)
			for _, f := range r.Findings {
				t.Log(f.Severity, f.Rule, f.Fact)
			}
		}
		if len(r.Opaque) > 0 {
			t.Errorf("%s: the unread parts are %+v, want none", tt.up, r.Opaque)
		}
	}
}
