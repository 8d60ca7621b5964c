package django

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sqlOf lists what the migrations of a project send, one line each.
func sqlOf(p *Project) []string {
	var out []string
	for _, m := range p.Migrations {
		for _, s := range m.Statements {
			out = append(out, fmt.Sprintf("%s %d %s", m.ID(), s.Op, s.SQL))
		}
	}
	return out
}

// Without a driver, with either driver, with settings for another database,
// and with states rendered whole, the SQL is the same.
func TestSameSQL(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ version, driver string }{{"4.2", "psycopg2"}, {"5.2", "psycopg"}} {
		t.Run(tc.version, func(t *testing.T) {
			t.Parallel()
			cfg := Config{Dir: project(t, "shop"), Python: venv(t, "django-"+tc.version+"-"+tc.driver), Postgres: 16}
			p := render(t, cfg)
			if p.Database.Driver != tc.driver || !strings.HasPrefix(p.Django, tc.version) {
				t.Fatalf("rendered by Django %s with driver %s", p.Django, p.Database.Driver)
			}
			want := sqlOf(p)
			if len(want) < 150 {
				t.Fatalf("only %d statements", len(want))
			}
			none := cfg
			none.Python = venv(t, "django-"+tc.version+"-none")
			got := render(t, none)
			if got.Database.Driver != "none" {
				t.Fatalf("the environment has a driver: %s", got.Database.Driver)
			}
			if diff := cmp.Diff(want, sqlOf(got)); diff != "" {
				t.Errorf("without a driver:\n%s", diff)
			}
			sqlite := cfg
			sqlite.Settings = "config.settings_sqlite"
			got = render(t, sqlite)
			if got.Database.Vendor != "sqlite" {
				t.Errorf("vendor %s", got.Database.Vendor)
			}
			if diff := cmp.Diff(want, sqlOf(got)); diff != "" {
				t.Errorf("with settings for SQLite:\n%s", diff)
			}
			whole := cfg
			whole.whole = true
			if diff := cmp.Diff(want, sqlOf(render(t, whole))); diff != "" {
				t.Errorf("with states rendered whole:\n%s", diff)
			}
		})
	}
}

func TestOldest(t *testing.T) {
	t.Parallel()
	p := render(t, Config{Dir: project(t, "shop"), Python: venv(t, "django-3.2-none")})
	if !strings.HasPrefix(p.Django, "3.2") || len(p.Errors) > 0 || len(sqlOf(p)) < 150 {
		t.Errorf("Django %s: %d statements, errors %v", p.Django, len(sqlOf(p)), p.Errors)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	dir := project(t, "shop")
	p := render(t, Config{Dir: dir, Python: venv(t, "django-5.2-none")})
	m := p.find(t, "shop.0006_by_hand")
	text, err := os.ReadFile(filepath.Join(dir, m.Path))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range m.Statements {
		location := fmt.Sprintf("%d:%d", s.Line, s.Column)
		if s.Start >= 0 {
			if exact := string(text[s.Start : s.Start+s.Length]); exact != s.SQL {
				t.Errorf("at %s the file has %q, not %q", location, exact, s.SQL)
			}
			location += " exact"
		}
		got = append(got, location+" "+s.Source+" "+strings.Fields(s.SQL)[0])
	}
	want := []string{
		"13:13 exact literal UPDATE",
		"21:17 exact literal ALTER",
		"22:18 literal UPDATE",
		"3:8 exact literal ALTER",
		"29:17 rendered CREATE",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	first := p.find(t, "accounts.0001_initial")
	var deferred []string
	for _, s := range first.Statements {
		if s.Deferred {
			deferred = append(deferred, fmt.Sprintf("%d %s", s.Op, s.SQL[:strings.IndexByte(s.SQL, '(')]))
		}
	}
	if len(deferred) != 8 || deferred[0] != `1 CREATE INDEX "accounts_user_email_b2644a56" ON "accounts_user" ` {
		t.Errorf("deferred: %q", deferred)
	}
}

// An error in one migration is reported for that one, and hides no other.
func TestRough(t *testing.T) {
	t.Parallel()
	p := render(t, Config{Dir: project(t, "rough"), Python: venv(t, "django-5.2-psycopg")})
	messages := map[string]string{}
	for _, e := range p.Errors {
		messages[e.App+"."+e.Name] += e.Message + "\n"
	}
	for id, want := range map[string]string{
		"broken.0002_import":  "No module named 'a_module_that_is_not_installed'",
		"broken.0003_syntax":  "SyntaxError",
		"broken.0004_missing": "depends on migration conflict.0009_no_such, which does not exist",
		"broken.0006_cycle":   "circular dependency with broken.0005_cycle",
		"broken.0007_empty":   "the file has no class Migration",
	} {
		if !strings.Contains(messages[id], want) {
			t.Errorf("%s: %q, want %q", id, messages[id], want)
		}
		p.find(t, id)
	}
	if diff := cmp.Diff([]string{"0002_left", "0002_right"}, p.Conflicts["conflict"]); diff != "" {
		t.Error(diff)
	}
	if leaves := p.Conflicts["broken"]; len(leaves) > 0 {
		t.Errorf("what has no place in the graph is no conflict: %q", leaves)
	}
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "no broker") {
		t.Errorf("notes: %q", p.Notes)
	}

	type op struct {
		Class, Opaque string
		Failed        bool
		SQL           int
	}
	ops := func(id string) (out []op) {
		for _, o := range p.find(t, id).Operations {
			opaque, _, _ := strings.Cut(o.Opaque, ":")
			out = append(out, op{o.Class, opaque, o.Failed, len(o.SQL)})
		}
		return out
	}
	if diff := cmp.Diff([]op{
		{"CreateModel", "", false, 1},
		{"Writes", "", false, 2},
		{"Reads", "asks the database", false, 0},
		{"Hides", "asks the database", false, 0},
		{"Exits", "SystemExit", true, 0},
		{"SeparateDatabaseAndState", "runs Python", false, 0},
		{"AddIndexConcurrently", "", false, 1},
		{"RunSQL", "", false, 1},
		{"ValidateConstraint", "", false, 1},
		{"Comments", "", false, 1},
	}, ops("custom.0001_initial")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]op{
		{"CreateModel", "", false, 1},
		{"CreateModel", "", false, 1},
		{"DeleteModel", "", false, 1},
		{"DeleteModel", "", false, 1},
	}, ops("heirs.0001_initial")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]op{
		{"CreateModel", "", false, 1},
		{"AlterField", "", false, 2},
		{"RunSQL", "", false, 1},
		{"AlterField", `table "doubt_egg" may have been changed by`, false, 0},
		{"AddField", "", false, 1},
		{"SeparateDatabaseAndState", "", false, 0},
		{"AlterField", `table "doubt_old" is not created by any migration rendered before`, false, 0},
	}, ops("doubt.0001_initial")); diff != "" {
		t.Error(diff)
	}
}

