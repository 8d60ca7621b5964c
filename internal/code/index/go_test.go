package index_test

import (
	"testing"
)

// Go has many ways to write a struct, and only its own parser knows them all.
func TestGoStructs(t *testing.T) {
	t.Parallel()
	const gorm = "package m\n\nimport \"gorm.io/gorm\"\n\n"
	for name, tc := range map[string]struct{ code, want string }{
		"a group of types":        {gorm + "type (\n\tOther int\n\n\tUser struct {\n\t\tKind string\n\t}\n)\n", "a.go:9"},
		"in one line":             {gorm + "type User struct{ ID int; Kind string }\n", "a.go:5"},
		"generic":                 {gorm + "type User[T any, K comparable] struct {\n\tOf T\n\tKind string\n}\n", "a.go:7"},
		"several of one type":     {gorm + "type User struct {\n\tID int\n\tName, Kind string\n}\n", "a.go:7"},
		"several, over lines":     {gorm + "type User struct {\n\tName,\n\tKind string\n}\n", "a.go:7"},
		"in a function":           {gorm + "func f() {\n\ttype User struct {\n\t\tKind string\n\t}\n}\n", "a.go:7"},
		"in a function's closure": {gorm + "func f() {\n\tgo func() {\n\t\ttype User struct{ Kind string }\n\t}()\n}\n", "a.go:7"},
		"an alias":                {gorm + "type User = struct {\n\tKind string\n}\n", "a.go:6"},
		"a tag in quotes":         {"package m\n\ntype User struct {\n\tK string \"gorm:\\\"column:kind\\\"\"\n}\n", "a.go:4"},
		"a tag over lines":        {"package m\n\ntype User struct {\n\tK string `json:\"k\"\n\t\tgorm:\"column:kind\"`\n}\n", "a.go:4"},
		"a comment in front":      {gorm + "type User struct { // of a team\n\t/* what it is */ Kind string // paid\n}\n", "a.go:6"},
		"a func of two lines":     {gorm + "type User struct {\n\tDo func(\n\t\tx int,\n\t) error\n\tKind string\n}\n", "a.go:9"},
		"a field of a package":    {gorm + "type User struct {\n\tKind sql.Null[string]\n}\n", "a.go:6"},
		"a method with a receiver of types": {
			"package m\n\ntype Person[T any] struct {\n\tKind T `db:\"kind\"`\n}\n\nfunc (p *Person[T]) TableName() string {\n\t// as it is called\n" +
				"\treturn \"users\"\n}\n", "a.go:4",
		},
		"a constant as the name": {
			"package m\n\nconst table = \"users\"\n\ntype Person struct {\n\tKind string `db:\"kind\"`\n}\n\nfunc (Person) TableName() string { return table }\n",
			"a.go:6",
		},
		"generic, embedded": {gorm + "type Base[T any] struct {\n\tKind T\n}\n\ntype User struct {\n\tBase[string]\n}\n", "a.go:6"},
		"bun":               {"package m\n\ntype (\n\tP struct {\n\t\tbun.BaseModel `bun:\"table:users\"`\n\t\tName, Kind string\n\t}\n)\n", "a.go:6"},
		"ent": {
			"package schema\n\ntype User struct{ ent.Schema }\n\nfunc (User) Fields() []ent.Field {\n\treturn []ent.Field{\n\t\tfield.String(\"name\"),\n\t\tfield.\n" +
				"\t\t\tString(\"sort\").\n\t\t\tStorageKey(\"kind\"),\n\t}\n}\n", "a.go:9",
		},
		"does not compile": {gorm + "type User struct {\n\tKind string\n}\n\nfunc f( {\n", "a.go:6"},
		"left":             {gorm + "type User struct {\n\tKind string `gorm:\"-\"`\n}\n", ""},
		"not exported":     {gorm + "type User struct {\n\tkind string\n}\n", ""},
		"another table":    {gorm + "type (\n\tTeam struct {\n\t\tKind string\n\t}\n)\n", ""},
		"in a text":        {gorm + "const x = `type User struct {\n\tKind string\n}`\n", ""},
	} {
		checkColumn(t, name, map[string]string{"a.go": tc.code}, users, "kind", tc.want)
	}
}

// The table of a mapper's call may be a constant, of the file or of another one.
func TestConstantTables(t *testing.T) {
	t.Parallel()
	codeWithTable := func(table string) string {
		return "package a\n\nfunc f() {\n\tsq.Select(\"id\", \"kind\").\n\t\tFrom(" + table + ").\n\t\tWhere(sq.Eq{\"kind\": 1})\n}\n"
	}
	const declared = "package a\n\nconst (\n\tTABLE_USERS = \"users\"\n\tTableTeams  string = \"teams\"\n)\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"in the file":        {map[string]string{"a/a.go": codeWithTable("TABLE_USERS") + "\nconst TABLE_USERS = \"users\"\n"}, true},
		"in the file, small": {map[string]string{"a/a.go": codeWithTable("usersTable") + "\nconst usersTable = \"users\"\n"}, true},
		"in the package":     {map[string]string{"a/a.go": codeWithTable("TABLE_USERS"), "a/tables.go": declared}, true},
		"in another package": {map[string]string{"a/a.go": codeWithTable("tables.TABLE_USERS"), "b/tables/t.go": declared}, true},
		"another table":      {map[string]string{"a/a.go": codeWithTable("TableTeams"), "a/tables.go": declared}, false},
		"a variable":         {map[string]string{"a/a.go": codeWithTable("name"), "a/tables.go": "package a\n\nvar name = \"users\"\n"}, false},
		"several of that name": {
			map[string]string{"a/a.go": codeWithTable("x.T"), "b/t.go": "package b\n\nconst T = \"users\"\n", "c/t.go": "package c\n\nconst T = \"teams\"\n"},
			false,
		},
		"the package's among them": {
			map[string]string{"a/a.go": codeWithTable("c.T"), "b/t.go": "package b\n\nconst T = \"teams\"\n", "c/t.go": "package c\n\nconst T = \"users\"\n"},
			true,
		},
		"TypeScript": {
			map[string]string{"a.ts": "await knex.select('kind').from(Tables.USERS)\n", "tables.ts": "export class Tables {\n  static readonly USERS = 'users'\n}\n"},
			true,
		},
		"Kotlin":       {map[string]string{"a.kt": "dsl.select(field(\"kind\")).from(USERS).fetch()\n", "t.kt": "const val USERS = \"users\"\n"}, true},
		"in a comment": {map[string]string{"a/a.go": "package a\n\n// sq.Select(\"kind\").From(TABLE_USERS)\n", "a/tables.go": declared}, false},
	} {
		b := bound(t, tc.files)
		if got := len(b.Relation(users)) > 0; got != tc.want {
			t.Errorf("%s: the table is used: %v, want %v", name, got, tc.want)
		}
		if got := len(b.Column(users, "kind")) > 0; got != tc.want {
			t.Errorf("%s: the column is used: %v, want %v", name, got, tc.want)
		}
	}
}
