package sequelize_test

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sequelize"
)

// TestConfigured: .sequelizerc names the directory of migrations, whatever their functions call the query interface.
func TestConfigured(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings string
		want     []string
	}{
		"resolved": {
			"const path = require('path');\nmodule.exports = { config: path.resolve('c.js'), 'migrations-path': path.resolve('db', 'changes') };\n",
			[]string{"api/db/changes"},
		},
		"of the file's directory": {"module.exports = { 'migrations-path': path.join(__dirname, 'db/changes') }", []string{"api/db/changes"}},
		"the default":             {"const path = require('path');\nmodule.exports = { config: path.resolve('c.js') }", []string{"api/migrations"}},
		"computed":                {"module.exports = { 'migrations-path': place() }", nil},
		"empty":                   {"\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := []byte("module.exports = { up: (q) => q.addColumn('users', 'age', { type: 'INTEGER' }) }\n")
			files := adaptertest.Files{"api/.sequelizerc": []byte(tc.settings), "api/db/changes/1-a.js": program, "api/migrations/1-a.js": program}
			var dirs []string
			for _, s := range sequelize.Adapter.Detect(files) {
				dirs = append(dirs, s.Dir)
				set, err := sequelize.Adapter.Load(t.Context(), files, s)
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
