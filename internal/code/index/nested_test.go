package index_test

import (
	"testing"
)

// A model may be nested, generic, or told of in declarations over several lines.
func TestNestedModels(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, code, want string }{
		"Python, nested": {
			"a.py", "class Shop:\n    class User(Base):\n        __tablename__ = 'users'\n        kind = Column(String)\n",
			"a.py:4",
		},
		"Python, in a function": {
			"a.py",
			"def make(Base):\n    class User(Base):\n        __tablename__ = \"users\"\n        kind = Column(String)\n    return User\n",
			"a.py:4",
		},
		"Python, generic": {
			"a.py",
			"class User(Base, Generic[T]):\n    __tablename__ = 'users'\n    kind: Mapped[\n        str\n    ] = mapped_column()\n",
			"a.py:3",
		},
		"Python, bases over lines": {
			"a.py",
			"class User(\n    TimestampMixin,\n    Base,\n):\n    __tablename__ = 'users'\n    kind = Column(String)\n",
			"a.py:6",
		},
		"Python, decorated": {
			"a.py",
			"@dataclass(\n    kw_only=True,\n)\nclass User(Base):\n    __tablename__ = 'users'\n    kind: Mapped[str]\n",
			"a.py:6",
		},
		"Python, a type parameter": {"a.py", "class User[T](Base):\n    __tablename__ = 'users'\n    kind: Mapped[T]\n", "a.py:3"},
		"Python, a table constant": {"a.py", "USERS = 'users'\n\nclass User(Base):\n    __tablename__ = USERS\n    kind = Column(String)\n", "a.py:5"},
		"Python, SQLModel nested":  {"a.py", "if True:\n    class Users(SQLModel, table=True):\n        kind: str\n", "a.py:3"},
		"Java, nested": {
			"A.java",
			"public class Shop {\n    @Entity\n    @Table(name = \"users\")\n    public static class User {\n        private String kind;\n    }\n}\n",
			"A.java:5",
		},
		"Java, generic": {
			"A.java",
			"@Entity\n@Table(name = \"users\")\npublic class User<T extends Comparable<T>> extends Base<T> {\n    private T kind;\n}\n",
			"A.java:4",
		},
		"Java, annotation over lines": {
			"A.java",
			"@Entity\n@Table(\n    name = \"users\",\n    indexes = {\n        @Index(columnList = \"kind\")\n    }\n)\npublic class Person {\n    @Column(\n" +
				"        name = \"kind\",\n        nullable = false\n    )\n    private String sort;\n}\n",
			"A.java:13",
		},
		"Java, a table constant": {
			"A.java",
			"@Entity\n@Table(name = User.TABLE)\npublic class User {\n    static final String TABLE = \"users\";\n    private String kind;\n}\n",
			"A.java:5",
		},
		"Java, a record": {"A.java", "@Table(\"users\")\npublic record User(\n    Long id,\n    String kind\n) {}\n", "A.java:4"},
		"Kotlin, nested": {
			"A.kt",
			"class Shop {\n    @Entity\n    @Table(name = \"users\")\n    class User(\n        val kind: String,\n    )\n}\n",
			"A.kt:5",
		},
		"Kotlin, generic": {
			"A.kt",
			"@Entity\n@Table(name = \"users\")\nopen class User<T : Any>(\n    val id: T,\n) {\n    var kind: String? = null\n}\n",
			"A.kt:6",
		},
		"Kotlin, Exposed nested": {
			"A.kt",
			"class Schema {\n    object Users : Table(\"users\") {\n        val kind = varchar(\"kind\", 10)\n    }\n}\n",
			"A.kt:3",
		},
		"Kotlin, annotation over lines": {
			"A.kt",
			"@Entity\n@Table(\n    name = \"users\",\n)\ndata class Person(\n    @Column(\n        name = \"kind\",\n    )\n    val sort: String,\n)\n",
			"A.kt:9",
		},
		"TypeScript, in a function": {
			"a.ts",
			"export function make() {\n  @Entity('users')\n  class User {\n    @Column()\n    kind: string\n  }\n  return User\n}\n",
			"a.ts:5",
		},
		"TypeScript, generic": {
			"a.ts",
			"@Entity({ name: 'users' })\nexport class User<T extends object = {}> extends Base<T> {\n  @Column()\n  kind: T\n}\n",
			"a.ts:4",
		},
		"TypeScript, decorators over lines": {
			"a.ts",
			"@Entity({\n  name: 'users',\n})\nexport class Person {\n  @Column({\n    name: 'kind',\n    type: 'text',\n  })\n  sort: string\n}\n",
			"a.ts:9",
		},
		"TypeScript, a table constant": {"a.ts", "const USERS = 'users'\n\n@Entity(USERS)\nexport class Person {\n  @Column()\n  kind: string\n}\n", "a.ts:6"},
		"TypeScript, drizzle in an object": {
			"a.ts",
			"import { pgTable } from 'drizzle-orm/pg-core'\nexport const schema = {\n  users: pgTable('users', {\n    kind: text('kind'),\n  }),\n}\n",
			"a.ts:4",
		},
		"Rust, in a module": {
			"a.rs",
			"mod schema {\n    diesel::table! {\n        users (id) {\n            id -> Int4,\n            kind -> Text,\n        }\n    }\n}\n",
			"a.rs:5",
		},
		"Rust, generic": {
			"a.rs",
			"#[derive(Queryable)]\n#[diesel(table_name = users)]\npub struct User<'a, T> {\n    pub id: T,\n    pub kind: &'a str,\n}\n",
			"a.rs:5",
		},
		"Rust, attribute over lines": {
			"a.rs",
			"mod m {\n    #[derive(\n        Insertable,\n    )]\n    #[diesel(\n        table_name = users,\n    )]\n    struct NewUser {\n        kind: String,\n" +
				"    }\n}\n",
			"a.rs:9",
		},
		"PHP, attribute over lines": {
			"A.php",
			"<?php\n#[ORM\\Entity]\n#[ORM\\Table(\n    name: 'users',\n)]\nfinal class Person\n{\n    #[ORM\\Column(\n        name: 'kind',\n        length: 10,\n" +
				"    )]\n    private string $sort;\n}\n",
			"A.php:12",
		},
		"C#, nested": {
			"A.cs",
			"public class Shop {\n    [Table(\"users\")]\n    public class User {\n        public string Kind { get; set; }\n    }\n}\n",
			"A.cs:4",
		},
		"C#, generic": {
			"A.cs",
			"[Table(\"users\")]\npublic class User<T> : Base<T> where T : class\n{\n    public T Kind { get; set; }\n}\n",
			"A.cs:4",
		},
		"C#, attributes over lines": {
			"A.cs",
			"[Table(\n    \"users\",\n    Schema = \"public\")]\npublic sealed class Person\n{\n    [Column(\n        \"kind\")]\n" +
				"    public string Sort { get; set; }\n}\n",
			"A.cs:8",
		},
		"Rust, under a condition": {
			"a.rs",
			"#[cfg_attr(feature = \"full\", derive(Queryable))]\n#[cfg_attr(feature = \"full\", diesel(table_name = users))]\npub struct User {\n" +
				"  pub kind: String,\n}\n",
			"a.rs:4",
		},
		"Rust, attribute in the line": {"a.rs", "#[diesel(table_name = users)] pub struct User {\n    pub kind: String,\n}\n", "a.rs:2"},
		"PHP, a quoted name": {
			"A.php",
			"<?php\n#[ORM\\Table(name: '`users`')]\n#[ORM\\Entity]\nclass Person\n{\n    #[ORM\\Column(name: '`kind`')]\n    private $sort;\n}\n",
			"A.php:7",
		},
		"PHP, without a table": {
			"A.php",
			"<?php\n#[ORM\\Entity(repositoryClass: Users::class)]\nfinal readonly class User\n{\n    public function __construct(\n" +
				"        #[ORM\\Column] private string $kind,\n    ) {}\n}\n",
			"A.php:6",
		},
		"PHP, a table constant": {
			"A.php",
			"<?php\n#[ORM\\Table(name: self::TABLE, indexes: ['x'])]\nclass Person\n{\n    const TABLE = 'users';\n    #[ORM\\Column]\n    private $kind;\n}\n",
			"A.php:7",
		},
		"Java, in one line": {
			"A.java",
			"@Entity @Table(name = \"users\") public class Person {\n    @Id private Long id;\n    @Column(name = \"kind\") private String sort;\n}\n",
			"A.java:3",
		},
		"Java, a named index": {
			"A.java",
			"@Entity\n@Table(indexes = {@Index(name = \"kinds\", columnList = \"kind\")}, name = \"users\")\npublic class Person {\n    private String kind;\n}\n",
			"A.java:4",
		},
		"Java, a quoted name": {
			"A.java",
			"@Entity\n@Table(name = \"`users`\")\npublic class Person {\n    @Column(name = \"\\\"kind\\\"\")\n    private String sort;\n}\n",
			"A.java:5",
		},
		"Java, in a method": {
			"A.java",
			"@Entity\npublic class User {\n  private Long id;\n\n  String of() {\n    String kind = \"\";\n    return kind;\n  }\n}\n",
			"",
		},
		"Kotlin, without types":           {"A.kt", "@Entity\nclass User {\n  @ColumnDefault(\"''\")\n  var kind = \"\"\n}\n", "A.kt:4"},
		"Kotlin, annotations in the line": {"A.kt", "@Entity\nclass User(\n  @field:NotBlank @field:Size(min = 1) var kind: String = \"\",\n)\n", "A.kt:3"},
		"Kotlin, in one line":             {"A.kt", "@Entity @Table(name = \"users\") class Person(\n  val kind: String,\n)\n", "A.kt:2"},
		"Kotlin, computed":                {"A.kt", "@Entity\nclass User(\n  val id: Long,\n) {\n  val kind: String?\n    get() = null\n}\n", ""},
		"Kotlin, a default at reading": {
			"A.kt", "@Entity\nclass User(\n  val id: Long,\n) {\n  var kind: String? = null\n    get() = field ?: \"a\"\n}\n",
			"A.kt:5",
		},
		"Python, goes on": {"a.py", "class User(models.Model):\n    kind = \\\n        models.CharField(max_length=9)\n", "a.py:2"},
		"Python, in parentheses": {
			"a.py",
			"class User(Base):\n    __tablename__ = 'users'\n    kind: Mapped[str] = (\n        mapped_column(String)\n    )\n",
			"a.py:3",
		},
		"Python, a relation in parentheses": {
			"a.py",
			"class User(Base):\n    __tablename__ = 'users'\n    kind: Mapped[list['Kind']] = (\n        relationship('Kind')\n    )\n",
			"",
		},
		"TypeScript, in one line": {"a.ts", "@Entity('users') export class Person {\n  @Column({ name: 'kind' }) sort: string\n}\n", "a.ts:2"},
		"TypeScript, a type before": {
			"a.ts",
			"@Entity('users')\nexport class Person {\n  @Index()\n  @Column(\n    'varchar',\n  )\n  kind!: string\n}\n",
			"a.ts:7",
		},
		"TypeScript, deep": {
			"a.ts",
			"namespace A {\n    namespace B {\n        @Entity('users')\n        class Person {\n            @Column()\n            kind: string\n        }\n    }\n}\n",
			"a.ts:6",
		},
		"C#, a class's name as the table": {"A.cs", "[Table(nameof(Users))]\npublic class Users {\n    public string Kind { get; set; }\n}\n", "A.cs:3"},
		"C#, in one line": {
			"A.cs", "[Table(\"users\")] public class Person {\n    [Column(\"kind\")] public string Sort { get; set; }\n}\n",
			"A.cs:2",
		},
		"C#, a record": {"A.cs", "[Table(\"users\")]\npublic record User(int Id, string Kind);\n", "A.cs:2"},
	} {
		checkColumn(t, name, map[string]string{tc.file: tc.code}, users, "kind", tc.want)
	}
}
