package adapter_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

func TestUnread(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"db/migrate/20240101000000_a.rb": nil, "db/migrate/20240102000000_b.rb": nil,
		"app/alembic/env.py": nil, "app/alembic/versions/1_a.py": nil,
		"lib/versions/a.py":                            nil, // of something else
		"priv/repo/migrations/20240101_a.exs":          nil,
		"priv/repo/migrations/.formatter.exs":          nil,
		"vendor/engine/db/migrate/2024_other.rb":       nil,
		"src/database/migrations/20240324T085400-a.ts": []byte("import { Kysely, sql } from 'kysely';\n"),
		"src/database/migrations/20240324T085500-b.ts": []byte("export async function up(db) {}\n"),
		"test/migrations/20240324-a.test.ts":           []byte("import { Kysely } from 'kysely';\n"),
		"src/database/migrations/seed.ts":              []byte("import { Kysely } from 'kysely';\n"),
	}
	text := adapter.NotFound(tree, adapters, nil).Error()
	if !strings.HasPrefix(text, "found ") {
		t.Errorf("what is there comes first:\n%s", text)
	}
	for _, want := range []string{
		"found Alembic (1 file in app/alembic/versions): onward init writes the command that prints its SQL to onward.yaml",
		"found Ecto (1 file in priv/repo/migrations)",
		"found Kysely (2 files in src/database/migrations), which is not read yet",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "engine") || strings.Contains(text, "lib/versions") || strings.Contains(text, "test/migrations") {
		t.Error(text)
	}
}
