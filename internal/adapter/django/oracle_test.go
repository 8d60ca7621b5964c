package django

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// The proof: Django itself runs every migration on a real server, and its schema editor
// executes exactly the SQL that was rendered without one. `sqlmigrate` agrees, too, if it
// is right: it cannot see the effects of an earlier operation of the same migration.
func TestOracle(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env   string
		major int
	}{
		{"django-4.2-psycopg2", 15},
		{"django-5.2-psycopg", 17},
		{"django-6.0-psycopg", 18},
	} {
		t.Run(tc.env, func(t *testing.T) {
			t.Parallel()
			python := venv(t, tc.env)
			dir := project(t, "shop")
			real := oracle(t, python, dir, pgservertest.Database(t, tc.major))
			cfg, err := Config{Dir: dir, Python: python, Postgres: tc.major, tables: true}.setDefaults()
			if err != nil {
				t.Fatal(err)
			}
			answer, err := runPython(context.Background(), cfg, python)
			if err != nil {
				t.Fatal(err)
			}
			p, err := decodeAnswer(answer, python)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, p, real)
			var rendered struct{ Tables map[string]table }
			if err := json.Unmarshal(answer, &rendered); err != nil {
				t.Fatal(err)
			}
			compareTables(t, rendered.Tables, real.Tables)
		})
	}
}

type recorded struct {
	Sqlmigrate, Error string
	Executed          []string
}

type table struct {
	Constraints map[string]constraint
	Sequences   []map[string]string
}

type constraint struct {
	Columns    []*string `json:"columns"`
	PrimaryKey bool      `json:"primary_key"`
	Unique     bool      `json:"unique"`
	ForeignKey []string  `json:"foreign_key"`
	Check      bool      `json:"check"`
	Index      bool      `json:"index"`
	Orders     []string  `json:"orders"`
	Type       string    `json:"type"`
}

type reality struct {
	Migrations map[string]recorded
	Tables     map[string]table
}

func oracle(t *testing.T, python, dir, database string) reality {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "real.json")
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(filepath.Dir(dir), "oracle.py"), dir, out)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0",
		"SHOP_DB_NAME="+strings.TrimPrefix(u.Path, "/"), "SHOP_DB_HOST="+u.Query().Get("host"),
		"SHOP_DB_PORT="+u.Query().Get("port"), "SHOP_DB_USER="+u.User.Username())
	if talk, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("oracle.py: %v\n%s", err, talk)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	real := reality{Migrations: map[string]recorded{}}
	if err := json.Unmarshal(all["tables"], &real.Tables); err != nil {
		t.Fatal(err)
	}
	delete(all, "tables")
	for id, raw := range all {
		var r recorded
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		real.Migrations[id] = r
	}
	return real
}

func compare(t *testing.T, p *Project, real reality) {
	t.Helper()
	// sqlmigrate is wrong on these: they ask for a constraint that an earlier
	// operation of theirs makes, renames or moves.
	blind := map[string]bool{
		"shop.0002_toggles": true, "shop.0003_renames": true, "shop.0004_postgres": true,
	}
	if len(real.Migrations) != len(p.Order) {
		t.Errorf("%d migrations ran, %d are rendered", len(real.Migrations), len(p.Order))
	}
	statements, printed := 0, 0
	for id, r := range real.Migrations {
		m := p.find(t, id)
		if r.Error != "" {
			t.Errorf("%s does not run: %s", id, r.Error)
		}
		var got, script []string
		for _, s := range m.Statements {
			got = append(got, s.SQL)
			end := ";"
			if strings.HasSuffix(strings.TrimRight(s.SQL, " \n"), ";") {
				end = ""
			}
			script = append(script, s.SQL+end)
		}
		statements += len(got)
		if diff := cmp.Diff(r.Executed, got); diff != "" && len(r.Executed)+len(got) > 0 {
			t.Errorf("%s (-executed +rendered):\n%s", id, diff)
		}
		if blind[id] {
			continue
		}
		var lines []string
		for line := range strings.SplitSeq(r.Sqlmigrate, "\n") {
			if !strings.HasPrefix(line, "--") {
				lines = append(lines, line)
			}
		}
		want := strings.TrimSpace(strings.Join(lines, "\n"))
		if m.Atomic && want != "" {
			script = append(append([]string{"BEGIN;"}, script...), "COMMIT;")
		}
		if diff := cmp.Diff(want, strings.TrimSpace(strings.Join(script, "\n"))); diff != "" {
			t.Errorf("%s (-sqlmigrate +rendered):\n%s", id, diff)
		}
		printed++
	}
	if statements < 150 || printed < 15 {
		t.Errorf("only %d statements and %d outputs of sqlmigrate were compared", statements, printed)
	}
}

// compareTables holds the names that are kept for the schema editor against
// those in the server's catalog.
func compareTables(t *testing.T, rendered, real map[string]table) {
	t.Helper()
	count := 0
	for name, r := range real {
		if name == "django_migrations" {
			continue
		}
		m, ok := rendered[name]
		if !ok {
			t.Errorf("table %s is not known", name)
			continue
		}
		for key := range r.Constraints {
			// From Postgres 18 on; Django never asks for them.
			if strings.HasSuffix(key, "_not_null") {
				delete(r.Constraints, key)
			}
		}
		count += len(r.Constraints)
		if diff := cmp.Diff(r.Constraints, m.Constraints); diff != "" {
			t.Errorf("%s (-server +kept):\n%s", name, diff)
		}
		sequences := map[string]bool{}
		for _, s := range m.Sequences {
			sequences[fmt.Sprint(s)] = true
		}
		for _, s := range r.Sequences {
			if !sequences[fmt.Sprint(s)] {
				t.Errorf("%s: sequence %v is not known", name, s)
			}
		}
		if len(m.Sequences) != len(r.Sequences) {
			t.Errorf("%s: sequences %v, want %v", name, m.Sequences, r.Sequences)
		}
	}
	if count < 60 {
		t.Errorf("only %d constraints were compared", count)
	}
}
