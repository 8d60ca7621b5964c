package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
)

// TestNotRead holds that a release whose operations could not be listed has no verdict, and that an operation of a file that was read
// is a condition of the verdict, which names it.
func TestNotRead(t *testing.T) {
	t.Parallel()
	const (
		sql = "-- db/migrations/0001_a.sql --\nCREATE TABLE b (id int);\n-- db/migrations/0002_c.sql --\nCREATE TABLE c (id int);\n"
		pgm = "-- package.json --\n{\"scripts\":{\"migrate\":\"node-pg-migrate up\"},\"dependencies\":{\"node-pg-migrate\":\"7.9.0\"}}\n" +
			"-- migrations/1784000000000_a.sql --\nCREATE TABLE b (id int);\n"
		flyway  = "-- db/migration/V1__a.sql --\nCREATE TABLE b (id int);\n-- db/prod/V2__b.sql --\nCREATE TABLE c (id int);\n"
		alembic = sql + "-- app/alembic/env.py --\nx = 1\n-- app/alembic/versions/1_a.py --\nrevision = '1'\ndown_revision = None\n"
		knex    = "-- knexfile.js --\nmodule.exports = { client: 'pg' }\n" +
			"-- migrations/20240101000000_a.js --\nexports.up = (knex) => knex.raw('CREATE TABLE t (id bigint PRIMARY KEY)')\n"
		tool = "-- package.json --\n{\"dependencies\":{\"@adonisjs/lucid\":\"21.6.1\"}}\n" + sql +
			"-- migrations/1767225600000_a.ts --\nimport { BaseSchema } from '@adonisjs/lucid/schema'\n"
	)
	for name, tt := range map[string]struct {
		base, head string
		failed     bool
		verdict    string // a part of it
	}{
		"a program that does not run": {
			base: pgm, head: "-- migrations/1784000000001_b.ts --\nexport async function up(pgm) { pgm.dropTable('b')\n",
			failed: true, verdict: "No verdict",
		},
		"a program of an unknown tool": {
			base: tool, head: "-- migrations/1767312000000_b.ts --\nimport { BaseSchema } from '@adonisjs/lucid/schema'\n" +
				"export default class extends BaseSchema { async up() { this.schema.dropTable('b') } }\n",
			failed: true, verdict: "No verdict",
		},
		"another location of Flyway": {
			base: flyway, head: "-- db/dev/V3__x.sql --\nDROP TABLE b;\n",
			failed: true, verdict: "No verdict",
		},
		"a script for an empty database": {
			base: flyway, head: "-- db/init/01_x.sql --\nCREATE TABLE b (id int);\n",
			verdict: "No new migrations",
		},
		"revisions without their command": {
			base: alembic, head: "-- app/alembic/versions/2_b.py --\nrevision = '2'\ndown_revision = '1'\n",
			failed: true, verdict: "No verdict",
		},
		"revisions that did not change": {
			base: alembic, head: "-- db/migrations/0003_d.sql --\nCREATE TABLE d (id int);\n",
			verdict: "Safe to deploy.",
		},
		"an operation of a program that was read": {
			base:    knex,
			head:    "-- migrations/20240102000000_b.js --\nexports.up = async (knex) => {\nconst x = Math.random()\nawait knex.raw(`CREATE TABLE b${x} (id int)`)\n}\n",
			verdict: "(20240102000000_b.js:",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Changelog(t.Context(), Config{Dir: repository(t, tt.base, tt.head), Base: "main", Settings: config.Default()})
			if err != nil {
				t.Fatal(err)
			}
			failed := false
			for _, o := range r.Opaque {
				failed = failed || o.Failed
				if o.Failed && o.Why == "" {
					t.Errorf("%s: nothing says what to do", o.What)
				}
			}
			if failed != tt.failed || failed == (r.Summary.State != onward.StateNone) || !strings.Contains(r.Summary.Verdict, tt.verdict) {
				t.Errorf("failed: %t, %s: %s\n%+v", failed, r.Summary.State, r.Summary.Verdict, r.Opaque)
			}
		})
	}
}
