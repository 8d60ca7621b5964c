package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/config"
)

// A branch that adds a use of a deprecated column is warned from some days before its last day on; one that moves or
// edits a use is not.
func TestNearSunset(t *testing.T) {
	t.Parallel()
	base := strings.Replace(deprecatedBase, "func order(", "const two = \"SELECT nick FROM users\"\n\nfunc order(", 1)
	store := func(text string) string { return "-- store/store.go --\npackage store\n\n" + text + "\n" }
	const (
		one = "const one = \"SELECT id, email FROM users WHERE id = $1\"\n"
		two = "const two = \"SELECT nick FROM users\"\n"
	)
	day := func(d string) time.Time {
		now, err := time.Parse(time.DateOnly, d)
		if err != nil {
			t.Fatal(err)
		}
		return now.Add(12 * time.Hour)
	}
	added := store(one + two + "const three = \"SELECT nick FROM users WHERE id = $1\"")
	for name, tt := range map[string]struct {
		change string
		now    string
		days   int
		want   string
	}{
		"added": {
			added, "2027-01-10", 0,
			"warning store/store.go:5 this branch adds a use of nick of users, which is deprecated and is removed after 2027-02-01, in 22 days",
		},
		"added, and a migration": {
			added + "-- migrations/00003_more.sql --\n-- +goose Up\nCREATE TABLE others (id int PRIMARY KEY);\n", "2027-01-31",
			0,
			"warning store/store.go:5 this branch adds a use of nick of users, which is deprecated and is removed after 2027-02-01, tomorrow",
		},
		"added long before": {added, "2027-01-01", 0, ""},
		"a longer notice": {
			added, "2027-01-01", 40,
			"warning store/store.go:5 this branch adds a use of nick of users, which is deprecated and is removed after 2027-02-01, in 31 days",
		},
		"added too late": {added, "2027-02-02", 0, ""},
		"two in a new file": {
			"-- store/new.go --\npackage store\n\nconst a = \"SELECT nick FROM users WHERE id = 1\"\nconst b = \"UPDATE users SET nick = $1\"\n",
			"2027-01-10", 0, "warning store/new.go:4 this branch adds 2 uses of nick of users",
		},
		"moved to another file": {store(one) + "-- store/other.go --\npackage store\n\n" + two, "2027-01-10", 0, ""},
		"edited":                {store(one + strings.Replace(two, "SELECT nick", "SELECT id, nick", 1)), "2027-01-10", 0, ""},
		"another line":          {store(one + "const more = 1\n" + two), "2027-01-10", 0, ""},
		"of another table":      {store(one + two + "const three = \"SELECT nick FROM people\""), "2027-01-10", 0, ""},
		"only a name": {
			"-- store/new.go --\npackage store\n\nvar order = map[string]string{\"users\": \"nick\"}\n\nfunc read(users []User) string { return users[0].nick }\n",
			"2027-01-10", 0, "info store/new.go:3 this branch may add 2 uses of nick of users",
		},
		"a test":         {"-- store/new_test.go --\npackage store\n\nconst a = \"SELECT nick FROM users WHERE id = 1\"\n", "2027-01-10", 0, ""},
		"nothing":        {"-- README.md --\nx\n", "2027-01-10", 0, ""},
		"another column": {store(one + two + "const three = \"SELECT age FROM users\""), "2027-01-10", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config.Default()
			settings.DeprecationNoticeDays = tt.days
			r := changelog0(t, Config{Dir: repository(t, base, tt.change), Base: "main", Now: day(tt.now), Settings: settings})
			var got []string
			for _, f := range r.Findings {
				if f.Rule == "column-near-sunset" {
					got = append(got, f.Severity.String()+" "+fmt.Sprintf("%s:%d", f.Path, f.Line)+" "+f.Fact)
				}
			}
			if text := strings.Join(got, "\n"); tt.want == "" && text != "" || !strings.HasPrefix(text, tt.want) {
				t.Errorf("found %q, want %q: %v", text, tt.want, found(r))
			}
		})
	}
}
