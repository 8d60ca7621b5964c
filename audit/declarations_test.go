package audit

import "testing"

// Declarations of types, tests and lists of files beside migrations are no programs that a tool runs.
func TestNoPrograms(t *testing.T) {
	t.Parallel()
	const base = "-- knexfile.js --\nmodule.exports = { client: 'pg' }\n-- migrations/20240101000000_a.js --\n" +
		"exports.up = (knex) => knex.raw('CREATE TABLE t (id bigint PRIMARY KEY)')\n"
	for name, want := range map[string]int{
		"20240102000000_b.d.ts": 0, "20240102000000_b.spec.ts": 0, "index.ts": 0, "20240102000000_b.ts": 1,
	} {
		head := "-- migrations/" + name + " --\nexport declare function up(db: import('knex').Knex): Promise<void>;\n"
		r := changelog0(t, Config{Dir: repository(t, base, head), Base: "main"})
		if len(r.Opaque) != want {
			t.Errorf("%s: the unread parts are %+v, want %d", name, r.Opaque, want)
		}
	}
}
