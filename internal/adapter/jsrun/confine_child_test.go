package jsrun

import (
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/rotation"
)

// walled is in the result of a program that fills memory: it takes too much of it or, where the kernel hands memory out
// more slowly, too long.
const walled = "takes too"

// attempts are programs that try to take the machine, to reach the host, or to forge what is recorded. want is a part
// of the result.
var attempts = []struct{ name, program, want string }{
	// time
	{"an endless loop", "for (;;) ;", "takes too long"},
	{"an endless loop in up", "exports.up = () => { for (;;) ; }", "takes too long"},
	{
		"an endless loop that catches",
		"exports.up = () => { for (;;) try { for (;;) ; } catch {} finally { continue } }",
		"takes too long",
	},
	{"endless microtasks", "exports.up = async () => { for (;;) await null }", "takes too long"},
	{
		"endless timers",
		"exports.up = () => new Promise(() => { const f = () => setTimeout(f, 0); f() })",
		"takes too long",
	},
	{"an endless getter", "exports.up = (k) => k('a').insert({ get a() { for (;;) ; } })", "takes too long"},
	{"an endless iterator", "exports.up = () => [...(function* () { for (;;) yield 1 })()]", "too"},
	{"an endless conversion", "exports.up = (k) => `${{ toString() { for (;;) ; } }}`", "takes too long"},
	{
		"a regular expression that goes back",
		"exports.up = () => /(?=x)(x+x+)+y/.test('x'.repeat(60))",
		"takes too long",
	},
	{"a sort in one piece", "exports.up = () => new Array(3e7).fill(1).sort()", "why: "},
	{
		"conditions without end",
		"exports.up = () => { while (process.env.A !== process.env.B) ; }",
		"",
	},
	{"calls without end", "exports.up = async (k) => { for (;;) await k.raw('a') }", "1 often knex.raw(\"a\")\n"},
	// memory
	{"a huge text", "exports.up = () => 'x'.repeat(2 ** 29).repeat(8)", "why: "},
	{"a text that doubles", "exports.up = () => { let s = 'x'; for (;;) s += s + 1 }", walled},
	{"a list that grows", "exports.up = () => { const l = []; for (;;) l.push(new Array(1000).fill({})) }", walled},
	{
		"a map that grows",
		"exports.up = () => { const m = new Map(); for (let i = 0; ; i++) m.set('k' + i, [i]) }",
		walled,
	},
	{"a buffer", "exports.up = () => new Uint8Array(new ArrayBuffer(4e9)).fill(1)", "why: "},
	{"a list that is joined", "exports.up = () => new Array(2 ** 32 - 1).join('xxxxxxxx')", "why: "},
	{"a power", "exports.up = () => 2n ** (2n ** 40n)", "why: "},
	{
		"a record that is huge",
		"exports.up = async (k) => { const s = 'x'.repeat(1e7); for (let i = 0; i < 100; i++) await k.raw(s + i) }",
		"why: ",
	},
	{"a module that is huge", "exports.a = [" + strings.Repeat("1,", 1<<20) + "1]; exports.up = () => {}", ""},
	// the stack
	{"deep recursion", "exports.up = function f() { return f() + 1 }", "too deep"},
	{
		"deep recursion of a proxy",
		"exports.up = () => { let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.a }",
		"",
	},
	{
		"a deep value",
		"exports.up = (k) => { let l = []; for (let i = 0; i < 1e6; i++) l = [l]; return k('a').insert({ l }) }",
		"too",
	},
	{"a deep text of JSON", "exports.up = () => JSON.parse('['.repeat(5e6))", "why: "},
	{"a deep program", "exports.up = () => " + strings.Repeat("(", 1<<20), "why: "},
	{"a deep program at run time", "exports.up = () => eval('['.repeat(3e6))", "why: "},
	{"a value of itself", "exports.up = (k) => { const a = {}; a.a = a; return k('a').insert(a) }", "knex(\"a\")"},
	// the host
	{
		"a program of the host",
		"exports.up = (k) => k.raw(require('child_process').execSync('id').toString())",
		"knex.raw(?)",
	},
	{"a file of the host", "exports.up = (k) => k.raw(require('fs').readFileSync('/etc/passwd', 'utf8'))", "ENOENT"},
	{
		"a file of the host above the root",
		"exports.up = (k) => k.raw(require('fs').readFileSync(__dirname + '/../../../../../etc/passwd'))",
		"ENOENT",
	},
	{"an import of the host", "exports.up = (k) => k.raw(require('/etc/passwd'))", "knex.raw(?)"},
	{
		"an import of the host above the root",
		"exports.up = (k) => k.raw(require('../../../../../../etc/passwd'))",
		"knex.raw(?)",
	},
	{
		"an import of a URL",
		"import x from 'https://example.com/x.js'\nexport const up = (k) => k.raw(x)",
		"knex.raw(?)",
	},
	{
		"a map of positions of the host",
		"exports.up = (k) => k.raw('a')\n//# sourceMappingURL=/etc/passwd",
		"1 knex.raw(\"a\")",
	},
	{
		"settings of the bundler",
		"/** @jsx x */ /** @jsxImportSource /etc */ exports.up = (k) => k.raw(typeof <a/>)",
		"",
	},
	{
		"the constructor of functions",
		"exports.up = (k) => k.raw(typeof (() => {}).constructor('return this')().process.mainModule)",
		"",
	},
	{
		"a function of the host",
		"exports.up = (k) => k.raw(String(__onward_stub.constructor('return typeof host')()))",
		"knex.raw(\"undefined\")",
	},
	{"the environment", "exports.up = (k) => k.raw(process.env.HOME + process.env.PATH)", "knex.raw(?)"},
	// what is recorded
	{
		"the prototype of objects",
		"Object.prototype.k = 'c'; Object.prototype.toJSON = 1; exports.up = (k) => k.raw('a')",
		"knex.raw(\"a\")",
	},
	{
		"the prototype of lists",
		"Array.prototype.map = Array.prototype.push = () => { throw 1 }; exports.up = (k) => k.raw('a')",
		"ends with an error",
	},
	{
		"the functions of the language",
		"JSON.stringify = () => '{}'; Object.keys = null; Map.prototype.get = null; exports.up = (k) => k.raw('a')",
		"ends with an error",
	},
	{
		"the functions of the prelude",
		"globalThis.__onward_truth = 1; exports.up = (k) => { if (1) return k.raw('a') }",
		"",
	},
}

// TestWalls: no program takes the machine or reaches it, and the next program runs.
func TestWalls(t *testing.T) {
	ownCache(t)
	for _, a := range rotation.Pick(t, 8, attempts) {
		t.Run(a.name, func(t *testing.T) {
			files := tree{"m/a.js": a.program, "m/b.js": "exports.up = (k) => k.raw('next')"}
			start := time.Now()
			results, gaps := Run(t.Context(), files.find, []Job{{Path: "m/a.js"}, {Path: "m/b.js"}})
			got := formatResult(results[0])
			if !strings.Contains(got, a.want) || len(got) > 1<<20 && a.want != "" {
				t.Errorf("calls %.300s\nwant %q in them", got, a.want)
			}
			t.Logf("%.200s %s", got, time.Since(start).Round(time.Millisecond))
			if next := formatResult(results[1]); next != "1 knex.raw(\"next\")\n" {
				t.Errorf("the next one: %s", next)
			}
			if took := time.Since(start); took > 2*answerTime {
				t.Errorf("it took %s", took)
			}
			if len(gaps) > 0 {
				t.Errorf("gaps %q, want none", gaps)
			}
		})
	}
}
