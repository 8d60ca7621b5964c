package index_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/internal/pgparse"
)

// schema is what the tests' code works on.
func schema(t *testing.T) *catalog.Catalog {
	t.Helper()
	c := catalog.New()
	f, err := pgparse.SplitText("CREATE TABLE users (id int, name text, kind text); CREATE TABLE teams (id int, kind text, owner_id int); CREATE FUNCTION kept() RETURNS SETOF text LANGUAGE sql AS ''; CREATE SCHEMA crm; CREATE TABLE crm.leads (id int, kind text)")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Stmts {
		c, _ = c.Apply(s.Node, "")
	}
	return c
}

func bound(t *testing.T, files map[string]string) *index.Bound {
	t.Helper()
	var list []index.File
	for name, text := range files {
		found := read.Read(name, []byte(text))
		// Stored facts are complete.
		decodedFacts, err := facts.Decode(found.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(found, decodedFacts); diff != "" {
			t.Fatalf("%s: (-read +kept)\n%s", name, diff)
		}
		list = append(list, index.File{Path: name, Facts: decodedFacts})
	}
	return &index.Bound{Index: index.NewIndex(list), Schema: schema(t)}
}

// checkColumn checks in which places files use a column.
func checkColumn(t *testing.T, name string, files map[string]string, table catalog.Name, column, want string) {
	t.Helper()
	if got := places(bound(t, files).Column(table, column)); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}

func places(uses []index.Use) string {
	var out []string
	for _, u := range uses {
		out = append(out, fmt.Sprintf("%s:%d", u.Path, u.Line))
	}
	return strings.Join(out, " ")
}

var (
	users = catalog.Name{Schema: "public", Name: "users"}
	teams = catalog.Name{Schema: "public", Name: "teams"}
)

// A name in a query is a column of the tables that the query says, and of no other.
func TestColumnsOfQueries(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][2]bool{ // users.kind, teams.kind
		"SELECT kind FROM users": {true, false},
		"SELECT t.kind FROM users u JOIN teams t ON t.owner_id = u.id":                               {false, true},
		"SELECT name FROM users WHERE id IN (SELECT owner_id FROM teams WHERE kind = 'x')":           {false, true},
		"SELECT name FROM users WHERE EXISTS (SELECT 1 FROM teams WHERE owner_id = users.id)":        {false, false},
		"WITH x AS (SELECT id, kind FROM teams) SELECT kind FROM x":                                  {false, true},
		"INSERT INTO users (name, kind) SELECT name, 'x' FROM teams":                                 {true, false},
		"UPDATE teams SET kind = 'x' FROM users WHERE users.id = owner_id":                           {false, true},
		"INSERT INTO users (id) VALUES (1) ON CONFLICT (kind) DO NOTHING":                            {true, false},
		"DELETE FROM users USING teams t WHERE t.kind = 'a'":                                         {false, true},
		"SELECT count(*) AS kind FROM users":                                                         {false, false},
		"WITH x AS (SELECT * FROM teams) SELECT kind FROM x":                                         {false, true},
		"SELECT s.kind FROM (SELECT u.*, t.id AS of FROM users u, teams t) s":                        {true, false},
		"SELECT s.kind FROM (SELECT *, name AS kind FROM users) s":                                   {false, false},
		"WITH RECURSIVE x AS (SELECT * FROM teams UNION SELECT x.* FROM x) SELECT x.kind FROM x":     {false, true},
		"SELECT kind FROM kind JOIN users ON true":                                                   {true, false},
		"SELECT (u).kind FROM users u":                                                               {true, false},
		"SELECT kind FROM users u (id, kind)":                                                        {false, false},
		"SELECT (SELECT kind FROM teams) FROM (SELECT name AS kind FROM users) s":                    {false, true},
		"SELECT kind FROM crm.leads":                                                                 {false, false},
		"MERGE INTO users u USING teams t ON t.id = u.id WHEN MATCHED THEN UPDATE SET kind = t.kind": {true, true},
	} {
		b := bound(t, map[string]string{"q.sql": sql + ";\n"})
		if got := [2]bool{len(b.Column(users, "kind")) > 0, len(b.Column(teams, "kind")) > 0}; got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}

// SQL is found in the strings of each language, as it is put together there.
func TestStringsOfLanguages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, code, want string }{
		"Go raw":             {"a.go", "q := `\n\tSELECT id,\n\t\tkind\n\tFROM users`\n", "a.go:3"},
		"Go joined":          {"a.go", "q := \"SELECT id, \" +\n\t\"kind \" +\n\t\"FROM users\"\n", "a.go:2"},
		"Go constant":        {"a.go", "const cols = \"id, kind\"\n\nvar q = \"SELECT \" + cols + \" FROM users WHERE id = $1\"\n", "a.go:1"},
		"Go Sprintf":         {"a.go", "fmt.Sprintf(`SELECT kind FROM users WHERE %s ORDER BY %s LIMIT %d`, a, b, c)\n", "a.go:1"},
		"Go list":            {"a.go", "fields := []string{\"id\", \"kind\"}\nq := \"INSERT INTO users (\" + strings.Join(fields, \", \") + \") VALUES (\" + args + \")\"\n", "a.go:1"},
		"Go comment":         {"a.go", "// \"SELECT kind FROM users\"\n/* `SELECT kind FROM users` */\n", ""},
		"Go rune":            {"a.go", "x := '\"'\nq := \"SELECT kind FROM users\"\n", "a.go:2"},
		"Python adjacent":    {"a.py", "q = (\n  'SELECT id, \"kind\" '\n  f'FROM users WHERE {x}'\n)\n", "a.py:2"},
		"Python triple":      {"a.py", "q = \"\"\"\n  SELECT id\n  FROM users\n  WHERE kind = %(kind)s\n\"\"\"\n", "a.py:4"},
		"Python named":       {"a.py", "q = 'SELECT id FROM users WHERE name = %(kind)s'\n", ""},
		"template":           {"a.ts", "db.query(`SELECT kind FROM users ${where} ORDER BY ${sort}`)\n", "a.ts:1"},
		"template in one":    {"a.ts", "sql`SELECT id FROM teams ${on ? sql`WHERE id IN (SELECT id FROM users WHERE kind = 1)` : ``}`\n", "a.ts:1"},
		"pattern":            {"a.ts", "s.replace(/'/g, ''); q = 'SELECT kind FROM users';\n", "a.ts:1"},
		"Ruby heredoc":       {"a.rb", "q = <<~SQL\n  SELECT kind\n  FROM users WHERE id = #{id}\nSQL\n", "a.rb:2"},
		"PHP heredoc":        {"a.php", "$q = <<<SQL\n  SELECT kind FROM users WHERE id = $id\nSQL;\n", "a.php:2"},
		"Rust raw":           {"a.rs", "let q = r#\"SELECT \"kind\" FROM users\"#;\n", "a.rs:1"},
		"Rust lifetime":      {"a.rs", "fn f<'a>(x: &'a str) { q(\"SELECT kind FROM users\") }\n", "a.rs:1"},
		"Rust format":        {"a.rs", "format!(\"update users set kind = '{}' where {}\", a, b);\n", "a.rs:1"},
		"Java text block":    {"A.java", "String q = \"\"\"\n  SELECT kind\n  FROM users WHERE id = :id\n  \"\"\";\n", "A.java:2"},
		"Kotlin":             {"a.kt", "val q = \"\"\"select kind from users where id = ${id}\"\"\"\n", "a.kt:1"},
		"C# verbatim":        {"a.cs", "var q = @\"SELECT id,\n  \"\"kind\"\"\nFROM \"\"users\"\"\";\n", "a.cs:2"},
		"Elixir":             {"a.ex", "Repo.query(\"SELECT kind FROM users WHERE id = $1\", [id])\n", "a.ex:1"},
		"shell":              {"a.sh", "psql <<SQL\nSELECT kind FROM users;\nSQL\n", "a.sh:2"},
		"named queries":      {"a.sql", "-- BLOCK one\nSELECT id FROM teams WHERE id = $id;\n\n-- BLOCK two\nSELECT kind FROM users WHERE id = $user_id;\n", "a.sql:5"},
		"template of SQL":    {"a.sql.j2", "SELECT kind FROM users {% if x %} WHERE id = {{ id }} {% endif %};\n", "a.sql.j2:1"},
		"mapper XML":         {"UserMapper.xml", "<select id=\"a\">\n  SELECT id <if test=\"x\">, kind</if> FROM users WHERE id &lt; #{id}\n</select>\n", "UserMapper.xml:2"},
		"prose":              {"a.go", "log(\"select the kind from users that you like, and update it\")\n", ""},
		"not read in full":   {"a.go", "q := \"SELECT kind FROM users WHERE ((\" + cond\n", "a.go:1"},
		"condition":          {"a.py", "q.extra(where=[\"users.kind <> ''\"])\n", "a.py:1"},
		"join":               {"a.go", "db.Joins(\"LEFT JOIN teams t ON t.owner_id = users.id AND users.kind = ?\", k)\n", "a.go:1"},
		"builder":            {"a.js", "knex('users')\n  .where({ id })\n  .update({ kind });\n", "a.js:3"},
		"builder of another": {"a.js", "knex('teams').update({ kind });\nknex('users').select('id');\n", ""},
		"import":             {"a.ts", "import { kind } from 'users';\n", ""},
	} {
		checkColumn(t, name, map[string]string{tc.file: tc.code}, users, "kind", tc.want)
	}
}

