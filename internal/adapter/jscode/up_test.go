package jscode

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/script"
)

// query is a form with a method that sends a text, a method that asks, and one that opens a transaction.
var query = Form{Parameter: true, Translate: func(call Value) Translation {
	first := Value{}
	last := call.Links[len(call.Links)-1]
	if len(last.Arguments) > 0 {
		first = last.Arguments[0]
	}
	switch {
	case last.Name == "query" && len(call.Links) == 2 && first.Kind == Text:
		return Translation{Statements: []Statement{{Text: first}}}
	case last.Name == "query" && len(call.Links) == 2:
		return Translation{Why: "its text is put together when it runs"}
	case last.Name == "commitTransaction":
		return Translation{Statements: []Statement{{SQL: "COMMIT"}}}
	case last.Name == "hasTable":
		return Translation{Idle: true, Needs: first.Text}
	case last.Name == "transaction" && first.Kind == Callback:
		return Translation{Body: first.Function, Senders: []int{0}, InTransaction: true}
	}
	return Translation{Why: "its SQL is known only when it runs"}
}}

// describeUp writes parts and unread calls of an up function in a line.
func describeUp(program string, f Form) string {
	up := ReadUp(program, f)
	if !up.Found {
		return "no up"
	}
	out := describeParts(program, up.Parts)
	for _, u := range up.Unread {
		out = append(out, "unread "+u.Call)
	}
	return strings.Join(out, " | ")
}

