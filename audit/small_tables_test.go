package audit

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

// The signs of a small table make the error about a lock's time a warning, with the reason. Whatever may insert keeps it an error.
func TestProbablySmallTables(t *testing.T) {
	t.Parallel()
	const (
		roles    = "CREATE TABLE roles (id int PRIMARY KEY, name text);\n"
		rows     = "INSERT INTO roles VALUES (1, 'admin'), (2, 'user');\n"
		one      = "INSERT INTO roles VALUES (1, 'admin');\n"
		updates1 = "-- store.go --\npackage store\n\nconst q = `UPDATE roles SET name = $1 WHERE id = 1`\n"
		reads1   = "const r = `SELECT name FROM roles WHERE id = 1`\n"
		updates  = "-- store.go --\npackage store\n\nconst q = `UPDATE roles SET name = $2 WHERE id = $1`\n"
		whole    = "-- store.go --\npackage store\n\nconst q = `SELECT code, name FROM roles ORDER BY name`\n"
		coded    = "CREATE TABLE roles (code text PRIMARY KEY, name text);\n"
		index    = "-- db/migrations/002_b.sql --\nCREATE INDEX roles_name ON roles (name);\n"
		reads    = "-- store.go --\npackage store\n\nconst q = `SELECT name FROM roles WHERE id = 1`\n"
		schema   = "-- src/schema.rs --\ndiesel::table! {\n    roles (id) {\n        id -> Int4,\n        name -> Text,\n    }\n}\n"
	)
	for name, tc := range map[string]struct{ base, Files, next, why string }{
		"seeds that code changes": {roles + rows, updates, index, "only migrations fill it, with 2 rows"},
		"seeds by SELECT": {
			roles + "INSERT INTO roles SELECT 1, 'a' UNION ALL SELECT 2, 'b';\nINSERT INTO roles SELECT * FROM (VALUES (3, 'c')) v ON CONFLICT DO NOTHING;\n",
			updates, index, "only migrations fill it, with 3 rows",
		},
		"DEFAULT VALUES": {
			"CREATE TABLE roles (id serial PRIMARY KEY, name text DEFAULT 'x');\nINSERT INTO roles DEFAULT VALUES;\n", updates,
			index, "only migrations fill it, with one row",
		},
		"one row by a CHECK": {"CREATE TABLE roles (id int PRIMARY KEY CHECK (id = 1), name text);\n", updates, index, "a constraint lets it hold one row"},
		"one row by a boolean": {
			"CREATE TABLE roles (id bool PRIMARY KEY DEFAULT true, name text, CONSTRAINT one CHECK (id));\n", updates, index,
			"a constraint lets it hold one row",
		},
		"a list of values": {
			"CREATE TABLE roles (id text PRIMARY KEY CHECK (id IN ('a', 'b', 'c')), name text);\n", updates, index,
			"a constraint lets it hold 3 rows",
		},
		"one row by an index": {
			"CREATE TABLE roles (id int, name text);\nCREATE UNIQUE INDEX one ON roles ((true));\n", updates, index,
			"a constraint lets it hold one row",
		},
		"read whole, with a code": {coded, whole, index, "its key is code, no code inserts into it, and store.go:3 reads all rows at once"},
		"seeds, and Diesel":       {roles + rows, schema, index, "only migrations fill it, with 2 rows"},
		"seeds of a script": {
			coded, whole + "-- db/seeds/roles.sql --\nINSERT INTO roles VALUES ('a', 'A');\n", index,
			"its key is code, no code inserts into it, and store.go:3 reads all rows at once",
		},
		"read whole, no code": {roles, whole, index, ""},
		"read in part":        {coded, "-- store.go --\npackage store\n\nconst q = `SELECT name FROM roles WHERE code = $1`\n", index, ""},
		"an aggregate":        {coded, "-- store.go --\npackage store\n\nconst q = `SELECT count(*) FROM roles`\n", index, ""},
		"a handler inserts":   {coded, whole + "const w = `INSERT INTO roles VALUES ($1, $2)`\n", index, ""},
		"a handler inserts one row": {
			"CREATE TABLE roles (id int PRIMARY KEY CHECK (id = 1), name text);\n",
			updates + "const w = `INSERT INTO roles VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET name = excluded.name`\n",
			index, "",
		},
		"COPY": {roles + rows, updates + "const w = `COPY roles FROM STDIN`\n", index, ""},
		"into a view": {
			coded + "CREATE VIEW names AS SELECT code, name FROM roles;\n",
			whole + "const w = `INSERT INTO names VALUES ($1, $2)`\n", index, "",
		},
		"a function": {
			coded + "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.roles VALUES ('x', 'x'); END $$;\n",
			whole, index, "",
		},
		"a function of SQL's own": {
			coded + "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO roles VALUES ('x', 'x'); END;\n",
			whole, index, "",
		},
		"a function of another table": {
			coded + "CREATE TABLE logs (a text);\nCREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO logs SELECT name FROM roles; END $$;\n",
			whole, index, "its key is code, no code inserts into it, and store.go:3 reads all rows at once",
		},
		"text that a function runs": {
			coded + "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO %I VALUES (1)', 'roles'); END $$;\n",
			whole, index, "",
		},
		"a function that makes others": {
			roles + rows + "CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'CREATE FUNCTION g() RETURNS void LANGUAGE sql AS ' || " +
				"quote_literal('INSERT INTO ' || t || ' VALUES (1)'); END $$;\n",
			updates, index, "",
		},
		"a rule": {
			coded + "CREATE TABLE old (a text);\nCREATE RULE r AS ON INSERT TO old DO INSTEAD INSERT INTO roles VALUES (new.a, new.a);\n",
			whole, index, "",
		},
		"a mapper": {
			roles + rows,
			updates + "-- role.ts --\nimport { Entity, Column, PrimaryColumn } from 'typeorm';\n@Entity('roles')\nexport class Role {\n" +
				"  @PrimaryColumn() id: number;\n  @Column() name: string;\n}\n",
			index, "only migrations fill it, with 2 rows",
		},
		"a mapper's repository": {
			roles + rows,
			updates + "-- role.ts --\nimport { Entity, Column, PrimaryColumn } from 'typeorm';\n@Entity('roles')\nexport class Role {\n" +
				"  @PrimaryColumn() id: number;\n  @Column() name: string;\n}\n" +
				"-- service.ts --\nexport class Service {\n  constructor(@InjectRepository(Role) private readonly list: Repository<Role>) {}\n\n\n\n\n\n" +
				"  add(r) {\n    return this.list.save(r);\n  }\n}\n",
			index, "",
		},
		"a mapper's object": {
			roles + rows,
			updates + "-- role.ts --\nimport { Entity, Column, PrimaryColumn } from 'typeorm';\n@Entity('roles')\nexport class Role {\n" +
				"  @PrimaryColumn() id: number;\n  @Column() name: string;\n}\n" +
				"-- add.ts --\nexport function make() {\n  return new Role();\n}\n",
			index, "",
		},
		"a mapper's repository that reads": {
			roles + rows,
			updates + "-- role.ts --\nimport { Entity, Column, PrimaryColumn } from 'typeorm';\n@Entity('roles')\nexport class Role {\n" +
				"  @PrimaryColumn() id: number;\n  @Column() name: string;\n}\n" +
				"-- service.ts --\nexport class Service {\n  constructor(@InjectRepository(Role) private readonly list: Repository<Role>) {}\n" +
				"  all() {\n    return this.list.find();\n  }\n}\n",
			index, "only migrations fill it, with 2 rows",
		},
		"models that are found at run time": {
			roles + rows,
			updates + "-- role.ts --\nimport { Entity, Column, PrimaryColumn } from 'typeorm';\n@Entity('roles')\nexport class Role {\n" +
				"  @PrimaryColumn() id: number;\n  @Column() name: string;\n}\n" +
				"-- restore.ts --\nexport async function restore(source, name, list) {\n  await source.getRepository(name).save(list);\n}\n",
			index, "",
		},
		"its name is a text": {roles + rows, updates + "var b = lists(\"roles\")\n", index, ""},
		"Diesel inserts": {
			roles + rows,
			schema + "-- src/lib.rs --\nfn add(c: &mut C) {\n    diesel::insert_into(roles::table).values(id.eq(1)).execute(c);\n}\n",
			index, "",
		},
		"an API that nobody knows": {
			roles + rows,
			updates + "-- src/add.java --\nclass A { void a() { db.insertInto(Tables.ROLES).values(1, \"x\"); } }\n", index,
			"",
		},
		"copied from a table": {roles + "CREATE TABLE users (role text);\nINSERT INTO roles SELECT 3, role FROM users;\n", updates, index, ""},
		"rows from a series":  {roles + "INSERT INTO roles SELECT g, '' FROM generate_series(1, 1000000) g;\n", updates, index, ""},
		"the release copies": {
			roles + rows + "CREATE TABLE users (role text);\n", updates,
			"-- db/migrations/002_b.sql --\nINSERT INTO roles SELECT 3, role FROM users;\n-- db/migrations/003_c.sql --\nCREATE INDEX roles_name ON roles (name);\n",
			"",
		},
		"another table has its name": {
			roles + rows + "CREATE TABLE big (id int, name text);\n", updates,
			"-- db/migrations/002_b.sql --\nALTER TABLE roles RENAME TO gone;\nALTER TABLE big RENAME TO roles;\n-- db/migrations/003_c.sql --\n" +
				"CREATE INDEX roles_name ON roles (name);\n",
			"",
		},
		"a child has rows":            {roles + rows + "CREATE TABLE more () INHERITS (roles);\n", updates, index, ""},
		"a condition that lets NULL":  {"CREATE TABLE roles (id int UNIQUE CHECK (id = 1), name text);\n", updates, index, ""},
		"a unique index of some rows": {"CREATE TABLE roles (id bool NOT NULL, name text);\nCREATE UNIQUE INDEX one ON roles (id) WHERE id;\n", updates, index, ""},
		"one row in all queries, and a text": {
			roles + one, updates1 + reads1 + "var page = link(\"roles\")\n\n" +
				"func f(roles R) { m.Add(\"a\", roles.addr); x := roles.create_time }\n", index, "only migrations fill it, with one row",
		},
		"one row, the first": {
			roles + one, updates1 + "const f = `SELECT name FROM roles LIMIT 1`\nvar page = link(\"roles\")\n", index,
			"only migrations fill it, with one row",
		},
		"one row by a CHECK, and a text": {
			"CREATE TABLE roles (id int PRIMARY KEY CHECK (id = 1), name text);\n", updates + "var page = link(\"roles\")\n", index,
			"a constraint lets it hold one row",
		},
		"one row, the last": {
			roles + one,
			"-- store.go --\npackage store\n\nconst f = `SELECT name FROM roles ORDER BY id DESC LIMIT 1`\n" + "var page = link(\"roles\")\n", index, "",
		},
		"one row in one query": {
			roles + one, updates1 + reads1 + "const f = `SELECT name FROM roles WHERE id = $1`\nvar page = link(\"roles\")\n", index, "",
		},
		"one row, and a text that inserts": {
			roles + one, updates1 + reads1 + "func add() { table(\"roles\").\n\tInsert(role) }\n", index, "",
		},
		"one row, and a query that inserts": {
			roles + one, updates1 + reads1 + "const w = `INSERT INTO roles VALUES ($1, $2)`\n", index, "",
		},
		"seeds, and nothing else uses": {
			roles + rows, "-- store.go --\npackage store\n\nconst q = `SELECT 1 FROM others`\n", index,
			"only migrations fill it, with 2 rows",
		},
		"only read: small, not likely": {roles + rows, reads, index, "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/001_a.sql --\n"+tc.base+tc.Files, tc.next), Base: "main"})
			got := "-"
			for _, f := range r.Findings {
				if f.Rule != "index-create-blocking" {
					continue
				}
				if got = f.ProbablySmall; (f.Severity == onward.Warning) != (got != "") ||
					strings.Contains(f.Harm, "probably small: "+got+" (say so in small_tables, or give --stats)") != (got != "") {
					t.Errorf("index-create-blocking is %s: %s; want a warning with its reason if ProbablySmall is set: %q", f.Severity, f.Harm, got)
				}
			}
			if got != tc.why {
				t.Errorf("%q, want %q", got, tc.why)
			}
		})
	}
}

