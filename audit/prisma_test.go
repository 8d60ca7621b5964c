package audit

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Prisma's client names every column of its models by itself.
func TestPrismaModels(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, `-- prisma/migrations/migration_lock.toml --
provider = "postgresql"
-- prisma/migrations/1_a/migration.sql --
CREATE TABLE "users" ("id" INTEGER PRIMARY KEY, "state" TEXT);
-- prisma/schema.prisma --
model Post {
  state String
}
model User {
  id     Int     @id
  status String? @map("state")
  @@map("users")
}
`, `-- prisma/migrations/2_b/migration.sql --
ALTER TABLE "users" DROP COLUMN "state";
`), Base: "main"})
	var got []string
	for _, f := range r.Findings {
		for _, e := range f.Evidence {
			got = append(got, fmt.Sprintf("%s %s %s:%d %s", f.Severity, f.Rule, e.Path, e.Line, e.Text))
		}
	}
	if diff := cmp.Diff([]string{"error column-drop prisma/schema.prisma:6 User.status: each query of the model names the column"}, got); diff != "" {
		t.Error(diff)
	}
}

// A field of Prisma's that no migration makes breaks the new code.
func TestPrismaColumnMissing(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, `-- prisma/migrations/migration_lock.toml --
provider = "postgresql"
-- prisma/migrations/1_a/migration.sql --
CREATE TABLE "User" ("id" INTEGER PRIMARY KEY);
-- prisma/schema.prisma --
model User {
  id Int @id
}
`, `-- prisma/schema.prisma --
enum Mood {
  GOOD
}
model User {
  id    Int     @id
  nick  String?
  lost  String? @map("lost_one")
  posts Post[]
}
model Post {
  id    Int    @id
  mood  Mood   @map("the_mood")
  users User[]
  @@map("posts")
}
-- prisma/migrations/2_b/migration.sql --
ALTER TABLE "User" ADD COLUMN "nick" TEXT;
CREATE TYPE "Mood" AS ENUM ('GOOD');
CREATE TABLE "posts" ("id" INTEGER PRIMARY KEY, "the_mood" "Mood" NOT NULL);
CREATE TABLE "_PostToUser" ("A" INTEGER NOT NULL, "B" INTEGER NOT NULL);
`), Base: "main"})
	if diff := cmp.Diff([]string{
		"error release-column-missing schema.prisma:7", "warning transaction-lock-timeout-missing migration.sql:1",
	}, found(r)); diff != "" {
		t.Error(diff)
	}
	if r.Summary.Verdict != "This release is not safe to deploy: new code breaks at schema.prisma:7." {
		t.Errorf("the verdict is %q, want new code that breaks at schema.prisma:7", r.Summary.Verdict)
	}
}

// The table of a relation between many and many has a name that no code has.
func TestPrismaJoinTable(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		"model Post {\n  id Int @id\n  tags Tag[]\n}\nmodel Tag {\n  id Int @id\n  posts Post[]\n}\n":                                   "error",
		"model Post {\n  id Int @id\n  tag Tag @relation(fields: [tagId])\n}\nmodel Tag {\n  id Int @id\n  posts Post[]\n}\n":           "info",
		"model Post {\n  id Int @id\n  tags Tag[] @relation(\"x\")\n}\nmodel Tag {\n  id Int @id\n  posts Post[] @relation(\"x\")\n}\n": "info",
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- prisma/migrations/1_a/migration.sql --\nCREATE TABLE \"Post\" (id int);\n"+
			"CREATE TABLE \"_PostToTag\" (\"A\" int, \"B\" int);\n-- src/posts.ts --\nexport const posts = prisma.post.findMany()\n-- prisma/schema.prisma --\n"+schema,
			"-- prisma/migrations/2_b/migration.sql --\nSET lock_timeout = '2s';\nDROP TABLE \"_PostToTag\";\n"), Base: "main"})
		got := severityOf(r, "table-drop")
		if got != want {
			t.Errorf("%s: table-drop is %q, want %q: %v", schema, got, want, found(r))
		}
	}
}
