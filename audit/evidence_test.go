package audit

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
)

func TestEvidenceIsWhatAReaderWouldShow(t *testing.T) {
	t.Parallel()
	hit := func(path string, line int, text string) gitrange.Hit {
		return gitrange.Hit{Path: path, Line: line, Text: text}
	}
	table := []gitrange.Hit{hit("api.json", 3, `"orders"`), {Word: "orders", Path: "store/orders.go", Line: 100, Text: "FROM orders"}, hit("store/all.go", 1, "orders")}
	for _, c := range []struct {
		name   string
		hits   []gitrange.Hit
		used   bool
		places []string
	}{
		{"the line beside the table", []gitrange.Hit{hit("a.go", 1, "state"), hit("store/orders.go", 7, "state"), hit("store/orders.go", 99, "SELECT state")}, true,
			[]string{"store/orders.go:99", "store/orders.go:7"}},
		{"the table's own query before one beside it", []gitrange.Hit{hit("store/orders.go", 99, "SELECT state FROM users"), hit("store/orders.go", 100, "SELECT state FROM orders")}, true,
			[]string{"store/orders.go:100", "store/orders.go:99"}},
		{"code before data", []gitrange.Hit{hit("api.json", 3, `"state"`), hit("store/all.go", 90, "state")}, true, []string{"store/all.go:90", "api.json:3"}},
		{"code before data in a text", []gitrange.Hit{{Word: "state", Path: "store/all.go", Line: 2, Text: `"{\"state\": 1}"`}, {Word: "state", Path: "store/all.go", Line: 90, Text: "state"}}, true, []string{"store/all.go:90", "store/all.go:2"}},
		{"elsewhere, where nothing is nearer", []gitrange.Hit{hit("a.go", 1, "state"), hit("b.yaml", 1, "state:")}, true, []string{"a.go:1"}},
		{"a query before a mere word", []gitrange.Hit{
			{Word: "id", Path: "store/orders.go", Line: 98, Text: "for id := range ids {"}, {Word: "id", Path: "store/orders.go", Line: 80, Text: "SELECT id"},
			{Word: "id", Path: "store/orders.go", Line: 97, Text: `errors.New("the id of an order is missing")`},
		}, true, []string{"store/orders.go:80", "store/orders.go:98"}},
		{"a comment uses nothing", []gitrange.Hit{hit("store/orders.go", 99, "// the state of orders"), hit("x.py", 1, "# state")}, false, nil},
		{"an import uses no column", []gitrange.Hit{
			hit("store/orders.kt", 1, "import org.shop.state.Orders"), hit("store/orders.py", 1, "import state"), hit("store/orders.py", 2, "from shop import state, total"),
			hit("store/orders.ts", 1, `import { state } from "./machine";`), hit("store/orders.java", 1, "package org.shop.state;"), hit("Orders.cs", 1, "using Shop.State;"),
		}, false, nil},
		{"a query of a mapper's XML", []gitrange.Hit{hit("src/OrderMapper.xml", 9, "SELECT state"), hit("a.yaml", 1, "state: x")}, true, []string{"src/OrderMapper.xml:9"}},
		{"an attribute is no comment", []gitrange.Hit{hit("x.rs", 1, `#[column(name = "state")]`)}, true, []string{"x.rs:1"}},
	} {
		got := (&deployedCode{}).weigh(about("orders", "state"), c.hits, table)
		var places []string
		for _, e := range got.Evidence {
			places = append(places, fmt.Sprintf("%s:%d", e.Path, e.Line))
		}
		if diff := cmp.Diff(c.places, places); diff != "" || got.Used != c.used || !got.Known {
			t.Errorf("%s: used %v, known %v\n%s", c.name, got.Used, got.Known, diff)
		}
	}
}