// A guess lowers what takes time, and nothing else; sizes that are known take its place.
func TestProbablySmallLowersTimeOnly(t *testing.T) {
	t.Parallel()
	dir := repository(t, `-- db/migrations/001_a.sql --
CREATE TABLE settings (id int PRIMARY KEY CHECK (id = 1), theme text, old text);
CREATE TABLE orders (id int PRIMARY KEY, setting int);
-- store.go --
package store

const q = `+"`UPDATE settings SET theme = $1, old = $2`"+`
const w = `+"`INSERT INTO orders VALUES ($1, $2)`"+`
`, `-- db/migrations/002_b.sql --
ALTER TABLE settings ALTER COLUMN theme SET NOT NULL;
-- db/migrations/003_c.sql --
ALTER TABLE settings DROP COLUMN old;
-- db/migrations/004_d.sql --
BEGIN;
ALTER TABLE orders ADD COLUMN total int;
CREATE INDEX themes ON settings (theme);
COMMIT;
UPDATE settings SET theme = 'x';
-- db/migrations/005_e.sql --
CLUSTER settings USING settings_pkey;
CLUSTER orders USING orders_pkey;
DELETE FROM settings WHERE theme = 'y';
DELETE FROM orders WHERE setting = 1;
-- db/migrations/006_f.sql --
ALTER TABLE settings ADD COLUMN note text NOT NULL;
`)
	c := Config{Dir: dir, Base: "main"}
	r := changelog0(t, c)
	severity := map[string]string{}
	for _, f := range r.Findings {
		severity[f.Rule+" "+filepath.Base(f.Path)] += f.Severity.String() + " "
	}
	for ruleAndFile, want := range map[string]string{
		"column-set-not-null-scan 002_b.sql": "warning ", "column-drop 003_c.sql": "error ", "index-create-blocking 004_d.sql": "warning ", "data-update-unbatched 004_d.sql": "warning ",
		"table-cluster 005_e.sql": "warning error ", "column-add-required 006_f.sql": "error ",
		"data-delete-unbatched 005_e.sql": "info warning ",
	} {
		if severity[ruleAndFile] != want {
			t.Errorf("%s: %q, want %q; all: %v", ruleAndFile, severity[ruleAndFile], want, severity)
		}
	}
	gittest.WriteFiles(t, dir, map[string]string{"stats.json": strings.ReplaceAll(stats, "public.users", "public.settings")})
	c.Deployed.Stats = filepath.Join(dir, "stats.json")
	for _, f := range changelog0(t, c).Findings {
		if f.ProbablySmall != "" || f.Rule == "column-set-not-null-scan" && f.Severity != onward.Error {
			t.Errorf("with sizes: %s %s: %q", f.Severity, f.Rule, f.ProbablySmall)
		}
	}
}

