package audit

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// No error rests on a word: for each kind of question, what has the very name, and is no
// query and no declaration, makes none; and what is one does, in the same place.
func TestNoErrorRestsOnAWord(t *testing.T) {
	t.Parallel()
	const made = `-- db/migrations/00001_a.sql --
-- +goose Up
CREATE TYPE shade AS ENUM ('amber', 'teal');
CREATE TYPE spare AS (n int);
CREATE TABLE lamps (id int PRIMARY KEY, watts int, hue shade, code text, CONSTRAINT lamps_code UNIQUE (code));
CREATE TABLE attic (id int, watts int);
CREATE FUNCTION glow(n int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE SEQUENCE lamp_no;
`
	// Each word in each place that is none: code that works on another table.
	loose := func(word string) map[string]string {
		return map[string]string{
			"a comment": "-- store/a.go --\npackage store\n\n// SELECT " + word + " FROM lamps ON CONFLICT (code) ('teal')\n/* " + word +
				" */\nvar q = `SELECT id FROM bulbs`\n",
			"a comment in SQL": "-- store/a.sql --\n-- SELECT " + word + " FROM lamps\nSELECT id FROM bulbs /* " + word + " */;\n",
			"a URL": "-- store/a.go --\npackage store\n\nvar u = \"https://example.com/" + word + "/lamps?x=" + word +
				"\"\nvar q = `SELECT id FROM bulbs`\n",
			"a key of JSON": "-- store/a.go --\npackage store\n\ntype x struct {\n\tA int `json:\"" + word + "\"`\n}\nvar q = `SELECT data->'" + word +
				"' FROM bulbs`\n",
			"a function": "-- store/a.go --\npackage store\n\nfunc " + word + "(n int) int { return " + word + "(n) }\nvar q = `SELECT id FROM bulbs`\n",
			"a message": "-- store/a.go --\npackage store\n\nvar e = errors.New(\"select the " + word +
				" from all the lamps that you have, on conflict ask\")\nvar q = `SELECT id FROM bulbs`\n",
			"a value":   "-- store/a.go --\npackage store\n\nvar q = `SELECT id FROM bulbs WHERE name = '" + word + "'`\n",
			"an alias":  "-- store/a.go --\npackage store\n\nvar q = `SELECT id AS " + word + " FROM bulbs`\n",
			"an import": "-- store/a.py --\nfrom shop import " + word + "\nq = \"SELECT id FROM bulbs\"\n",
			"another database": "-- clickhouse/migrations/1.sql --\nALTER TABLE lamps DROP COLUMN " + word + ";\nSELECT " + word +
				" FROM lamps;\n-- store/a.go --\npackage store\n\nvar q = `SELECT id FROM bulbs`\n",
			"a test": "-- store/a_test.go --\npackage store\n\nvar t = `SELECT " + word +
				" FROM lamps`\n-- store/a.go --\npackage store\n\nvar q = `SELECT id FROM bulbs`\n",
			"a class of the same":   "-- store/a.kt --\nenum class Door { amber, teal, " + word + " }\nval q = \"SELECT id FROM bulbs\"\n",
			"a document":            "-- README.md --\nSELECT " + word + " FROM lamps\n-- store/a.go --\npackage store\n\nvar q = `SELECT id FROM bulbs`\n",
			"a call of its own":     "-- store/a.ts --\nawait store." + word + ".upsert(x)\nconst q = 'SELECT id FROM bulbs'\n",
			"a setting of a client": "-- store/a.yaml --\n" + word + ": lamps\n-- store/a.go --\npackage store\n\nvar q = `SELECT id FROM bulbs`\n",
		}
	}
	for _, tt := range []struct{ name, word, sql, rule, use string }{
		{"a column", "watts", "ALTER TABLE lamps DROP COLUMN watts", "column-drop", "SELECT watts FROM lamps"},
		{"a table", "attic", "DROP TABLE attic", "table-drop", "SELECT id FROM attic"},
		{"a label", "teal", "ALTER TYPE shade RENAME VALUE 'teal' TO 'mint'", "type-enum-value-rename", "SELECT id FROM lamps WHERE hue = 'teal'"},
		{"a function", "glow", "DROP FUNCTION glow(int)", "function-drop", "SELECT glow(1)"},
		{"a type", "spare", "DROP TYPE spare", "type-drop", "SELECT NULL::spare FROM lamps"},
		{"a sequence", "lamp_no", "DROP SEQUENCE lamp_no", "sequence-drop", "SELECT nextval('lamp_no')"},
		{
			"ON CONFLICT", "code", "ALTER TABLE lamps DROP CONSTRAINT lamps_code", "constraint-drop-on-conflict",
			"INSERT INTO lamps (code) VALUES (1) ON CONFLICT (code) DO NOTHING",
		},
		{
			"a constraint", "lamps_code", "ALTER TABLE lamps RENAME CONSTRAINT lamps_code TO one_code", "constraint-rename",
			"INSERT INTO lamps (code) VALUES (1) ON CONFLICT ON CONSTRAINT lamps_code DO NOTHING",
		},
		{"all columns", "lamps", "ALTER TABLE attic DROP COLUMN watts", "column-star-read", "INSERT INTO attic VALUES (1, 2)"},
		{"a required column", "watts", "ALTER TABLE attic ALTER COLUMN watts SET NOT NULL", "column-set-not-null", "INSERT INTO attic (id) VALUES (1)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			failing := func(code string) bool {
				r := changelog0(t, Config{
					Dir:  repository(t, made+code, "-- db/migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\n"+tt.sql+";\n"),
					Base: "main",
				})
				return slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return f.Rule == tt.rule && f.Severity == onward.Error })
			}
			for place, code := range loose(tt.word) {
				if failing(code) {
					t.Errorf("%s: an error", place)
				}
			}
			if !failing("-- store/a.go --\npackage store\n\nvar q = `" + tt.use + "`\n") {
				t.Errorf("%s: no error", tt.use)
			}
		})
	}
}