// describeParts writes the texts of parts.
func describeParts(program string, parts []script.Part) []string {
	var out []string
	for _, p := range parts {
		if p.Start >= 0 && !strings.HasPrefix(program[p.Start:], p.SQL) {
			return []string{"not at its offset: " + p.SQL}
		}
		sql := p.SQL
		if p.Block > 0 {
			sql += " in a transaction"
		}
		if p.Conditional {
			sql += " sometimes"
		}
		if p.Loop {
			sql += " often"
		}
		for _, table := range p.Needs {
			sql += fmt.Sprintf(" if %s exists, by line %d", table, p.NeedsAt)
		}
		out = append(out, sql)
	}
	return out
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
		{
			name:    "a constant in a template",
			program: "const t: string = 'a', n = { a: 1 } as const;\n" + method("await q.query(`SELECT ${t} FROM ${(t)}`)"),
			want:    "SELECT a FROM a",
		},
		{name: "a field of a constant", program: "const n = { a: 'x', b: [1] } as const;\n" + method("await q.query(`SELECT ${n.a}` + n.a)"), want: "SELECT xx"},
		{name: "a list in a template", program: "const n = { a: 'x', b: [1] } as const;\n" + method("await q.query(`SELECT ${n.b}`)"), want: "unread q.query"},
		{name: "a constant of itself", program: "const n = n + `${n}`;\n" + method("await q.query(n)"), want: "unread q.query"},
		{
			name: "a function that returns a text",
			program: "const t = 'c'; const drop = (t: string, n) => `DROP TABLE ${t}${n}${other}`; const other = `_${t}`;\n" +
				"function twice(t) { return `${drop(t, 1)}; ${drop(t, 2)}`; }\n" + method("await q.query(drop('a', 1)); await q.query(twice('b'))"),
			want: "DROP TABLE a1_c | DROP TABLE b1_c; DROP TABLE b2_c",
		},
		{
			name: "functions that do more",
			program: "const f = (t) => `DROP ${t.x}`, g = (t) => { let a = t; return `DROP ${a}` }, h = (t) => `DROP ${t}`, k = (t) => k(t);\n" +
				method("q.query(f('a')); q.query(g('a')); q.query(h(q.x)); q.query(h()); q.query(k('a'))"),
			want: "unread q.query | unread q.query | unread q.query | unread q.query | unread q.query",
		},
		{name: "types", program: method("await q.query<Array<{ a: string }>>(`SELECT 1`); await q.query(`SELECT 2` as string)"), want: "SELECT 1 | SELECT 2"},
		{
			name:    "try",
			program: method("try { await q.query(`SELECT 1`) } catch (e) { await q.query(`SELECT 2`) } finally { await q.query(`SELECT 3`) }"),
			want:    "SELECT 1 | SELECT 2 sometimes | SELECT 3",
		},
		{
			name:    "operators",
			program: method("x && await q.query(`SELECT 1`); x ? q.query(`SELECT 2`) : (await q.query(`SELECT 3`))"),
			want:    "unread q.query | unread q.query | unread q.query",
		},
		{name: "an arrow", program: method("await Promise.all(ids.map((id) => q.query(`SELECT 1`)))"), want: "unread q.query"},
		{name: "in a template", program: method("const x = `${await q.query('SELECT 1')}`"), want: "unread q"},
		{
			name:    "a transaction of its own",
			program: method("await q.transaction(async (t) => { await t.query(`SELECT 1`); if (x) t.query(`SELECT 2`) }); await q.query(`SELECT 3`)"),
			want:    "SELECT 1 in a transaction | SELECT 2 in a transaction sometimes | SELECT 3",
		},
		{
			name: "then",
			program: "exports.up = (q) => q.query('SELECT 1').then(function () { return q.query('SELECT 2') })" +
				".then(() => q.query('SELECT 3'));",
			want: "SELECT 1 | SELECT 2 | SELECT 3",
		},
		{name: "an expression", program: "exports.up = q => q.query('SELECT 1')\nexports.down = q => q.query('SELECT 2')", want: "SELECT 1"},
		{name: "a typed constant", program: "export const up: Migration<A | B> = async ({ context: q }) => { await q.query('SELECT 1') }", want: "SELECT 1"},
		{name: "a pattern", program: "export const up = async ({ q, r }) => { await q.query('SELECT 1') }", want: "unread up"},
		{
			name: "helpers",
			program: "const fill = async (a, r) => { await r.query(a) }\nasync function add(r: QueryRunner): Promise<void> { await r.query(`SELECT 1`) }\n" +
				method("await add(q); await this.last(q); await this.other(q); await fill(1, q); await clear(q)\n} private async last(p) { await p.query(`SELECT 2`)"),
			want: "SELECT 1 | SELECT 2 | unread q | unread r.query | unread q",
		},
		{name: "a helper of a helper", program: "function f(q) { g(q) }\nfunction g(q) { f(q) }\n" + method("f(q)"), want: "unread function"},
		{name: "a helper under a condition", program: "function f(q) { q.query('SELECT 1') }\n" + method("if (x) { f(q) }"), want: "SELECT 1 sometimes"},
		{name: "a constant of two values", program: "const sql = `SELECT 1`;\n{ const sql = '2' }" + method("await q.query(sql)"), want: "unread q.query"},
		{name: "a constant that is a sum", program: "const sql = `SELECT ` + x;\n" + method("await q.query(sql)"), want: "unread q.query"},
		{name: "an unknown name", program: method("await q.query(sql)"), want: "unread q.query"},
		{name: "a method on the text", program: method("await q.query(`SELECT 1`.trim())"), want: "unread q.query"},
		{
			name:    "a builder",
			program: method("await q.addColumn('t', new TableColumn({ name: 'a' })); await q.query(`SELECT 1`)"),
			want:    "SELECT 1 | unread q.addColumn",
		},
		{name: "another use", program: method("await fill(q); await q.manager.query(`SELECT 1`)"), want: "unread q | unread q.manager.query"},
		{
			name:    "a guard",
			program: method("if (!(await q.hasTable('t'))) await q.query(`SELECT 1`);\nawait q.query(`SELECT 2`)"),
			want:    "SELECT 1 sometimes | SELECT 2",
		},
		{
			name:    "a guard with else",
			program: method("if (x) { await q.query(`SELECT 1`) } else { await q.query(`SELECT 2`) }"),
			want:    "SELECT 1 sometimes | SELECT 2 sometimes",
		},
		{
			name:    "a guard that needs a table",
			program: method("const has = await q.hasTable('t');\nif (has) { await q.query(`SELECT 1`) } else { await q.query(`SELECT 2`) }"),
			want:    "SELECT 1 sometimes if t exists, by line 4 | SELECT 2 sometimes",
		},
		{
			name:    "a guard that returns without a table",
			program: method("if (!(await q.hasTable('t'))) return;\nawait q.query(`SELECT 1`)"),
			want:    "SELECT 1 sometimes if t exists, by line 3",
		},
		{
			name:    "a guard of two",
			program: method("if (await q.hasTable('t') && x) await q.query(`SELECT 1`)"),
			want:    "SELECT 1 sometimes",
		},
		{
			name:    "a guard that returns",
			program: method("await q.query(`SELECT 0`); if (await q.hasTable('t')) { console.log('done'); return }\nawait q.query(`SELECT 1`)"),
			want:    "SELECT 0 | SELECT 1 sometimes",
		},
		{
			name:    "a guard that sends and returns",
			program: method("if (x) { await q.query(`SELECT 1`); return; }\nawait q.query(`SELECT 2`)"),
			want:    "SELECT 1 sometimes | SELECT 2 sometimes",
		},
		{
			name:    "a guard that throws",
			program: method("if (x) { throw new Error('no') }\nawait q.query(`SELECT 2`)"),
			want:    "SELECT 2",
		},
		{
			name:    "a guard in a guard",
			program: method("if (x) { await q.query(`SELECT 1`); if (y) { await q.query(`SELECT 2`) } else { await q.query(`SELECT 3`) } }"),
			want:    "SELECT 1 sometimes | SELECT 2 sometimes | SELECT 3 sometimes",
		},
		{
			name:    "guards in a row",
			program: method("if (x) { await q.query(`SELECT 1`) } else if (y) { await q.query(`SELECT 2`) } else { await q.query(`SELECT 3`) }"),
			want:    "SELECT 1 sometimes | SELECT 2 sometimes | SELECT 3 sometimes",
		},
		{
			name:    "a query in a condition",
			program: method("if ((await q.query(`SELECT 1`)).length) { return }"),
			want:    "SELECT 1",
		},
		{
			name:    "a return of a callback",
			program: method("if (x) { f(() => { return 1 }) }\nawait q.query(`SELECT 1`)"),
			want:    "SELECT 1",
		},
		{name: "a loop", program: method("for (const x of y) { await q.query(`SELECT 1`) }"), want: "SELECT 1 sometimes often"},
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
			if got := describeUp(tc.program, query); got != tc.want {
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
		if got := describeUp(strings.Repeat(piece, (1<<20)/len(piece)), query); got != "no up" {
			t.Errorf("%s: got %.80s", piece, got)
		}
	}
	if got := describeUp(strings.Repeat("`${", 8<<20), query); got != "no up" {
		t.Errorf("nested templates: got %.80s", got)
	}
	for _, piece := range []string{
		"q.a(", "q.a(1,", "if(", "if(x)", "if(x){", "if(x){return}", "else{", "try{", "for(;;)", "a=>", "(a)=>", "q.a(b=>", "[", "{a:", "new ", "'a'+",
		"x?q.a:", "q.a<", "const a=a+a;", "f(q)", "function f(q){f(q)", "async", "`${q.a}`", "`${`", "q.then(()=>", "-", "...",
	} {
		begin := time.Now()
		up := ReadUp("exports.up = async (q) => {\nconst a = 'a'\n"+strings.Repeat(piece, (256<<10)/len(piece)), query)
		if took := time.Since(begin); took > 10*time.Second || len(up.Parts) > 0 {
			t.Errorf("%s: %s, %d parts", piece, took, len(up.Parts))
		}
	}
	doubled := "const a0 = 'aaaaaaaaaaaaaaaa';\n"
	for i := range 60 {
		doubled += fmt.Sprintf("const a%d = a%d + a%d;\n", i+1, i, i)
	}
	if got := describeUp(doubled+"exports.up = async (q) => { await q.query(a60) }", query); !strings.HasPrefix(got, "unread") {
		t.Errorf("a text of 2^64 bytes: %.80s", got)
	}
	doubled = "const f0 = (t) => `${t}${t}`;\n"
	for i := range 60 {
		doubled += fmt.Sprintf("const f%d = (t) => `${f%d(t)}${f%d(t)}`;\n", i+1, i, i)
	}
	doubled += "exports.up = async (q) => { await q.query(f60('a')); await q.query(" + strings.Repeat("f0(", 30) + "'a'" + strings.Repeat(")", 30) + ") }"
	if got := describeUp(doubled, query); !strings.HasPrefix(got, "unread") {
		t.Errorf("2^60 calls, and a text of 2^30 bytes: %.80s", got)
	}
	calls := "class A { async up(q) {\n" + strings.Repeat("q.x()\n", 200_000) + "} }"
	up := ReadUp(calls, query)
	if last := len(up.Unread) - 1; last != 199_999 || up.Unread[last].Line != 200_001 || up.Unread[last].Column != 1 {
		t.Errorf("%d calls", len(up.Unread))
	}
}