// A table of Prisma's that only migrations fill is small if no code makes its rows, be it through another model's.
func TestProbablySmallModels(t *testing.T) {
	t.Parallel()
	const base = "-- prisma/migrations/migration_lock.toml --\nprovider = \"postgresql\"\n-- prisma/migrations/1_a/migration.sql --\n" +
		"CREATE TABLE \"Role\" (\"id\" INTEGER PRIMARY KEY, \"name\" TEXT);\nCREATE TABLE \"User\" (\"id\" INTEGER PRIMARY KEY, \"rank\" INTEGER);\n" +
		"INSERT INTO \"Role\" VALUES (1, 'admin'), (2, 'user');\n-- prisma/schema.prisma --\nmodel Role {\n  id Int @id\n  name String?\n  users User[]\n}\n" +
		"model User {\n  id Int @id\n  rank Role @relation(fields: [rankId])\n  rankId Int @map(\"rank\")\n}\n"
	const read = "-- src/read.ts --\nexport const list = () => prisma.role.findMany();\n"
	const index = "-- prisma/migrations/2_b/migration.sql --\nCREATE INDEX \"role_names\" ON \"Role\"(\"name\");\n"
	for name, tc := range map[string]struct{ Files, why string }{
		"read":              {read, "only migrations fill it, with 2 rows"},
		"a script of seeds": {read + "-- prisma/seed.ts --\nawait prisma.role.upsert({ where: { id: 1 } });\n", "only migrations and prisma/seed.ts fill it"},
		"a handler":         {read + "-- src/add.ts --\nexport const add = (name) => prisma.role.create({ data: { name } });\n", ""},
		"through a relation": {
			read + "-- src/add.ts --\nexport const add = (id) => prisma.user.update({ data: {\n  rank: { create: { name: 'x' } },\n} });\n", "",
		},
		"any model": {read + "-- src/load.ts --\nexport const load = (name, data) => prisma[name].createMany({ data });\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, base+tc.Files, index), Base: "main"})
			for _, f := range r.Findings {
				if f.Rule == "index-create-blocking" {
					if f.ProbablySmall != tc.why || (f.Severity == onward.Warning) != (tc.why != "") {
						t.Errorf("%s: %q, want %q", f.Severity, f.ProbablySmall, tc.why)
					}
					return
				}
			}
			t.Error("no finding")
		})
	}
}