// A column that a line gives to another table which has one is that table's.
func TestEvidenceOfAnotherTablesColumn(t *testing.T) {
	t.Parallel()
	others := map[string]bool{"policies": true}
	for text, want := range map[string]bool{
		`Joins("LEFT JOIN repos ON policies.repo_id = repos.id")`: true,
		`Joins("LEFT JOIN repos ON projects.repo_id = repos.id")`: false,
		`"policies"."repo_id" = ? AND projects.repo_id = ?`:       false,
		`WHERE repo_id = ?`: false,
		`"policies"."repo_id" = ? AND policies.other_repo_id = $1`: true,
	} {
		if got := ofOthers(gitrange.Hit{Word: "repo_id", Text: text}, others); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestEvidenceOfATable(t *testing.T) {
	t.Parallel()
	hit := func(word, path, text string) gitrange.Hit {
		return gitrange.Hit{Word: word, Path: path, Line: 1, Text: text}
	}
	got := (&deployedCode{}).weigh(about("tiers", ""), []gitrange.Hit{
		hit("tier", "a.go", `span("team and tier")`),
		hit("tiers", "0.ts", `title: "Zoom into tiers that need attention",`),
		hit("Tier", "b.go", "type Tier struct {"),
		hit("tiers", "a.go", `import "example.com/shop/tiers"`),
		hit("tiers", "d.go", "package tiers"),
		hit("tiers", "c.go", `const name = "tiers"`),
		hit("tiers", "d.go", `"SELECT id FROM tiers"`),
		hit("tiers", "e.go", `const name = "public.tiers"`),
	}, nil)
	var places []string
	for _, e := range got.Evidence {
		places = append(places, e.Path)
	}
	if diff := cmp.Diff([]string{"e.go", "d.go", "c.go"}, places); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoCode(t *testing.T) {
	t.Parallel()
	u := &deployedCode{migrations: map[string]bool{"db/up": true}}
	for file, want := range map[string]bool{
		"db/up/1.sql": true, "db/up/meta/1_snapshot.json": true, "db/up/run/run.go": false, "db/structure.sql": true, "sql/schema/core.sql": true, ".env.template": true, ".idea/x.xml": true, ".cursor/rules/a.mdc": true,
		"infra/main.tf": true, "a_test.go": true, "Cargo.toml": true, "docs/a.py": true, "fix.patch": true,
		"internal/sqltest/initdb.d/1.sql": true, "app/testing/a.py": false,
		"apps/documentation/pages/a.mdx": true, "ui/button.stories.tsx": true, "store/mysql/users.go": true, "db/src/1_a.up.sql": true, "store/postgres/users.go": false, "queries/up.sql": false,
		"gen/api/memo.pb.go": true, "gen/memo_pb2.py": true, "main.go": false, ".sqlx/query-1.json": false, "queries/users.sql": false, "schema/users.go": false, "app/schema.graphql": false,
	} {
		if got := u.noCode(file); got != want {
			t.Errorf("%s: %v", file, got)
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
		"role u_a":                                           false,
		`if e.diag.constraint_name == "u_a":`:                false,
		`@Table(name = "u_a")`:                               false,
		`|> unique_constraint(:email, name: "u_a")`:          false,
		`if pgerr.ViolatesConstraint(err, "u_a") {`:          false, `.OnConstraint("u_a")`: false,
		`case "u_a": return ErrTaken // the uniqueIndex("other")`: false,
		`.on_conflict_on_constraint("u_a")`:                       false,
	} {
		if got := declares(gitrange.Hit{Word: "u_a", Text: text}); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestLiteral(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`('hospital'), ('host'), ('hosting')`: true, `WHERE host = 'a'`: false, `host`: false, `('host', host)`: false,
	} {
		if got := literal(gitrange.Hit{Word: "host", Path: "a.sql", Text: text}); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if literal(gitrange.Hit{Word: "host", Path: "a.php", Text: "$row['host']"}) {
		t.Error("a key of another language is no value of SQL")
	}
}

func TestProse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`return errors.Errorf("must set the schema or change history id as the target")`: true,
		`errors.Errorf("invalid workspace id %q, my id %q", a, b)`:                       true,
		`errors.Errorf("invalid workspace id %q", id)`:                                   false,
		`q := "SELECT id FROM t LIMIT 1 OFFSET 2"`:                                       false, `"id"`: false, `"a id b c d`: false, `x.id("no such thing here now")`: false,
		`console.log("the id of a row is ${row.id}")`: false, `"not the ident of a row": id`: false, `valid("the id of the row \"a\"")`: true,
		`the id of a row, without quotes`: false, "": false,
		"content: $localize`Tags can be managed by id. They can be created from there.`,": true, `"id of the people from users u" +`: true,
		`"delete from users u where id is null"`: false, `"inner join x on id is null"`: false, `"LEFT JOIN x USING id"`: false,
	} {
		if got := prose(gitrange.Hit{Word: "id", Text: text}); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if prose(gitrange.Hit{Word: "user_id", Text: `"there is no user_id in the row"`}) {
		t.Error("a name with an underscore is one")
	}
}

func TestHyphened(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`tags = ["out-of-service beds"]`: true, `class="service-list"`: true, `"service"`: false, `a - service`: false,
		`b.service -- the service-level`: false, `my_service-x`: false, `services-x`: false, "": false, `service`: false,
	} {
		if got := hyphened(gitrange.Hit{Word: "service", Text: text}); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if hyphened(gitrange.Hit{Text: "a-b"}) {
		t.Error("no word is no part of one")
	}
}

// Where rows are added comes first, then other queries.
func TestLikeness(t *testing.T) {
	t.Parallel()
	q := of(catalog.Name{Name: "orders"}, "")
	last := -1
	for _, text := range []string{`psql.Insert("orders")`, `@Table(name = "orders")`, "orders := 1", `load("orders.proto")`} {
		rank := q.likeness(gitrange.Hit{Word: "orders", Text: text})
		if rank <= last {
			t.Errorf("%s: rank %d", text, rank)
		}
		last = rank
	}
	if got := q.likeness(gitrange.Hit{Word: "orders", Text: `"{\"orders\": []}"`}); got < 3 {
		t.Errorf("data has rank %d", got)
	}
	if got := q.likeness(gitrange.Hit{Word: "orders", Text: "api/orders"}); got < 3 {
		t.Errorf("a path has rank %d", got)
	}
	if got := q.likeness(gitrange.Hit{Word: "orders", Text: `"orders.state"`}); got >= 3 {
		t.Errorf("a column of the table has rank %d", got)
	}
	if got := q.likeness(gitrange.Hit{Word: "orders", Text: "INSERT INTO orders VALUES (1)"}); got != 0 {
		t.Errorf("INSERT INTO has rank %d", got)
	}
}

// A word of code that works on a table is not always its column of that name.
func TestEvidenceOfACommonName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"memo.payload->'property'->'tags' @> $1": true, "JSON_EXTRACT(payload, '$.property.tags')": true, "SELECT tags->'x'": false, "tags @> payload->'tags'": false} {
		if got := inJSON(gitrange.Hit{Word: "tags", Text: text}); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	for text, want := range map[string]bool{
		`"archive/zip"`: true, `z "archive/zip"`: true, `zip.NewReader(r)`: true, "files := map[string][]*zip.File{}": true,
		`u.zip.Valid`: false, "q := `SELECT zip FROM users`": false, "zip.city = x": false, `cols := []string{"zip"}`: false, `"zip",`: false,
	} {
		if got := ofPackage(gitrange.Hit{Path: "store/a.go", Word: "zip", Text: text}); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	for text, want := range map[string]bool{
		"HasMod bool // whether the zip has one": true, "f(a) // `zip` may be \"\"": true, "zip := x // of the zip": false, "s := `a // b`, zip": false, "q(`SELECT 1 // zip`)": false, "x = 1 # the zip": false,
	} {
		if got := behindCode(gitrange.Hit{Path: "store/a.go", Word: "zip", Text: text}); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	for h, want := range map[gitrange.Hit]int{
		{Path: "a.kt", Word: "mood", Text: ":mood::mood,"}: 1, {Path: "a.rs", Word: "mood", Text: `#[sqlx(type_name = "mood")]`}: 1,
		{Path: "a.rs", Word: "mood", Text: "mood: Mood,"}: 2, {Path: "a.rs", Word: "mood", Text: "use crate::mood;"}: 2, {Path: "a.tsx", Word: "mood", Text: "in a mood to go"}: 2,
	} {
		if got := about("mood", "").likeness(h); got != want {
			t.Errorf("%s: %d", h.Text, got)
		}
	}
	for text, want := range map[string]int{`path = strings.Join(parts, "/")`: 3, "ORDER BY path": 0, "JOIN path ON x": 0, `knex.join("path", "a")`: 0} {
		if got := columnLikeness(gitrange.Hit{Path: "a.go", Word: "path", Text: text}); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
	for text, want := range map[string]bool{"return nil, error(err)": true, `Error string; e.error`: false, `json:"error"`: false, "SELECT error FROM x": false, "error: string": false} {
		if got := ofLanguage(gitrange.Hit{Word: "error", Text: text}); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}