// FuzzReadUp: no program makes the reader panic or give a part that is not at its offset.
func FuzzReadUp(f *testing.F) {
	f.Add("class A { async up(q) { await q.query(`SELECT ${`a${1}`}`); if (x) { q.query('\\'') } } }")
	f.Add("exports.up = ({ context: q }) => q.query(`${a}` + { b: [c, -1] }.b, new D(e => e.f<G>(1)!.h`${1}`)).then(() => 1)")
	f.Add("exports.up = (q) => { q.query(/[/`]/, \"\\u00e9\" + x)")
	f.Fuzz(func(t *testing.T, program string) {
		describeUp(program, builder)
		if got := describeUp(program, query); strings.HasPrefix(got, "not at") {
			t.Error(got)
		}
	})
}

// builder is a form whose callback lists calls of its parameter.
var builder = Form{Parameter: true, Lazy: true, Translate: func(call Value) Translation {
	last := call.Links[len(call.Links)-1]
	if len(last.Arguments) == 0 || last.Arguments[0].Kind != Callback {
		return Translation{Why: "no callback"}
	}
	calls, ok := last.Arguments[0].Function.Calls()
	if !ok {
		return Translation{Why: "a condition"}
	}
	var t Translation
	for _, c := range calls {
		names := ""
		for _, l := range c.Links {
			names += "." + l.Name
		}
		t.Statements = append(t.Statements, Statement{SQL: names})
	}
	return t
}}

// TestCallbacks: calls of a callback's parameter are listed, unless one may not run.
func TestCallbacks(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"await q.alter((t) => { t.text('a').notNull(); t.x })":    ".t.text.notNull | .t.x",
		"return q.alter(t => t.text('a'))":                        ".t.text",
		"await q.alter(function (t) { if (x) t.text('a') })":      "unread q.alter",
		"await q.alter((t) => { for (const c of d) { t.a(c) } })": "unread q.alter",
		"await q.alter((t) => { add(t) })":                        "unread q.alter",
		"await q.alter((t) => { const x = { t: 1 }; t.a() })":     ".t.a",
		"q.alter((t) => { t.a() })":                               "unread q.alter",
		"await q.alter(() => {})":                                 "",
	} {
		if got := describeUp("exports.up = async (q) => {\n"+body+"\n}\n", builder); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}
