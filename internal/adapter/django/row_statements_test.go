package django

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// A RunPython that gives all values itself is read as the statements that Django then sends to a server.
func TestStatementsOfPython(t *testing.T) {
	t.Parallel()
	for env, major := range map[string]int{"django-4.2-psycopg2": 14, "django-5.2-psycopg": 17, "django-6.0-psycopg": 18} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			python, dir := venv(t, env), project(t, "statements")
			m := render(t, Config{Dir: dir, Python: python}).find(t, "library.0002_read")
			got := map[string][]string{}
			for i, op := range m.Operations {
				if op.Opaque != "" || op.Code != nil {
					t.Errorf("operation %d is opaque: %s", i, op.Opaque)
				}
			}
			for i, name := range []string{"filtered", "through_key", "seeds", "leaves", "many", "cascades", "finds", "nothing"} {
				got[name] = m.Operations[i].SQL
			}
			sent := executedStatements(t, python, dir, pgservertest.Database(t, major))
			for _, function := range []string{"filtered", "through_key", "seeds", "leaves"} {
				if diff := cmp.Diff(sent[function], got[function]); diff != "" {
					t.Errorf("%s: Django sends something else:\n%s", function, diff)
				}
			}
			if len(sent["nothing"]) != 0 || len(got["nothing"]) != 0 {
				t.Errorf("an empty list finds no row: %q, %q", sent["nothing"], got["nothing"])
			}
			// Django reads some rows first, and sends their keys: the condition replaces the keys.
			if diff := cmp.Diff([]string{
				`DELETE FROM "library_volume" WHERE "library_volume"."author_id" IN (SELECT U0."id" FROM "library_author" U0 WHERE U0."name" = 'Bob')`,
				`UPDATE "library_volume" SET "reviewer_id" = NULL WHERE "library_volume"."reviewer_id" IN ` +
					`(SELECT U0."id" FROM "library_author" U0 WHERE U0."name" = 'Bob')`,
				`DELETE FROM "library_author" WHERE "library_author"."name" = 'Bob'`,
			}, got["cascades"]); diff != "" {
				t.Error(diff)
			}
			if all := strings.Join(sent["cascades"], "\n"); strings.Count(all, "DELETE FROM") != 2 || strings.Count(all, "UPDATE") != 1 {
				t.Errorf("Django deletes otherwise:\n%s", all)
			}
			if len(got["many"]) != 1 || !strings.Contains(got["many"][0], `VALUES ('first', 0, 1, NULL), ('second', 0, 1, NULL)`) {
				t.Errorf("bulk_create: %q", got["many"])
			}
			last := len(m.Statements) - 1
			if s := m.Statements[last]; !s.Conditional || s.SQL != sent["finds"][len(sent["finds"])-2] || s.Line != 42 {
				t.Errorf("get_or_create in line %d: %q, Django sends %q", s.Line, s.SQL, sent["finds"])
			}
		})
	}
}

func executedStatements(t *testing.T, python, dir, database string) map[string][]string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "sent.json")
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(filepath.Dir(dir), "executed.py"), dir, "library", "0002", out)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "LIBRARY_NAME="+strings.TrimPrefix(u.Path, "/"),
		"LIBRARY_HOST="+u.Query().Get("host"), "LIBRARY_PORT="+u.Query().Get("port"), "LIBRARY_USER="+u.User.Username())
	if talk, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("executed.py: %v\n%s", err, talk)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string][]string{}
	if err := json.Unmarshal(data, &sent); err != nil {
		t.Fatal(err)
	}
	return sent
}

// A function whose text does not settle what it sends stays unread, and nothing of it runs.
func TestPythonWithoutStatements(t *testing.T) {
	t.Parallel()
	m := render(t, Config{Dir: project(t, "statements"), Python: venv(t, "django-5.2-psycopg")}).find(t, "library.0003_unread")
	changes := map[string][]Change{}
	for _, op := range m.Operations[1:] {
		if op.Code == nil || len(op.SQL) > 0 {
			t.Errorf("read: %q", op.SQL)
			continue
		}
		changes[op.Code.Name] = op.Code.Changes
	}
	title := []Change{{Table: "library_volume", Verb: "UPDATE", Columns: []string{"title"}}}
	for i := range changes {
		for j := range changes[i] {
			changes[i][j].Line = 0
		}
	}
	want := map[string][]Change{
		"condition": title, "made_elsewhere": title, "other_database": title, "calls_back": title, "fetches": title,
		"of_row": {{Table: "library_volume", Verb: "UPDATE", Columns: []string{"author_id"}}},
		"of_new_row": {
			{Table: "library_author", Verb: "INSERT", Columns: []string{}}, {Table: "library_volume", Verb: "INSERT", Columns: []string{}},
		},
		"own_manager": {{Table: "library_poster", Verb: "UPDATE", Columns: []string{"title"}}},
		"sliced":      {{Table: "library_volume", Verb: "DELETE", Columns: []string{}}},
		"wrong_field": {},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Error(diff)
	}
}
