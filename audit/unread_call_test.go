package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// After a call whose SQL is not known, a table that no statement created is no finding: the call may have created it.
func TestUnreadCall(t *testing.T) {
	t.Parallel()
	const base = "-- knexfile.js --\nmodule.exports = { client: 'pg' }\n-- migrations/20240101000000_a.js --\n" +
		"exports.up = (knex) => knex.raw('CREATE TABLE t (id bigint PRIMARY KEY)')\n"
	const create = "await knex.raw(`CREATE TABLE b (id int DEFAULT ${first})`)\n"
	const drop = "await knex.raw('ALTER TABLE b RENAME TO c')\nawait knex.raw('DROP TABLE b')\n"
	for _, tt := range []struct{ up, want string }{
		{create + drop, ""},
		{drop + create, "release-statement-fails"},
	} {
		head := "-- migrations/20240102000000_b.js --\nconst first = Math.random()\nexports.up = async (knex) => {\n" + tt.up + "}\n"
		r := changelog0(t, Config{Dir: repository(t, base, head), Base: "main"})
		var got []string
		for _, f := range r.Findings {
			if strings.HasPrefix(f.Rule, "release-statement-") && f.Severity >= onward.Warning {
				got = append(got, f.Rule)
			}
		}
		if strings.Join(got, " ") != tt.want || len(r.Opaque) != 1 {
			t.Errorf("%s: %v, %d opaque, want %q", tt.up, got, len(r.Opaque), tt.want)
		}
	}
}
