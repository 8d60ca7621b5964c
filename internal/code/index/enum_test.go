package index_test

import (
	"path"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/pgparse"
)

// A class of constants is for an enum whose labels it has, and whose name or column's.
func TestLabels(t *testing.T) {
	t.Parallel()
	c := catalog.New()
	f, err := pgparse.SplitText("CREATE TYPE order_state AS ENUM ('open', 'paid', 'sent away'); CREATE TABLE orders (id int, state order_state); " +
		"CREATE TYPE one AS ENUM ('open')")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Stmts {
		c, _ = c.Apply(s.Node, "")
	}
	state := catalog.Name{Schema: "public", Name: "order_state"}
	for _, tt := range []struct {
		name, file, code, query, want string
	}{
		{"Kotlin", "a.kt", "enum class OrderState {\n    @SerialName(\"o\")\n    open, // as it begins\n    paid,\n    ;\n    fun late() = paid\n}", "", "a.kt:4"},
		{"Kotlin, texts", "a.kt", "enum class State(val db: String) {\n    OPEN(\"open\"),\n    PAID(\"paid\"), SENT(\"sent away\")\n}", "", "a.kt:3"},
		{
			"Java", "A.java",
			"public enum OrderState implements Named {\n  /* new */ open,\n  paid { String x() { return \"open\"; } },\n  sent;\n  int x = 1;\n}",
			"", "",
		},
		{"Java, all of them", "A.java", "public enum OrderState {\n  open, paid {\n    String x() { return \"a, b\"; }\n  };\n}", "", "A.java:2"},
		{"TypeScript", "a.ts", "export enum OrderState { Open = 'open', Paid = 'paid' }", "", "a.ts:1"},
		{"union", "a.ts", "export type State =\n  | 'open'\n  | 'paid'\n  | 'sent away'", "", "a.ts:3"},
		{"list", "a.ts", "export const ORDER_STATES = ['open', 'paid'] as const", "", "a.ts:1"},
		{"object", "a.ts", "const OrderState = Object.freeze({\n  Open: 'open',\n  Paid: 'paid',\n})", "", "a.ts:3"},
		{"Drizzle", "a.ts", "export const s = pgEnum('order_state', [\n 'open',\n 'paid', 'sent away'])", "", "a.ts:3"},
		{"list of more than texts", "a.ts", "export const states = ['open', 'paid', ...others]", "", ""},
		{"Python", "a.py", "class OrderState(str, Enum):\n    OPEN = \"open\"\n    PAID = \"paid\"\n\nclass X:\n    Y = \"x\"", "", "a.py:3"},
		{
			"Django", "a.py",
			"class Order(Model):\n    class State(models.TextChoices):\n        OPEN = \"open\", _(\"new\")\n        PAID = \"paid\", _(\"done\")\n    state = 1",
			"", "a.py:4",
		},
		{"SQLAlchemy", "a.py", "x = Column(Enum(\"open\", \"paid\", \"sent away\", name=\"order_state\"))", "", "a.py:1"},
		{"Go", "a.go", "const (\n\tOpen OrderState = \"open\"\n\tPaid OrderState = \"paid\" // all of it\n\tOther Kind = \"paid\"\n)", "", "a.go:3"},
		{"Ruby", "a.rb", "class Order < ApplicationRecord\n  enum :state, { open: \"open\", paid: \"paid\" }\nend", "", "a.rb:2"},
		{"Prisma", "a.prisma", "enum OrderState {\n  open\n  paid\n  away @map(\"sent away\")\n\n  @@map(\"order_state\")\n}", "", "a.prisma:3"},
		{
			"Rust, sqlx", "a.rs",
			"#[derive(Debug, sqlx::Type)]\n#[serde(rename_all = \"UPPERCASE\")]\n#[sqlx(type_name = \"order_state\", rename_all = \"snake_case\")]\n" +
				"pub enum State {\n    Open,\n    /// all of it, \"sent\"\n    Paid,\n    #[sqlx(rename = \"sent away\")]\n    Sent,\n}",
			"", "a.rs:7",
		},
		{
			"Rust, Diesel", "a.rs",
			"#[derive(DbEnum)]\n#[ExistingTypePath = \"crate::schema::sql_types::OrderState\"]\npub enum S {\n    Open,\n    Paid,\n" +
				"    #[db_rename = \"sent away\"]\n    Sent,\n}",
			"", "a.rs:5",
		},
		{
			"Rust, SeaORM", "a.rs",
			"#[sea_orm(rs_type = \"String\", db_type = \"Enum\", enum_name = \"order_state\")]\npub enum S {\n    #[sea_orm(string_value = \"open\")]\n    Open,\n" +
				"    #[sea_orm(string_value = \"paid\")]\n    Paid,\n}",
			"", "a.rs:6",
		},
		{"Rust, serde", "a.rs", "#[derive(Serialize)]\n#[serde(rename_all = \"lowercase\")]\nenum OrderState { Open, Paid }", "", "a.rs:3"},
		{"Rust, by no rule", "a.rs", "enum OrderState { Open, Paid }", "", ""},
		{
			"Rust, another", "a.rs",
			"#[serde(rename_all = \"lowercase\")]\nenum Door { Open, Paid }\n#[serde(rename_all = \"x\")]\nenum OrderState { Open, Paid }",
			"", "",
		},
		{
			"a longer name, the same labels", "a.go",
			"const (\n\ta ShopOrderState = \"open\"\n\tb ShopOrderState = \"paid\"\n\tc ShopOrderState = \"sent away\"\n)", "",
			"a.go:3",
		},
		{"a longer name", "a.go", "const (\n\ta ShopOrderState = \"open\"\n\tb ShopOrderState = \"paid\"\n)", "", ""},
		{"another name", "a.kt", "enum class Door { open, paid }", "", ""},
		{"other labels", "a.kt", "enum class OrderState { paid, unpaid }", "", ""},
		{"one label", "a.kt", "enum class OrderState { paid }", "", ""},
		{"a comment", "a.kt", "// enum class OrderState { open, paid }", "", ""},
		{"a text", "a.kt", "val x = \"enum class OrderState { open, paid }\"", "", ""},
		{"another language than that which works on the table", "a.kt", "enum class OrderState { open, paid }", "q.py", ""},
		{"a query", "a.py", "q = \"SELECT id FROM orders WHERE state = 'paid'\"", "", "a.py:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			query := tt.query
			if query == "" {
				query = "q" + path.Ext(tt.file)
			}
			b := bound(t, map[string]string{tt.file: tt.code + "\n", query: "x = \"SELECT id FROM orders\"\n"})
			b.Schema = c
			if got := places(b.Label(state, "paid")); got != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
			if got := b.Label(catalog.Name{Schema: "public", Name: "one"}, "open"); len(got) > 0 {
				t.Errorf("an enum of one label: %v", got)
			}
		})
	}
}

