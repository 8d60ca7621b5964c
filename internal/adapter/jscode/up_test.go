package jscode

import (
	"strings"
	"testing"
)

// describeUp writes parts and unread calls of an up function in a line.
func describeUp(program string) string {
	up := ReadUp(program, Form{Send: "query", SQL: map[string]string{"commitTransaction": "COMMIT"}})
	if !up.Found {
		return "no up"
	}
	var out []string
	for _, p := range up.Parts {
		if p.Start >= 0 && !strings.HasPrefix(program[p.Start:], p.SQL) {
			return "not at its offset: " + p.SQL
		}
		out = append(out, p.SQL)
	}
	for _, u := range up.Unread {
		out = append(out, "unread "+u.Call)
	}
	return strings.Join(out, " | ")
}

func TestReadUp(t *testing.T) {
	t.Parallel()
	method := func(body string) string {
		return "export class A implements MigrationInterface {\n  public async up(q: QueryRunner): Promise<void> {\n" + body +
			"\n  }\n  public async down(q: QueryRunner): Promise<void> { await q.query(`DROP TABLE t`); }\n}\n"
	}
	for _, tc := range []struct{ name, program, want string }{
		{name: "a template", program: method("await q.query(`SELECT 1`);"), want: "SELECT 1"},
		{
			name:    "strings with escapes",
			program: method(`await q.query("SELECT \"a\""); await q.query('SELECT \'b\'', [1])`),
			want:    `SELECT "a" | SELECT 'b'`,
		},
		{name: "a sum", program: method("await q.query('SELECT 1,' +\n `2`)"), want: "SELECT 1,2"},
		{
			name:    "a filled template",
			program: method("await q.query(`SELECT ${[1, `}`].map((x) => { return x })}`); await q.query(`SELECT 2`)"),
			want:    "SELECT 2 | unread q.query",
		},
		{name: "a constant", program: "const sql = `SELECT 1`;\n" + method("await q.query(sql)"), want: "SELECT 1"},
		{name: "a constant of two values", program: "const sql = `SELECT 1`;\n{ const sql = '2' }" + method("await q.query(sql)"), want: "unread q.query"},
		{name: "a constant that is a sum", program: "const sql = `SELECT ` + x;\n" + method("await q.query(sql)"), want: "unread q.query"},
		{name: "an unknown name", program: method("await q.query(sql)"), want: "unread q.query"},
		{name: "a method on the text", program: method("await q.query(`SELECT 1`.trim())"), want: "unread q.query"},
		{
			name:    "a builder",
			program: method("await q.addColumn('t', new TableColumn({ name: 'a' })); await q.query(`SELECT 1`)"),
			want:    "SELECT 1 | unread q.addColumn",
		},
		{name: "another use", program: method("await fill(q); await q.manager.query(`SELECT 1`)"), want: "unread q | unread q.manager"},
		{
			name:    "a condition",
			program: method("if (await q.hasTable('t')) await q.query(`SELECT 1`);\nawait q.query(`SELECT 2`)"),
			want:    "SELECT 2 | unread q.hasTable | unread q.query",
		},
		{name: "a loop", program: method("for (const x of y) { await q.query(`SELECT 1`) }"), want: "unread q.query"},
		{name: "a function", program: method("ids.forEach(async (id) => { await q.query(`SELECT 1`) })"), want: "unread q.query"},
		{name: "all at once", program: method("await Promise.all([q.query(`SELECT 1`), q.query(`SELECT 2`)])"), want: "SELECT 1 | SELECT 2"},
		{name: "a comment", program: method("// await q.query(`SELECT 1`)\n/* q.query(`SELECT 2`) */"), want: ""},
		{name: "a regular expression", program: method("const x = s.replace(/`/g, ''); await q.query(`SELECT 1`)"), want: "SELECT 1"},
		{name: "a transaction", program: method("await q.commitTransaction(); await q.query(`SELECT 1`)"), want: "COMMIT | SELECT 1"},
		{name: "another object's method", program: method("await this.q.query(`SELECT 1`)"), want: ""},
		{name: "exports", program: "exports.up = async function (q) { await q.query('SELECT 1') };\nexports.down = async (q) => {}", want: "SELECT 1"},
		{name: "an object", program: "module.exports = { up: async (q) => { await q.query('SELECT 1') }, async down(q) {} }", want: "SELECT 1"},
		{name: "a field", program: "class A { up = async (q) => { await q.query('SELECT 1') } }", want: "SELECT 1"},
		{name: "two", program: method("") + method(""), want: "no up"},
		{name: "none", program: "runner.up(q)", want: "no up"},
		{name: "no end", program: "class A { async up(q) { await q.query(`SELECT 1", want: "unread q.query"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := describeUp(tc.program); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestHostilePrograms: long programs of one repeated piece are read, and none has SQL that a migration sends. A reader that looked for
// each closing parenthesis again would take minutes, and one that followed every template would use up the stack.
func TestHostilePrograms(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"up(", "up(q) { ", "up = async (", "/[", "`${/[`", "`${`"} {
		if got := describeUp(strings.Repeat(piece, (1<<20)/len(piece))); got != "no up" {
			t.Errorf("%s: got %.80s", piece, got)
		}
	}
	if got := describeUp(strings.Repeat("`${", 8<<20)); got != "no up" {
		t.Errorf("nested templates: got %.80s", got)
	}
	calls := "class A { async up(q) {\n" + strings.Repeat("q.x()\n", 200_000) + "} }"
	up := ReadUp(calls, Form{Send: "query"})
	if last := len(up.Unread) - 1; last != 199_999 || up.Unread[last].Line != 200_001 || up.Unread[last].Column != 1 {
		t.Errorf("%d calls", len(up.Unread))
	}
}

// FuzzReadUp: no program makes the reader panic or give a part that is not at its offset.
func FuzzReadUp(f *testing.F) {
	f.Add("class A { async up(q) { await q.query(`SELECT ${`a${1}`}`); if (x) { q.query('\\'') } } }")
	f.Add("exports.up = (q) => { q.query(/[/`]/, \"\\u00e9\" + x)")
	f.Fuzz(func(t *testing.T, program string) {
		if got := describeUp(program); strings.HasPrefix(got, "not at") {
			t.Error(got)
		}
	})
}
