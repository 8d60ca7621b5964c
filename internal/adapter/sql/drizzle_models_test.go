package sql

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

func TestDrizzleModels(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"src/db/schema.ts": []byte(`import { pgTable, text } from 'drizzle-orm/pg-core'
// const gone = pgTable("gone")
export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey().$defaultFn(() => nano({ size: 3, of: "a, b: text('no')" })),
    /* was: old: text('old'), */
    createdAt: timestamp('created_at', { withTimezone: true }).defaultNow(),
    ...stamps,
    "lastSeen": timestamp(), // later: text('later')
    kind: kinds.state('kind').notNull(),
  },
  (table) => [index('i').on(table.id)]
)
const later = shop.table("later", (t) => ({ n: t.integer() }));
`),
		"src/db/query.test.ts": []byte(`const x = pgTable("x", { id: text("id") })`),
		"src/ui/button.ts":     []byte(`const y = pgTable("y", { id: text("id") })`),
	}
	column := func(field, column string, line int) adapter.ModelColumn {
		return adapter.ModelColumn{Field: field, Column: column, Line: line}
	}
	want := []adapter.Model{
		{Name: "users", Table: "users", Path: "src/db/schema.ts", Line: 3, Unmanaged: true, Columns: []adapter.ModelColumn{
			column("id", "id", 6), column("createdAt", "created_at",
				8), column("lastSeen", "last_seen", 10), column("lastSeen", "lastSeen", 10), column("kind", "kind", 11),
		}},
		{Name: "later", Table: "later", Path: "src/db/schema.ts", Line: 15, Unmanaged: true, Columns: []adapter.ModelColumn{column("n", "n", 15)}},
	}
	if diff := cmp.Diff(want, readDrizzleModels(tree)); diff != "" {
		t.Error(diff)
	}
	for _, broken := range []string{
		"const a = pgTable('a', {", "const a = pgTable('a', { x: text('", "const a = pgTable('a', { /*",
		"const a = pgTable('a', { x: text('x' }}}",
	} {
		parseDrizzleTables("a.ts", broken)
	}
}
