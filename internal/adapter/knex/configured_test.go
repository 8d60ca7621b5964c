package knex_test

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/knex"
)

// TestConfigured: the knexfile names the directory of migrations, whatever their functions call Knex.
func TestConfigured(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		knexfile string
		want     []string
	}{
		"a text":           {"module.exports = { client: 'pg', migrations: { tableName: 'x', directory: './db/changes' } }", []string{"api/db/changes"}},
		"joined texts":     {"export default { migrations: { directory: path.join(__dirname, 'db', 'changes') } }", []string{"api/db/changes"}},
		"a sum":            {"module.exports = { migrations: { directory: __dirname + '/db/changes' } }", []string{"api/db/changes"}},
		"a list":           {"module.exports = { migrations: { directory: ['db/changes', 'db/more'] } }", []string{"api/db/changes", "api/db/more"}},
		"of seeds":         {"module.exports = { seeds: { directory: './db/changes' } }", []string{"api/migrations"}},
		"the default":      {"require('dotenv').config()\nmodule.exports = { client: 'pg', migrations: { tableName: 'x' } }", []string{"api/migrations"}},
		"a source":         {"module.exports = { migrations: { migrationSource: new Source() } }", nil},
		"of another file":  {"module.exports = require('./config').knex", nil},
		"with others":      {"module.exports = { ...base, client: 'pg' }", nil},
		"computed":         {"module.exports = { migrations: { directory: place() } }", nil},
		"another one":      {"module.exports = { migrations: { directory: './db/other' } }", nil},
		"without a script": {"module.exports = { migrations: { directory: './db/none' } }", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := []byte("exports.up = (k) => k.raw('SELECT 1')\n")
			files := adaptertest.Files{
				"api/knexfile.js": []byte(tc.knexfile), "api/db/changes/1_a.js": program, "api/db/more/1_a.js": program,
				"api/migrations/1_a.js": program,
				"api/db/none/a.js":      []byte("exports.a = 1\n"),
			}
			var dirs []string
			for _, s := range knex.Adapter.Detect(files) {
				dirs = append(dirs, s.Dir)
				set, err := knex.Adapter.Load(t.Context(), files, s)
				if err != nil || len(set.Migrations) != 1 || len(set.Migrations[0].Source.Parts) != 1 {
					t.Errorf("load %s: %v; it reads %+v, want one migration of one statement", s.Dir, err, set)
				}
			}
			if !slices.Equal(dirs, tc.want) {
				t.Errorf("Detect finds %q, want %q", dirs, tc.want)
			}
		})
	}
}
