package audit

import (
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

// A branch cannot hide SQL below a marker that means nothing to the tool of the directory. A new directory of a tool has no false error.
func TestMarkersOfTheBranch(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"db/migrations/001_member.sql": "CREATE TABLE member (id int PRIMARY KEY, nick text);",
		"app/a.py":                     "import psycopg\ndef f(cur):\n    cur.execute(\"SELECT id, nick FROM member\")\n",
	}
	const drop = "ALTER TABLE member DROP COLUMN nick;\n"
	for name, c := range map[string]struct {
		files map[string]string
		fails bool
	}{
		"goose's, beside one plain file": {map[string]string{"db/migrations/002_b.sql": "-- +goose Up\nSELECT 1;\n-- +goose Down\n" + drop}, true},
		"goose's, in most files": {map[string]string{
			"db/migrations/002_b.sql": "-- +goose Up\nSELECT 1;\n", "db/migrations/003_c.sql": "-- +goose Up\nSELECT 1;\n-- +goose Down\n" + drop,
		}, true},
		"dbmate's": {map[string]string{"db/migrations/002_b.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\n" + drop}, true},
		"harmless ones, in a new directory": {map[string]string{
			"db/more/002_b.sql": "-- migrate:up\nCREATE TABLE note (id int PRIMARY KEY);\n-- migrate:down\nDROP TABLE note;\n",
			"db/more/003_c.sql": "-- migrate:up\nALTER TABLE note ADD text text;\n-- migrate:down\nALTER TABLE note DROP text;\n",
		}, false},
	} {
		r, err := auditLast(t, gittest.Commits(t, base, c.files), Config{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		failed := false
		for _, f := range r.Findings {
			failed = failed || f.Severity == onward.Error
		}
		if failed != c.fails {
			t.Errorf("%s: an error is reported: %t; %+v", name, failed, r.Findings)
		}
	}
}
