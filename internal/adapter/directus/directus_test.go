package directus_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/directus"
)

// TestDirectories looks for the directories of migrations.
func TestDirectories(t *testing.T) {
	const text, container = "module.exports = { async up(knex) {} }\n", "FROM directus/directus:12\n"
	for name, tc := range map[string]struct {
		tree adaptertest.Files
		want []string
	}{
		"beside a container's file": {
			tree: adaptertest.Files{"api/Dockerfile": []byte(container), "api/migrations/20240101A-a.cjs": []byte(text)}, want: []string{"api/migrations"},
		},
		"of an older version": {
			tree: adaptertest.Files{"Dockerfile": []byte(container), "extensions/migrations/1-a.js": []byte(text)}, want: []string{"extensions/migrations"},
		},
		"of another tool": {
			tree: adaptertest.Files{"Dockerfile": []byte(container), "migrations/20240101000000_add-a.js": []byte(text)},
		},
		"set": {
			tree: adaptertest.Files{
				"compose.yml":      []byte("services:\n  cms:\n    image: directus/directus\n    environment:\n      MIGRATIONS_PATH: /directus/changes\n"),
				"changes/01-a.mjs": []byte("export async function up(knex) {}\n"),
			},
			want: []string{"changes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range directus.Adapter.Detect(tc.tree) {
				got = append(got, s.Dir)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
