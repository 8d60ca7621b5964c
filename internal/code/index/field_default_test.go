package index_test

import "testing"

// TestDefaults checks whether the database or the model has the default of a column: users.kind.
func TestDefaults(t *testing.T) {
	t.Parallel()
	const python = "class User(Base):\n    __tablename__ = 'users'\n    kind: Mapped[str] = mapped_column("
	const entity, sequelize = "@Entity('users')\nexport class User {\n  ", "sequelize.define('user', { kind: { type: DataTypes.STRING"
	const snapshot = "using Npgsql;\nmodelBuilder.Entity(\"A.User\", b =>\n  {\n    b.Property<"
	for text, want := range map[string]string{
		python + "String, server_default='a')":                                                            "server",
		python + "String,\n        server_default=func.now(),\n    )":                                     "server",
		python + "String, default='a')":                                                                   "model",
		python + "String, default=None)":                                                                  "",
		python + "String)":                                                                                "",
		entity + "@Column({ default: 'a' })\n  kind: string;\n}":                                          "server",
		entity + "@CreateDateColumn()\n  kind: Date;\n}":                                                  "server",
		entity + "@Property({ onCreate: () => 'a' })\n  kind: string;\n}":                                 "model",
		entity + "@Column({ default: 'a' })\n  other: string;\n  @Column()\n  kind: string;\n}":           "",
		sequelize + ", defaultValue: 'a' } });":                                                           "model",
		sequelize + " } });":                                                                              "",
		"import 'drizzle-orm';\nconst u = pgTable('users', {\n  kind: text().default('a'),\n});":          "server",
		"import 'drizzle-orm';\nconst u = pgTable('users', {\n  kind: text().$defaultFn(() => 'a'),\n});": "model",
		"defmodule U do\n  schema \"users\" do\n    field :kind, :string, default: \"a\"\n  end\nend":     "model",
		"defmodule U do\n  schema \"users\" do\n    field :kind, :string, default: nil\n  end\nend":       "",
		"defmodule U do\n  schema \"users\" do\n    field :kind, :a, read_after_writes: true\n  end\nend": "server",
		snapshot + "string>(\"kind\")\n      .HasDefaultValueSql(\"'a'\");\n    b.ToTable(\"users\");\n":  "server",
		snapshot + "int>(\"kind\");\n    b.ToTable(\"users\");\n":                                         "model",
		snapshot + "int?>(\"kind\");\n    b.ToTable(\"users\");\n":                                        "",
	} {
		file := "a.py"
		switch text[:3] {
		case "@En", "imp":
			file = "a.ts"
		case "seq":
			file = "a.js"
		case "def":
			file = "a.ex"
		case "usi":
			file = "AModelSnapshot.cs"
		}
		got := ""
		switch server, model := bound(t, map[string]string{file: text}).Defaults(users, "kind"); {
		case server:
			got = "server"
		case model:
			got = "model"
		}
		if got != want {
			t.Errorf("%q, want %q:\n%s", got, want, text)
		}
	}
}

// TestSnapshotNulls checks which properties of a snapshot of Entity Framework fail to read NULL.
func TestSnapshotNulls(t *testing.T) {
	t.Parallel()
	b := bound(t, map[string]string{"AModelSnapshot.cs": "using Npgsql;\nmodelBuilder.Entity(\"A.User\", b =>\n  {\n    b.Property<int>(\"a\");\n" +
		"    b.Property<int?>(\"b\");\n    b.Property<string>(\"c\")\n      .IsRequired()\n      .HasColumnType(\"text\");\n    b.Property<string>(\"d\");\n" +
		"    b.ToTable(\"users\");\n"})
	for column, fails := range map[string]bool{"a": true, "b": false, "c": true, "d": false} {
		if list := b.Nulls(users, column); len(list) != 1 || (list[0].Null == 1) != fails {
			t.Errorf("Nulls(users, %q) = %v, want one, that fails: %t", column, list, fails)
		}
	}
}
