package audit

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Comments suppress findings of SQL that a program sends over several lines: the program's comment above the call, and one of SQL in
// the text. A comment for one statement leaves the findings of the others.
func TestCommentsInPrograms(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id bigint PRIMARY KEY, a text, b text)"
	for _, c := range []struct{ name, base, head string }{
		{
			"knex",
			"-- knexfile.js --\nmodule.exports = { client: 'pg' }\n-- migrations/20240101000000_a.js --\n" +
				"exports.up = (knex) => knex.raw('" + table + "')\nexports.down = () => {}\n",
			"-- migrations/20240102000000_b.js --\nexports.up = async (knex) => {\n" +
				"  // onward:ignore index-create-blocking: 40 rows\n  await knex.raw(`\n    CREATE INDEX i ON t (a);\n" +
				"    CREATE INDEX k ON t (b);\n    -- onward:ignore index-create-blocking: 40 rows\n    CREATE INDEX l ON t (a, b);\n  `)\n}\nexports.down = () => {}\n",
		},
		{
			"rails",
			"-- db/migrate/1_a.rb --\nclass A < ActiveRecord::Migration[7.1]\n  def up\n    execute '" + table + "'\n  end\nend\n",
			"-- db/migrate/2_b.rb --\nclass B < ActiveRecord::Migration[7.1]\n  def up\n    # onward:ignore index-create-blocking: 40 rows\n" +
				"    execute <<-SQL\n      CREATE INDEX i ON t (a);\n      CREATE INDEX k ON t (b);\n" +
				"      -- onward:ignore index-create-blocking: 40 rows\n      CREATE INDEX l ON t (a, b);\n    SQL\n  end\nend\n",
		},
		{
			"yoyo",
			"-- m/1_a.py --\nfrom yoyo import step\nsteps = [step('" + table + "')]\n",
			"-- m/2_b.py --\nfrom yoyo import step\nsteps = [\n  # onward:ignore index-create-blocking: 40 rows\n  step(\"\"\"\n    CREATE INDEX i ON t (a);\n" +
				"    CREATE INDEX k ON t (b);\n    -- onward:ignore index-create-blocking: 40 rows\n    CREATE INDEX l ON t (a, b);\n  \"\"\")\n]\n",
		},
		{
			"goose",
			"-- m/00001_a.sql --\n-- +goose Up\n" + table + ";\n",
			"-- m/00002_b.go --\npackage m\n\nimport (\n\t\"database/sql\"\n\n\t\"github.com/pressly/goose/v3\"\n)\n\nfunc init() { goose.AddMigration(up, nil) }\n\n" +
				"func up(tx *sql.Tx) error {\n\t// onward:ignore index-create-blocking: 40 rows\n\t_, err := tx.Exec(`\n\t\tCREATE INDEX i ON t (a);\n" +
				"\t\tCREATE INDEX k ON t (b);\n\t\t-- onward:ignore index-create-blocking: 40 rows\n\t\tCREATE INDEX l ON t (a, b);\n\t`)\n\treturn err\n}\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, c.base, c.base+c.head)})
			var got []string
			for _, f := range r.Findings {
				got = append(got, fmt.Sprintf("%s %s", f.Rule, f.Fact))
			}
			if diff := cmp.Diff([]string{"index-create-blocking creating index k blocks writes to t"}, got); diff != "" || r.Summary.Suppressed != 2 {
				t.Errorf("%d findings are suppressed, want 2; those that are left (-want +got):\n%s", r.Summary.Suppressed, diff)
			}
		})
	}
}
