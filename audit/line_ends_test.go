package audit

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Attributes of git that change the line ends of applied migrations change their checksums.
func TestLineEndsOfAppliedMigrations(t *testing.T) {
	t.Parallel()
	const (
		cargo = "-- Cargo.toml --\n[dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\", \"migrate\"] }\n"
		goose = "-- README --\n\n"
		first = "-- migrations/20260101000000_a.sql --\n-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
		next  = "-- migrations/20260102000000_b.sql --\n-- +goose Up\nCREATE TABLE b (id bigint PRIMARY KEY);\n"
		plain = "-- migrations/20260101000000_a.sql --\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
		later = "-- migrations/20260102000000_b.sql --\nCREATE TABLE b (id bigint PRIMARY KEY);\n"
	)
	for name, tt := range map[string]struct {
		base, head string
		want       []string
	}{
		"another end":    {cargo + plain, later + "-- .gitattributes --\n*.png binary\n*.sql text eol=crlf\n", []string{"warning .gitattributes:2"}},
		"in a directory": {cargo + plain, later + "-- migrations/.gitattributes --\n*.sql eol=crlf\n", []string{"warning migrations/.gitattributes:1"}},
		"it is gone": {
			cargo + plain + "-- .gitattributes --\nmigrations/** eol=crlf\n", later + "-- .gitattributes --\n*.png binary\n",
			[]string{"warning .gitattributes:1"},
		},
		"it was so":           {cargo + plain + "-- .gitattributes --\n*.sql eol=crlf\n", later, nil},
		"the end that it has": {cargo + plain, later + "-- .gitattributes --\n* text=auto eol=lf\n", nil},
		"other files":         {cargo + plain, later + "-- .gitattributes --\n*.bat eol=crlf\n", nil},
		"an exception":        {cargo + plain, later + "-- .gitattributes --\n* eol=crlf\nmigrations/*.sql -text\n", nil},
		"a tool without sums": {goose + first, next + "-- .gitattributes --\n*.sql eol=crlf\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range changelog0(t, Config{Dir: repository(t, tt.base, tt.head), Base: "main"}).Findings {
				if f.Rule == "release-runner-refuses" {
					got = append(got, fmt.Sprintf("%s %s:%d", f.Severity, f.Path, f.Line))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