// A declaration for a mapper is a use of each column.
func TestModels(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, code, want string }{
		"GORM":             {"a.go", "type User struct {\n\tID int `gorm:\"primaryKey\"`\n\tKind string\n}\n", "a.go:3"},
		"GORM, named":      {"a.go", "type Person struct {\n\tID int\n\tKind string\n}\n\nfunc (p *Person) TableName() string {\n\treturn \"users\"\n}\n", "a.go:3"},
		"GORM, left":       {"a.go", "type User struct {\n\tID int `gorm:\"primaryKey\"`\n\tKind string `gorm:\"-\"`\n}\n", ""},
		"GORM, join table": {"a.go", "type Team struct {\n\tID int `gorm:\"primaryKey\"`\n\tPeople []Person `gorm:\"constraint:OnDelete:CASCADE;many2many:users\"`\n}\n", ""},
		"Hibernate":        {"A.hbm.xml", "<hibernate-mapping>\n<class name=\"a.b.Person\" table=\"users\">\n<id name=\"id\"/>\n<property name=\"sort\" column=\"kind\"/>\n</class>\n</hibernate-mapping>\n", "A.hbm.xml:4"},
		"Hibernate, name":  {"A.hbm.xml", "<hibernate-mapping><class name=\"Person\" table=\"users\">\n<set name=\"kinds\" table=\"kinds\"><key column=\"k\"/></set>\n<property name=\"Kind\"/></class></hibernate-mapping>\n", "A.hbm.xml:3"},
		"Hibernate, key":   {"A.hbm.xml", "<hibernate-mapping><class name=\"Team\" table=\"teams\">\n<list name=\"people\" table=\"users\"><key column=\"kind\"/></list></class></hibernate-mapping>\n", "A.hbm.xml:2"},
		"Hibernate, else":  {"A.hbm.xml", "<hibernate-mapping><class name=\"Team\" table=\"teams\">\n<property name=\"kind\"/>\n<set name=\"users\"><key column=\"kind\"/></set></class></hibernate-mapping>\n", ""},
		"bun":              {"a.go", "type P struct {\n\tbun.BaseModel `bun:\"table:users,alias:u\"`\n\tKind string `bun:\"kind\"`\n}\n", "a.go:3"},
		"plain struct":     {"a.go", "type User struct {\n\tKind string\n}\n", ""},
		"SQLAlchemy":       {"a.py", "class Person(Base):\n    __tablename__ = \"users\"\n    id: Mapped[int]\n    kind = Column(String)\n", "a.py:4"},
		"SQLAlchemy map":   {"a.py", "class Person(Base):\n    __tablename__ = \"users\"\n    sort: Mapped[str] = mapped_column(\"kind\")\n", "a.py:3"},
		"core":             {"a.py", "users = Table(\n    \"users\",\n    meta,\n    Column(\"kind\", String),\n)\n", "a.py:4"},
		"reflected":        {"a.py", "users = Table(\"users\", meta, autoload_with=engine)\n", "a.py:1"},
		"Django":           {"a.py", "class Person(models.Model):\n    kind = models.TextField()\n\n    class Meta:\n        db_table = \"users\"\n", "a.py:2"},
		"TypeORM":          {"a.ts", "@Entity('users')\nexport class Person {\n  @Column()\n  kind: string;\n}\n", "a.ts:4"},
		"Drizzle":          {"a.ts", "import { pgTable } from 'drizzle-orm/pg-core';\nexport const people = pgTable('users', {\n  sort: text('kind'),\n});\n", "a.ts:3"},
		"Drizzle, opened":  {"a.ts", "import { pgTable } from 'drizzle-orm/pg-core';\nexport const people = pgTable(\n  'users',\n  {\n    id: integer().primaryKey(),\n    sort: text('kind'),\n  },\n  (t) => [index().on(t.sort)],\n);\n", "a.ts:6"},
		"Drizzle, a call":  {"a.ts", "import { pgTable } from 'drizzle-orm/pg-core';\nexport const people = pgTable('users', {\n  sort: numericCasted(\n    'kind',\n    { precision: 3 },\n  ),\n});\n", "a.ts:3"},
		"Drizzle, others":  {"a.ts", "import { pgTable } from 'drizzle-orm/pg-core';\nexport const people = pgTable('users', columns);\nexport const form = {\n  kind: text(),\n};\n", ""},
		"Zod":              {"a.ts", "export const UserSchema = z.object({\n  id: z.string(),\n  kind: z.enum([\n    'a',\n  ]).nullable(),\n  name: z.string(),\n});\n", "a.ts:3"},
		"Zod, opened":      {"a.ts", "import { z } from 'zod';\nexport const UserRowSchema = z\n  .object({\n    id: z.string(),\n    name: z.string(),\n    kind: z.string(),\n  })\n  .strict();\n", "a.ts:6"},
		"Zod, may lack":    {"a.ts", "export const UserSchema = z.object({\n  id: z.string(),\n  name: z.string(),\n  kind: z.string()\n    .optional(),\n});\n", ""},
		"Zod, a form":      {"a.ts", "export const UserSchema = z.object({\n  kind: z.string(),\n  street: z.string(),\n  city: z.string(),\n});\n", ""},
		"Zod, partial":     {"a.ts", "export const UserSchema = z.object({\n  id: z.string(),\n  name: z.string(),\n  kind: z.string(),\n}).partial();\n", ""},
		"Prisma":           {"a.prisma", "model Person {\n  id Int @id\n  sort String @map(\"kind\")\n\n  @@map(\"users\")\n}\n", "a.prisma:3"},
		"ActiveRecord":     {"a.rb", "class User < ApplicationRecord\nend\n", "a.rb:1"},
		"ignored":          {"a.rb", "class User < ApplicationRecord\n  self.ignored_columns += %w[kind]\nend\n", ""},
		"Sequel":           {"a.rb", "class Person < Sequel::Model(:users)\nend\n", "a.rb:1"},
		"Ecto":             {"a.ex", "schema \"users\" do\n  field :kind, :string\nend\n", "a.ex:2"},
		"JPA, inherited":   {"A.java", "@MappedSuperclass\npublic abstract class Base {\n    @Column(name = \"kind\")\n    String sort;\n}\n\n@Entity\n@Table(name = \"users\")\npublic class Person extends Base {\n    String name;\n}\n", "A.java:4"},
		"JPA, of another":  {"A.java", "@MappedSuperclass\npublic abstract class Base {\n    @Column(name = \"kind\")\n    String sort;\n}\n\n@Entity\n@Table(name = \"users\")\npublic class Person {\n    String name;\n}\n", ""},
		"mixin":            {"a.py", "class HasKind(object):\n    kind = Column(String)\n\nclass Person(HasKind, Base):\n    __tablename__ = \"users\"\n    id = Column(Integer)\n", "a.py:2"},
		"JPA":              {"A.java", "@Entity\n@Table(name = \"users\")\npublic class Person {\n    @Column(name = \"kind\")\n    private String sort;\n}\n", "A.java:5"},
		"Exposed":          {"a.kt", "import org.jetbrains.exposed.sql.Table\nobject People : Table(\"users\") {\n    val sort = varchar(\"kind\", 50)\n}\n", "a.kt:3"},
		"EF":               {"a.cs", "[Table(\"users\")]\npublic class Person\n{\n    [Column(\"kind\")]\n    public string Sort { get; set; }\n}\n", "a.cs:5"},
		"Diesel":           {"a.rs", "diesel::table! {\n    users (id) {\n        id -> Int4,\n        kind -> Text,\n    }\n}\n", "a.rs:4"},
		"SeaORM":           {"a.rs", "#[sea_orm(table_name = \"users\")]\npub struct Model {\n    pub id: i32,\n    pub kind: String,\n}\n", "a.rs:4"},
		"Doctrine":         {"a.php", "#[ORM\\Table(name: 'users')]\nclass Person {\n    #[ORM\\Column]\n    private string $kind;\n}\n", "a.php:4"},
	} {
		checkColumn(t, name, map[string]string{tc.file: tc.code}, users, "kind", tc.want)
	}
}