// The texts of a class may be declared to be names of tables.
func TestTablesOfClasses(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"enum class Kind(val table: String) {\n    A(\"users\"),\n}":                   "a.kt:2",
		"enum class Kind(val title: String) {\n    A(\"users\"),\n}":                   "",
		"enum class Tables(val key: String) {\n    A(\"users\"),\n}":                   "a.kt:2",
		"enum Kind {\n  A(\"users\");\n  private final String tableName;\n}":           "a.kt:2",
		"enum Kind {\n  A(\"users\");\n  private final String name;\n}\nval table = 1": "",
	} {
		b := bound(t, map[string]string{"a.kt": code + "\n"})
		uses := b.Relation(users)
		if got := places(uses); got != want || len(uses) > 0 && uses[0].How != facts.Names {
			t.Errorf("%s: %q, not %q", code, got, want)
		}
	}
}

// Mappers that cast to an enum, or look it up, say its name to the server.
func TestTypesOfMappers(t *testing.T) {
	t.Parallel()
	for file, x := range map[string]struct{ code, want string }{
		"a.prisma": {"model Order {\n  state OrderState\n}\nenum OrderState {\n  open\n}", ""},
		"b.prisma": {"enum State {\n  open\n  @@map(\"order_state\")\n}", "b.prisma:1"},
		"c.prisma": {"enum order_state {\n  open\n}", "c.prisma:1"},
		"d.rs":     {"#[derive(sqlx::Type)]\n#[sqlx(type_name = \"order_state\")]\nenum S { Open }", "d.rs:2"},
		"e.rs":     {"#[derive(Serialize)]\nenum OrderState { Open, Paid }", ""},
		"f.kt":     {"enum class OrderState { open, paid }", ""},
	} {
		b := bound(t, map[string]string{file: x.code + "\n"})
		if got := places(b.Type(catalog.Name{Schema: "public", Name: "order_state"})); got != x.want {
			t.Errorf("%s: %q, not %q", file, got, x.want)
		}
	}
}
