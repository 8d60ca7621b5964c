package sql

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

func TestPrismaModels(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"app/prisma/schema.prisma": []byte(`datasource db {
  provider = "postgresql"
}

/// Who buys.
model User {
  id        Int      @id @default(autoincrement())
  email     String   @unique @map("email_address") @db.VarChar(255)
  role      Role     @default(BUYER)
  tags      String[]
  place     Unsupported("point")?
  secret    String?  @ignore
  // gone   String
  posts     Post[]
  follows   User[]   @relation("Follows")
  followers User[]   @relation("Follows")
  orders    Order[]

  @@map("users")
  @@schema("shop")
}

enum Role {
  BUYER
  SELLER
}

model Left {
  id Int @id
  @@ignore
}
`),
		"app/prisma/models/post.prisma": []byte("model Post {\r\n  id Int @id\r\n  authors User[]\r\n  view Views?\r\n}\r\nmodel Order {\n  id Int @id\n" +
			"  user User @relation(fields: [userId], references: [id])\n  userId Int @map(name: \"user_id\")\n}\nview Views {\n  n BigInt\n}\n"),
		"other/prisma/schema.prisma": []byte("model Foreign {\n  id Int @id\n}\n"),
	}
	column := func(field, column string, line int) adapter.ModelColumn {
		return adapter.ModelColumn{Field: field, Column: column, Line: line}
	}
	want := []adapter.Model{
		{Name: "Post", Table: "Post", Path: "app/prisma/models/post.prisma", Line: 1, Columns: []adapter.ModelColumn{column("id", "id", 2)}},
		{
			Name:    "Order",
			Table:   "Order",
			Path:    "app/prisma/models/post.prisma",
			Line:    6,
			Columns: []adapter.ModelColumn{column("id", "id", 7), column("userId", "user_id", 9)},
		},
		{Name: "Views", Table: "Views", Path: "app/prisma/models/post.prisma", Line: 11, Unmanaged: true, Columns: []adapter.ModelColumn{column("n", "n", 12)}},
		{Name: "User", Table: `shop"."users`, Path: "app/prisma/schema.prisma", Line: 6, Columns: []adapter.ModelColumn{
			column("id", "id", 7), column("email", "email_address", 8), column("role", "role", 9), column("tags", "tags", 10), column("place", "place", 11),
		}},
		{
			Name:    "Post.authors",
			Table:   "_PostToUser",
			Path:    "app/prisma/models/post.prisma",
			Line:    3,
			Columns: []adapter.ModelColumn{column("authors", "A", 3), column("authors", "B", 3)},
		},
		{
			Name:    "User.follows",
			Table:   "_Follows",
			Path:    "app/prisma/schema.prisma",
			Line:    15,
			Columns: []adapter.ModelColumn{column("follows", "A", 15), column("follows", "B", 15)},
		},
	}
	if diff := cmp.Diff(want, PrismaModels(tree, "app/prisma/migrations")); diff != "" {
		t.Error(diff)
	}
	if got := PrismaModels(tree, "elsewhere/migrations"); got != nil {
		t.Errorf("no schema, and models: %v", got)
	}
}