// The writes of a query are recorded by column and constant.
func TestWrites(t *testing.T) {
	t.Parallel()
	b := bound(t, map[string]string{"a.go": "const (\n\tput = `INSERT INTO users (id, kind) VALUES ($1, 'new')`\n\tset = `UPDATE users SET kind = 'old'::text, name = $2 WHERE id = $1`\n)\n"})
	var got []string
	for _, w := range b.Writes(users) {
		line := fmt.Sprintf("%d:", w.Line)
		for _, c := range w.Columns {
			line += " " + c.Column + "=" + c.Value
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{"2: id= kind=new", "3: kind=old name="}, got); diff != "" {
		t.Error(diff)
	}
}

// Names that are no tables' are found where SQL has them.
func TestObjects(t *testing.T) {
	t.Parallel()
	b := bound(t, map[string]string{"a.py": "cur.execute(\"SELECT crm.rank(%s), x::mood FROM users WHERE kind = 'paid'\")\ncur.execute(\"SELECT nextval('user_no')\")\ncur.execute(\"SET app.tenant = 1\")\nrank = mood = paid = user_no = 1\n"})
	formatUses := func(uses []index.Use) string { return places(uses) }
	for name, got := range map[string]string{
		"function": formatUses(b.Function(catalog.Name{Schema: "crm", Name: "rank"})), "type": formatUses(b.Type(catalog.Name{Name: "mood"})),
		"value": formatUses(b.Value(users, "kind", "paid")), "schema": formatUses(b.InSchema("crm")),
	} {
		if got != "a.py:1" {
			t.Errorf("uses of the %s = %q, want a.py:1", name, got)
		}
	}
	if got := formatUses(b.Relation(catalog.Name{Schema: "public", Name: "user_no"})); got != "a.py:2" {
		t.Errorf("sequence: %q", got)
	}
	if uses, unknown := b.Setting("app.tenant"); formatUses(uses) != "a.py:3" || unknown {
		t.Errorf("setting: %v %v", uses, unknown)
	}
	if b.IsEmpty() || !bound(t, map[string]string{"a.py": "rows = []\n"}).IsEmpty() {
		t.Error("what works on the database, and what does not")
	}
}

// cutOff is SQL of each kind that is read, so that each of its beginnings is SQL that goes on somewhere else.
var cutOff = []string{
	"set a = 'b', c", "SET app.tenant TO 'x'", "SELECT a, b FROM users u JOIN teams t ON t.id = u.team WHERE kind = 'x' ORDER BY 1",
	"INSERT INTO users (id, kind) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind RETURNING *",
	"UPDATE users SET kind = 'x' WHERE id IN (SELECT id FROM teams)", "DELETE FROM users USING teams WHERE true RETURNING *",
	"WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "MERGE INTO users u USING teams t ON true WHEN MATCHED THEN DELETE",
	"COPY users (id) FROM STDIN", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT kind FROM users'",
	"DO $$ BEGIN UPDATE users SET kind = 'x'; END $$", "CALL p(1)", "LOCK TABLE users IN SHARE MODE", "TRUNCATE users, teams", "PREPARE q AS SELECT 1",
	"DECLARE c CURSOR FOR SELECT * FROM users", "EXPLAIN SELECT * FROM users", "SET CONSTRAINTS users_fk DEFERRED", "REFRESH MATERIALIZED VIEW v", "on conflict (id) do nothing",
}

// inLanguages are programs that hold a text, by the names of their files.
var inLanguages = map[string]string{
	"a.go": "package a\nvar x = \"%s\"\n", "a.py": "x = \"%s\"\n", "b.py": "x = f\"\"\"%s {y}\"\"\" + z\n", "a.ts": "const x = `%s`\n", "a.rb": "x = <<~SQL\n  %s\nSQL\n",
	"a.rs": "let x = r#\"%s\"#;\n", "a.java": "String x = \"%s\" + y;\n", "a.kt": "val x = \"\"\"%s $y\"\"\"\n", "a.cs": "var x = $\"%s {y}\";\n", "a.php": "<?php $x = \"%s\" . $y;\n", "a.ex": "x = \"\"\"\n%s\n\"\"\"\n",
	"a.sql": "%s", "q/a.sql": "-- name: A :one\n%s;\n", "m/aMapper.xml": "<mapper namespace=\"a\"><select id=\"a\">%s</select></mapper>", "a.scala": "val x = s\"%s\"\n",
}

// readAll reads a file in each way. No way may fail.
func readAll(t *testing.T, file string, text []byte) *facts.Facts {
	t.Helper()
	found := read.Read(file, text)
	if found.Fault != "" {
		t.Fatalf("Read %s %q: %s", file, text, found.Fault)
	}
	for _, s := range read.Statements(file, text) {
		if s.Fault != "" {
			t.Fatalf("Statements %s %q: %s", file, text, s.Fault)
		}
	}
	source := mentions.CutFile(file, text)
	if source.Fault != "" {
		t.Fatalf("Cut %s %q: %s", file, text, source.Fault)
	}
	source.Mentions([]string{"kind", "users", "a"})
	return found
}

// SQL may end anywhere: the program goes on with it, or its author was not done.
func TestCutOffSQL(t *testing.T) {
	t.Parallel()
	readAll(t, "a.conf.py", []byte("x = \"set a = \"\n"))
	for file, form := range inLanguages {
		for _, sql := range cutOff {
			for end := 1; end <= len(sql); end++ {
				// Each beginning in one language; in the others those that end with a word.
				if file == "a.py" || end == len(sql) || sql[end-1] == ' ' && end%3 == 0 {
					b := bound(t, map[string]string{file: fmt.Sprintf(form, sql[:end])})
					readAll(t, file, []byte(fmt.Sprintf(form, sql[:end])))
					b.Column(users, "kind")
					b.Setting("a")
				}
			}
		}
	}
}

// Neither code nor what is kept of it is trusted.
func FuzzRead(f *testing.F) {
	f.Add("a.go", []byte("q := `SELECT %s` + x + \"FROM a\""))
	f.Add("a.ts", []byte("`${`${`"))
	f.Add("a.py", []byte("f'''{x"))
	f.Add("a.rs", []byte(`r##"`))
	f.Add("a.rb", []byte("<<~SQL\n"))
	f.Add("m/aMapper.xml", []byte("<select>SELECT <if>"))
	f.Add("a.prisma", []byte("model A {\n a Int"))
	for _, sql := range cutOff {
		for file, form := range inLanguages {
			f.Add(file, []byte(fmt.Sprintf(form, sql)))
		}
	}
	f.Fuzz(func(t *testing.T, file string, text []byte) {
		if len(text) > 4<<10 {
			return
		}
		found := readAll(t, file, text)
		data := found.Append(nil)
		decodedFacts, err := facts.Decode(data)
		if err != nil || !cmp.Equal(found, decodedFacts) {
			t.Fatalf("not kept: %v", err)
		}
		if g, err := facts.Decode(text); err == nil { // made up
			index.NewIndex([]index.File{{Path: file, Facts: g}})
		}
	})
}

// The body of a function that the program makes is code, unless the schema has the
// function: then the migrations tell of it.
func TestRoutines(t *testing.T) {
	t.Parallel()
	plain := "CREATE FUNCTION touch(who int) RETURNS text AS $$\nDECLARE\n    old record;\nBEGIN\n    SELECT\n        u.id,\n        u.kind INTO old\n    FROM users AS u\n    WHERE u.id = who AND kind <> '';\n    IF EXISTS (SELECT 1 FROM teams WHERE kind = 'a') THEN RETURN 'x'; END IF;\n    RETURN old.kind;\nEND $$ LANGUAGE plpgsql;\n"
	for name, tc := range map[string]struct{ code, want string }{
		"PL/pgSQL":      {plain, "sprocs/a.sql:7 sprocs/a.sql:9"},
		"SQL":           {"CREATE FUNCTION kinds() RETURNS SETOF text LANGUAGE sql AS '\n  SELECT kind FROM users';\n", "sprocs/a.sql:2"},
		"quotes":        {"CREATE FUNCTION kinds() RETURNS SETOF text LANGUAGE sql AS '\n  SELECT '''' || kind FROM users';\n", "sprocs/a.sql:1"},
		"DO":            {"DO $$ BEGIN\n  UPDATE users SET kind = 'a';\nEND $$;\n", "sprocs/a.sql:2"},
		"another":       {"CREATE FUNCTION kinds() RETURNS text LANGUAGE plpython3u AS 'SELECT kind FROM users';\n", ""},
		"kept":          {"CREATE FUNCTION kept() RETURNS SETOF text LANGUAGE sql AS 'SELECT kind FROM users';\n", ""},
		"an expression": {"CREATE FUNCTION f(kind text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN\n  RETURN kind || 'x';\nEND $$;\n", ""},
	} {
		checkColumn(t, name, map[string]string{"sprocs/a.sql": tc.code}, users, "kind", tc.want)
	}
}