// A squashed migration runs if none of its replaced migrations is applied.
func TestSquashed(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: project(t, "rough"), Python: venv(t, "django-5.2-psycopg")}
	runs := func(p *Project) (out []string) {
		for _, key := range p.Order {
			if key[0] == "squashed" {
				out = append(out, key[1])
			}
		}
		return out
	}
	deployed := render(t, cfg)
	if diff := cmp.Diff([]string{"0001_initial", "0002_size", "0003_height"}, runs(deployed)); diff != "" {
		t.Errorf("all applied:\n%s", diff)
	}
	squash := deployed.find(t, "squashed.0001_squashed_0002")
	if squash.Replaced == "" || len(squash.Statements) > 0 || len(squash.Operations) != 1 {
		t.Errorf("the squash: %+v", squash)
	}
	cfg.Applied = [][2]string{}
	if diff := cmp.Diff([]string{"0001_squashed_0002", "0003_height"}, runs(render(t, cfg))); diff != "" {
		t.Errorf("nothing applied:\n%s", diff)
	}
	cfg.Applied = [][2]string{{"squashed", "0001_initial"}}
	if diff := cmp.Diff([]string{"0001_initial", "0002_size", "0003_height"}, runs(render(t, cfg))); diff != "" {
		t.Errorf("one applied:\n%s", diff)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	p := render(t, Config{Dir: project(t, "shop"), Python: venv(t, "django-5.2-none")})
	found := map[string]Model{}
	for _, m := range p.Models {
		found[m.App+"."+m.Model] = m
	}
	item := found["shop.Item"]
	if item.DBTable != "shop_article" || item.Path != "shop/models.py" || item.Line != 11 {
		t.Errorf("Item: %+v", item)
	}
	if f := item.Fields[1]; f.Name != "sku" || f.Column != "stock_code" || f.Line != 12 || f.Null {
		t.Errorf("sku: %+v", f)
	}
	if joinTable := found["shop.Order_items"]; joinTable.DBTable != "shop_order_items" || !joinTable.AutoCreated || len(joinTable.Fields) != 3 {
		t.Errorf("the table between: %+v", joinTable)
	}
	for _, f := range found["modern.Meter"].Fields {
		if f.DBDefault != (f.Name == "at" || f.Name == "unit") || f.Generated != (f.Name == "double") {
			t.Errorf("Meter.%s: %+v", f.Name, f)
		}
	}
	for _, f := range found["accounts.User"].Fields {
		if f.Name == "created" && (f.Path != "accounts/models.py" || f.Line != 6) {
			t.Errorf("a field of an abstract model: %+v", f)
		}
	}
}

// The second run starts no renderer; every change that matters starts it again.
func TestCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(project(t, "rough"))); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: dir, Python: venv(t, "django-5.2-none"), CacheDir: t.TempDir(), Env: []string{"COUNT=" + filepath.Join(t.TempDir(), "starts")}}
	settings := filepath.Join(dir, "config", "settings.py")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	counting := string(text) + "\nimport os\nopen(os.environ['COUNT'], 'a').write('x')\n"
	if err := os.WriteFile(settings, []byte(counting), 0o600); err != nil {
		t.Fatal(err)
	}
	starts := func() int {
		data, err := os.ReadFile(strings.TrimPrefix(cfg.Env[0], "COUNT="))
		if err != nil {
			t.Fatal(err)
		}
		return len(data)
	}
	first := render(t, cfg)
	second := render(t, cfg)
	if starts() != 1 {
		t.Fatalf("started %d times, want once", starts())
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("from the cache it differs:\n%s", diff)
	}
	path := filepath.Join(dir, "squashed", "migrations", "0003_height.py")
	changed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(changed), "height", "depth")), 0o600); err != nil {
		t.Fatal(err)
	}
	third := render(t, cfg)
	if starts() != 2 || !strings.Contains(strings.Join(sqlOf(third), "\n"), `"depth"`) {
		t.Errorf("a changed migration is not rendered anew: %d starts", starts())
	}
	cfg.Postgres = 13
	render(t, cfg)
	cfg.Env = append(cfg.Env, "OTHER=1")
	render(t, cfg)
	if starts() != 4 {
		t.Errorf("started %d times, want 4", starts())
	}
}
