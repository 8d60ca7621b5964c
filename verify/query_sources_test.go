package verify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// found are the verdicts of a report, a line each.
func found(r *onward.Report) string {
	var out []string
	for _, v := range r.Verdicts {
		until := ""
		if v.Until != nil {
			until = " until " + fmt.Sprint(v.UntilPoint)
		}
		out = append(out, fmt.Sprintf("%s %d%s %s %s %s by %s", v.Code, v.Point, until, v.Kind, v.Severity, v.SQLState, v.Sender))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

const (
	store = "package store\n\n" +
		"const read = `SELECT id, email, name FROM users WHERE id = $1`\n" +
		"const add = \"INSERT INTO users (email, name) VALUES ($1, $2)\"\n" +
		"const other = \"SELECT datetime(born) FROM users\"\n\n" +
		"func list(order string) string { return \"SELECT id FROM users ORDER BY \" + order }\n"
	orm = "package store\n\nimport \"gorm.io/gorm\"\n\ntype Order struct {\n\tgorm.Model\n\tUserID int `gorm:\"column:user_id\"`\n" +
		"\tTotal int `gorm:\"column:total\"`\n}\n"
)

// Without a recording, the queries in the code are checked at each step: SQL, and the queries that a model
// implies. Queries that the program assembles are counted and not judged, and so are those for another database.
func TestCode(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"migrations/00001_base.sql": "-- +goose Up\n" + shop +
			"\nALTER TABLE orders ADD COLUMN created_at timestamptz, ADD COLUMN updated_at timestamptz, ADD COLUMN deleted_at timestamptz;\n",
		"store/users.go": store, "store/orders.go": orm,
		"store/users_test.go": "package store\n\nconst tested = `SELECT name FROM users`\n",
		"tools/seed.sql":      "INSERT INTO users (email, name) VALUES ('a', 'b');\n",
	}
	step := func(sql string, more ...string) map[string]string {
		out := map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + sql + "\n"}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	for name, c := range map[string]struct {
		release map[string]string
		want    string
		state   onward.State
	}{
		"dropped": {step("ALTER TABLE users DROP COLUMN name;", "store/users.go", "package store\n\nconst read = `SELECT id, email FROM users WHERE id = $1`\n"), "" +
			"old 1 fails error 42703 by store/users.go:3\nold 1 fails error 42703 by store/users.go:4", onward.StateNotSafe},
		"dropped, and still used": {step("ALTER TABLE users DROP COLUMN name;", "store/users.go", "package store\n\nconst read = `SELECT name FROM users`\n"), "" +
			"new 1 fails error 42703 by store/users.go:3\nold 1 fails error 42703 by store/users.go:3\nold 1 fails error 42703 by store/users.go:4", onward.StateNotSafe},
		"required": {step("ALTER TABLE orders ADD COLUMN region text NOT NULL;"), "" +
			"new 1 required-column error 23502 by store/orders.go:5\nold 1 required-column error 23502 by store/orders.go:5", onward.StateNotSafe},
		"renamed in a model": {step("ALTER TABLE orders RENAME COLUMN total TO cents;", "store/orders.go", strings.ReplaceAll(orm, "total", "cents")), "" +
			strings.Repeat("new 0 until 1 fails error 42703 by store/orders.go:5\n", 3) + strings.Repeat("old 1 fails error 42703 by store/orders.go:5\n",
			2) + "old 1 fails error 42703 by store/orders.go:5", onward.StateNotSafe},
		"dropped, and a model still names it": {step("ALTER TABLE orders DROP COLUMN user_id;"), "" +
			strings.Repeat("new 1 fails error 42703 by store/orders.go:5\n", 3) + strings.Repeat("old 1 fails error 42703 by store/orders.go:5\n",
			2) + "old 1 fails error 42703 by store/orders.go:5", onward.StateNotSafe},
		"safe": {step("ALTER TABLE users ADD COLUMN nick text;\nALTER TABLE orders ADD COLUMN region text;"), "", onward.StateSafe},
		"a query that was never right": {
			step("ALTER TABLE users ADD COLUMN nick text;", "store/users.go", store+"\nconst wrong = `SELECT nickname FROM users`\n"),
			"new 0 fails error 42703 by store/users.go:9", onward.StateNotSafe,
		},
		"an upsert without its index": {
			step("ALTER TABLE users ADD COLUMN nick text;", "store/nick.go",
				"package store\n\nconst put = `INSERT INTO users (email, name, nick) VALUES ($1, $2, $3) ON CONFLICT (nick) DO NOTHING`\n"),
			"new 0 until 1 fails error 42703 by store/nick.go:3\nnew 1 conflict-target error 42P10 by store/nick.go:3", onward.StateNotSafe,
		},
		"a query of another database": {
			step("ALTER TABLE users ADD COLUMN nick text;", "store/visits.go",
				"package store\n\nconst visits = `SELECT day FROM visits`\nconst visitors = `SELECT visited FROM users`\n"),
			"", onward.StateSafe,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, on(gittest.Commits(t, base, c.release), 17))
			if got := found(r); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if red := verify.FirstBreaking(r); (red != nil) != (c.state == onward.StateNotSafe) {
				t.Errorf("red: %+v", red)
			}
			old := r.Verification.Old
			p := old.Parsed
			if p.Revision != "main" || p.Texts != 3 || p.Implied != 3 || p.Models != 1 || p.Open != 1 || old.Unfit != 1 || old.Queries != 6 || old.Calls != 0 ||
				len(r.Verification.Notes) > 0 {
				t.Errorf("the deployed code has the counts %+v, from the files %+v, want 6 queries; notes: %q", old, p, r.Verification.Notes)
			}
			if name == "a query of another database" && r.Verification.New.Unfit != 3 {
				t.Errorf("the new code has the counts %+v, want 3 unfit", r.Verification.New)
			}
		})
	}
}

