package deployed

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
)

func TestWhatIsNoCode(t *testing.T) {
	t.Parallel()
	u := &Code{migrations: map[string]bool{"db/up": true}}
	for file, want := range map[string]bool{
		"db/up/1.sql": true, "db/up/meta/1_snapshot.json": true, "db/up/run/run.go": false, "db/structure.sql": true, "sql/schema/core.sql": true, ".env.template": true, ".idea/x.xml": true, ".cursor/rules/a.mdc": true,
		"infra/main.tf": true, "a_test.go": true, "Cargo.toml": true, "docs/a.py": true, "fix.patch": true,
		"internal/sqltest/initdb.d/1.sql": true, "app/testing/a.py": false,
		"apps/documentation/pages/a.mdx": true, "ui/button.stories.tsx": true, "store/mysql/users.go": true, "db/src/1_a.up.sql": true, "store/postgres/users.go": false, "queries/up.sql": false,
		"gen/api/memo.pb.go": true, "gen/memo_pb2.py": true, "main.go": false, ".sqlx/query-1.json": false, "queries/users.sql": false, "schema/users.go": false, "app/schema.graphql": false,
	} {
		if got := u.IsNotCode(file); got != want {
			t.Errorf("IsNotCode(%q) = %t, want %t", file, got, want)
		}
	}
}

func TestDeclares(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`models.UniqueConstraint(fields=["a"], name="u_a")`:  true,
		`fields=["host", "port"], name="u_a"`:                true,
		`name="u_a",`:                                        true,
		`@UniqueConstraint(name = "u_a", columnNames = "a")`: true,
		"uniqueIndex('u_a').on(t.a)":                         true,
		"Email string `gorm:\"uniqueIndex:u_a\"`":            true,
		`export const uA = pgEnum('u_a', ['x'])`:             true,
		"enum u_a {":                                         true,
		`foreignKeyName: "u_a"`:                              true,
		`Symbol:     "u_a",`:                                 true,
		`name: "u_a",`:                                       true,
		`if (e.name: "u_a") {`:                               false,
		`"u_a": "is taken",`:                                 false,
		`if (error.constraint === "u_a") {`:                  false,
		"role u_a":                                           false,
		`if e.diag.constraint_name == "u_a":`:                false,
		`@Table(name = "u_a")`:                               false,
		`|> unique_constraint(:email, name: "u_a")`:          false,
		`if pgerr.ViolatesConstraint(err, "u_a") {`:          false, `.OnConstraint("u_a")`: false,
		`case "u_a": return ErrTaken // the uniqueIndex("other")`: false,
		`.on_conflict_on_constraint("u_a")`:                       false,
	} {
		if got := isDeclarationLine("a.py", text, "u_a"); got != want {
			t.Errorf("isDeclarationLine(%q) = %t, want %t", text, got, want)
		}
	}
}

// Of the places that have a column's name, those that a reader would look at come first.
func TestMentionsAreWeighed(t *testing.T) {
	t.Parallel()
	mentionAt := func(path string, line int, text string) mention {
		return mention{Mention: mentions.Mention{Word: "state", Line: line}, path: path, text: text}
	}
	table := []index.Use{{Path: "all.go", Line: 1}, {Path: "orders.go", Line: 100}}
	for _, c := range []struct {
		name   string
		found  []mention
		places []string
	}{
		{"beside the table", []mention{mentionAt("a.go", 1, "state"), mentionAt("orders.go", 7, "state"), mentionAt("orders.go", 99, "state")},
			[]string{"orders.go:99", "orders.go:7"}},
		{"in the line of the table", []mention{mentionAt("orders.go", 99, "state"), mentionAt("orders.go", 100, "orders, state")},
			[]string{"orders.go:100", "orders.go:99"}},
		{"before data in a text", []mention{mentionAt("all.go", 2, `"{\"state\": 1}"`), mentionAt("all.go", 90, "state")}, []string{"all.go:90", "all.go:2"}},
		{
			"no more than three",
			[]mention{mentionAt("all.go", 2, "state"), mentionAt("all.go", 3, "state"), mentionAt("all.go", 4, "state"), mentionAt("all.go", 5, "state")},
			[]string{"all.go:2", "all.go:3", "all.go:4"},
		},
		{"each line once", []mention{mentionAt("all.go", 2, "state"), mentionAt("all.go", 2, "state")}, []string{"all.go:2"}},
		{"nothing", nil, nil},
	} {
		var places []string
		for _, e := range about("orders", "state").selectBestMentions(c.found, table) {
			places = append(places, fmt.Sprintf("%s:%d", e.Path, e.Line))
		}
		if diff := cmp.Diff(c.places, places); diff != "" {
			t.Errorf("selectBestMentions, %s (-want +got):\n%s", c.name, diff)
		}
	}
	for text, want := range map[string]int{`path = strings.Join(parts, "/")`: rankWord, "q.Where(path)": 0, `x.path()`: 1, `{path: p}`: 1, `path of x`: rankWord} {
		if got := rankMention(&mention{Mention: mentions.Mention{Word: "path"}, text: text}); got != want {
			t.Errorf("rankMention of path in %q = %d, want %d", text, got, want)
		}
	}
}
