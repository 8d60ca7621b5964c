package sql

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// TestFindNodePg: in which directories programs are node-pg-migrate's.
func TestFindNodePg(t *testing.T) {
	t.Parallel()
	const program = "import type { MigrationBuilder } from 'node-pg-migrate';\nexport function up(pgm: MigrationBuilder) { pgm.sql('SELECT 1'); }\n"
	const plain = "exports.up = (pgm) => { pgm.sql('SELECT 1'); };\n"
	for _, c := range []struct{ name, settings, file, text, want string }{
		{"a dependency", `{"dependencies": {"node-pg-migrate": "9"}}`, "migrations/1700000000000_a.js", plain, "migrations"},
		{"another package has it", `{"scripts": {"migrate": "node-pg-migrate -m db/changes -j ts"}}`, "db/changes/1700000000000_a.ts", program, "db/changes"},
		{"by npx", `{"scripts": {"migrate": "npx node-pg-migrate up"}}`, "migrations/1700000000000_a.js", plain, "migrations"},
		{"the programs import it", `{"dependencies": {"toolkit": "1"}}`, "db/m/1700000000000_a.ts", program, "db/m"},
		{"another tool's directory", `{"dependencies": {"knex": "3"}}`, "migrations/1700000000000_a.js", plain, ""},
		{"a script of another name", `{"scripts": {"migrate": "my-node-pg-migrate up"}}`, "migrations/1700000000000_a.js", plain, ""},
	} {
		tree := adaptertest.Files{"package.json": []byte(c.settings), c.file: []byte(c.text)}
		got := ""
		for _, d := range findNodePgDirs(tree) {
			got += d.Dir
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