// A query for sqlc is not sent unchanged: the generated code sends it, with its stars written out. If that code
// is missing, a star is not known.
func TestCodeThatIsMade(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"migrations/00001_base.sql": "-- +goose Up\n" + shop + "\n",
		"db/users.sql": "-- name: GetUser :one\nSELECT * FROM users WHERE id = @id;\n\n-- name: Lost :one\nSELECT * FROM users;\n\n" +
			"-- name: Names :many\nSELECT name FROM users;\n",
		"db/users.sql.go": "package db\n\nconst getUser = `-- name: GetUser :one\nSELECT id, email, name FROM users WHERE id = $1\n`\n",
	}
	r := run(t, on(gittest.Commits(t, base, map[string]string{"migrations/00002_step.sql": "-- +goose Up\nALTER TABLE users ADD COLUMN nick text;\n" +
		"-- +goose StatementBegin\nALTER TABLE users DROP COLUMN name;\n-- +goose StatementEnd\n"}), 17))
	const want = "new 1 fails error 42703 by db/users.sql.go:4\nnew 1 fails error 42703 by db/users.sql:8\nold 1 fails error 42703 by db/users.sql.go:4\n" +
		"old 1 fails error 42703 by db/users.sql:8"
	if got := found(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if p := r.Verification.Old.Parsed; p.Texts != 2 || p.Open != 1 {
		t.Errorf("the files have %+v, want 2 texts and 1 open", p)
	}
}

// The queries that a framework's own models imply need no recording either.
func TestCodeOfModels(t *testing.T) {
	t.Parallel()
	python := pgservertest.VenvPath(t, "django-5.2-none", "bin", "python")
	files := func(dir string) map[string]string {
		out := map[string]string{}
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(name)
			rel, _ := filepath.Rel(dir, name)
			if len(text) > 0 && !strings.HasSuffix(name, ".pyc") {
				out[rel] = string(text)
			} else if err == nil {
				out[rel] = "\n"
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const example = "../examples/django-shop/"
	for branch, want := range map[string]string{
		"safe": "",
		"unsafe": "old 1 fails error 42703 by shop/models.py:4\nold 1 fails error 42703 by shop/models.py:4\nold 1 fails error 42703 by shop/models.py:4\n" +
			"old 2 required-column error 23502 by shop/models.py:23\n" +
			"old 3 may-be-rejected warning 23502 by shop/models.py:23\nold 3 may-be-rejected warning 23502 by shop/models.py:23\n" +
			"old 4 fails error 42703 by shop/models.py:13\nold 4 fails error 42703 by shop/models.py:13\nold 4 fails error 42703 by shop/models.py:13",
	} {
		t.Run(branch, func(t *testing.T) {
			t.Parallel()
			cfg := on(gittest.Commits(t, files(example+"base"), files(example+branch)), 17)
			cfg.Settings = config.Default()
			cfg.Settings.Migrations = []config.Migrations{{Dir: ".", Framework: "django", Python: python}}
			r := run(t, cfg)
			var old []string
			for line := range strings.Lines(found(r)) {
				if strings.HasPrefix(line, "old ") {
					old = append(old, strings.TrimSpace(line))
				}
			}
			if got := strings.Join(old, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if v := r.Verification; v.Old.Parsed.Models != 4 || v.Old.Queries != 12 || v.New == nil || v.New.Unfit != 0 {
				t.Errorf("the files have %+v, want 4 models and 12 queries; the new code has %+v, want none unfit", v.Old.Parsed, v.New)
			}
			if (verify.FirstBreaking(r) == nil) != (branch == "safe") {
				t.Errorf("the first breaking query on branch %s is %+v, want one unless it is safe", branch, verify.FirstBreaking(r))
			}
		})
	}
}
