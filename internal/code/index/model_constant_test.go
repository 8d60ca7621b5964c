package index_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/read"
)

// The names of a table and its columns may be constants of another file.
func TestConstantNames(t *testing.T) {
	t.Parallel()
	const (
		java = "package m;\n\npublic class Names {\n    public static final String USERS = \"users\";\n    public static final String KIND = \"kind\";\n" +
			"    public static final String USER_KIND = KIND;\n    public static final String TEAMS = \"teams\";\n}\n"
		another = "package o;\n\npublic class Others {\n    public static final String USERS = \"teams\";\n}\n"
	)
	entity := func(table, column string) string {
		return "@Entity\n@Table(name = " + table + ")\npublic class Person {\n    @Column(name = " + column + ")\n    private String sort;\n}\n"
	}
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"Java":           {map[string]string{"A.java": entity("Names.USERS", "Names.KIND, nullable = false"), "m/Names.java": java}, "A.java:5"},
		"Java, imported": {map[string]string{"A.java": entity("USERS", "KIND"), "m/Names.java": java}, "A.java:5"},
		"Java, an alias": {map[string]string{"A.java": entity("Names.USERS", "Names.USER_KIND"), "m/Names.java": java}, "A.java:5"},
		"Java, beside texts": {
			map[string]string{
				"A.java": entity("Names.USERS, uniqueConstraints = @UniqueConstraint(columnNames = \"a\")",
					"nullable = false, name = Names.KIND, columnDefinition = \"text\""),
				"m/Names.java": java,
			},
			"A.java:5",
		},
		"Java, a schema":      {map[string]string{"A.java": entity("Names.USERS, schema = Names.SCHEMA", "Names.KIND"), "m/Names.java": java}, "A.java:5"},
		"Java, another table": {map[string]string{"A.java": entity("Names.TEAMS", "Names.KIND"), "m/Names.java": java}, ""},
		"Java, by its class":  {map[string]string{"A.java": entity("Names.USERS", "Names.KIND"), "m/Names.java": java, "o/Others.java": another}, "A.java:5"},
		"Java, two of a name": {map[string]string{"A.java": entity("USERS", "KIND"), "m/Names.java": java, "o/Others.java": another}, ""},
		"Java, an alias's ring": {
			map[string]string{
				"A.java":       entity("Names.A", "Names.KIND"),
				"m/Names.java": "class Names {\n  static final String X = \"x\";\n  static final String A = Names.B;\n  static final String B = Names.A;\n}\n",
			},
			"",
		},
		"Kotlin": {
			map[string]string{
				"a.kt": "@Entity\n@Table(name = USERS)\nclass Person(\n  @Column(name = USER_KIND)\n  val sort: String,\n)\n",
				"b.kt": "const val USERS = \"users\"\nconst val KIND = \"kind\"\nconst val USER_KIND = KIND\n",
			},
			"a.kt:5",
		},
		"C#": {
			map[string]string{
				"A.cs":     "[Table(Names.Users, Schema = \"public\")]\npublic class Person {\n    [Column(Names.Kind)]\n    public string Sort { get; set; }\n}\n",
				"Names.cs": "static class Names {\n    public const string Users = \"users\";\n    public const string Kind = \"kind\";\n}\n",
			},
			"A.cs:4",
		},
		"TypeScript": {
			map[string]string{
				"a.ts":      "@Entity({ name: Tables.USERS })\nexport class Person {\n  @Column()\n  kind: string\n}\n",
				"tables.ts": "export class Tables {\n  static readonly USERS = 'users'\n}\n",
			},
			"a.ts:4",
		},
		"Python": {
			map[string]string{"a.py": "class Person(Base):\n    __tablename__ = tables.USERS\n    kind = Column(String)\n", "tables.py": "USERS = 'users'\n"},
			"a.py:3",
		},
		"PHP": {
			map[string]string{
				"A.php":      "<?php\n#[ORM\\Table(name: Tables::USERS)]\nclass Person\n{\n    #[ORM\\Column]\n    private $kind;\n}\n",
				"Tables.php": "<?php\nclass Tables {\n    public const USERS = 'users';\n}\n",
			},
			"A.php:6",
		},
	} {
		checkColumn(t, name, tc.files, users, "kind", tc.want)
	}
}

// TypeORM adds "Id" to the name of a relation, and a field may have the name of an option.
func TestRelationColumns(t *testing.T) {
	t.Parallel()
	const code = "@Entity('teams')\nexport class Team {\n  @OneToOne(() => Flag)\n  flag: Flag\n  @Column()\n  kind: string\n" +
		"  @ManyToOne(() => User, (u) => u.teams, {\n    nullable: false,\n  })\n  owner: User\n}\n\n@Entity('users')\nexport class User {\n  @Column('text')\n" +
		"  name: string\n}\n"
	b := bound(t, map[string]string{"a.ts": code})
	for _, tc := range []struct {
		table        catalog.Name
		column, want string
	}{{teams, "owner_id", "a.ts:10"}, {teams, "kind", "a.ts:6"}, {teams, "owner", ""}, {users, "name", "a.ts:16"}} {
		if got := places(b.Column(tc.table, tc.column)); got != tc.want {
			t.Errorf("%s.%s: %q, want %q", tc.table.Name, tc.column, got, tc.want)
		}
	}
}

// The cost of a file grows with its length, even if all of it is one line.
func TestMinifiedCode(t *testing.T) {
	t.Parallel()
	began := time.Now()
	read.Read("a.js", []byte("var a=0,"+strings.Repeat(`b="c",`, 200_000)+strings.Repeat(`b="c",q.from(D),`, 5_000)))
	if took := time.Since(began); took > time.Minute {
		t.Errorf("1.3 MB took %s", took)
	}
}
