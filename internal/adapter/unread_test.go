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
		"src/database/migrations/seed.ts":              []byte("import { Kysely } from 'kysely';\n"),
	}
	text := adapter.NotFound(tree, adapters, nil).Error()
	for _, want := range []string{
		"db/migrate holds 2 files for Rails, which onward does not read: give the SQL that they run to onward check",
		"app/alembic/versions holds 1 file for Alembic, which onward does not read: give onward check what alembic upgrade FROM:TO --sql prints",
		"priv/repo/migrations holds 1 file for Ecto",
		"src/database/migrations holds 2 files for Kysely, which onward does not read",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "engine") || strings.Contains(text, "lib/versions") {
		t.Error(text)
	}
}
