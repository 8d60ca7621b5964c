package jsrun

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree is the files of a revision.
type tree map[string]string

func (m tree) find(candidates ...string) (string, string) {
	for _, p := range candidates {
		if text, ok := m[p]; ok {
			return p, text
		}
	}
	return "", ""
}

// ownCache gives a test a cache of its own.
func ownCache(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
}

// format writes a value as a program would.
func format(v Value) string {
	switch v.Kind {
	case Text:
		return quoteText(v.Text)
	case Number, Word:
		return v.Text
	case List:
		return "[" + formatAll(v.Items) + "]"
	case Object:
		var parts []string
		for _, f := range v.Fields {
			parts = append(parts, f.Name+": "+format(f.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case Callback:
		var parts []string
		for _, c := range v.Calls {
			parts = append(parts, format(c))
		}
		if !v.Read {
			parts = append(parts, "…")
		}
		return "(" + strings.Join(parts, "; ") + ")"
	case Chain:
		var parts []string
		for _, l := range v.Links {
			p := l.Name
			if l.Called {
				p += "(" + formatAll(l.Arguments) + ")"
			}
			parts = append(parts, p)
		}
		return strings.Join(parts, ".")
	}
	return "?"
}

func formatAll(list []Value) string {
	var parts []string
	for _, v := range list {
		parts = append(parts, format(v))
	}
	return strings.Join(parts, ", ")
}

func formatResult(r Result) string {
	var b strings.Builder
	for _, c := range r.Calls {
		fmt.Fprintf(&b, "%d ", c.Place.Line)
		for _, n := range c.Needs {
			b.WriteString("if " + format(n.Value) + ": ")
		}
		switch {
		case c.Loop:
			b.WriteString("often ")
		case c.Conditional:
			b.WriteString("sometimes ")
		case c.Idle:
			b.WriteString("idle ")
		}
		if c.Block > 0 {
			fmt.Fprintf(&b, "block %d ", c.Block)
		}
		if c.Unread != "" {
			b.WriteString(c.Name + ": " + c.Unread + "\n")
			continue
		}
		b.WriteString(format(c.Value) + "\n")
	}
	if r.Why != "" {
		b.WriteString("why: " + r.Why + "\n")
	}
	return b.String()
}

// TestPrograms: what a program calls is recorded in its order, with the conditions on unknown values.
func TestPrograms(t *testing.T) {
	ownCache(t)
	sharedFiles := tree{
		"lib/names.ts": "export enum Table { A = 'a', B = 'b' }\nexport const all = Object.values(Table)\n" +
			"export default 'c'\n" +
			"export const addAll = (t: any) => { for (const c of ['x', 'y']) t.string(c, 20).notNullable() }\n" +
			"export async function drop(k, n) { await null; await k.schema.dropTable(n) }\n",
		"lib/index.js": "exports.sql = 'SELECT 1'", "m/a.sql": "SELECT 2", "lib/list.json": `["j"]`,
	}
	text, err := os.ReadFile("testdata/programs.txt")
	if err != nil {
		t.Fatal(err)
	}
	for c := range strings.SplitSeq(strings.TrimPrefix(string(text), "### "), "\n### ") {
		name, rest, _ := strings.Cut(c, "\n")
		program, want, _ := strings.Cut(rest, "\n---\n")
		t.Run(name, func(t *testing.T) {
			files := tree{"m/a.ts": program}
			for p, text := range sharedFiles {
				files[p] = text
			}
			results, gaps := Run(t.Context(), files.find, []Job{{Path: "m/a.ts", Client: "pg"}})
			got := strings.TrimSpace(formatResult(results[0]))
			if diff := cmp.Diff(strings.TrimSpace(want), got); diff != "" || len(gaps) > 0 {
				t.Errorf("calls (-want +got):\n%s\ngaps: %v", diff, gaps)
			}
		})
	}
}

// TestOwnConnection: what a program sends on a connection that it opens by the tool's own package is not known, and is listed.
func TestOwnConnection(t *testing.T) {
	ownCache(t)
	for tool, c := range map[string]struct{ program, want string }{
		"sequelize": {
			"const { Sequelize, DataTypes } = require('sequelize')\nconst own = new Sequelize('a')\nexports.up = async (q) => {\n" +
				"  await own.getQueryInterface().createTable('t', { a: DataTypes.STRING(3) })\n  await own.query('SELECT 1')\n" +
				"  await q.addColumn('t', 'a', DataTypes.STRING(3))\n}\n",
			"4 Sequelize.createTable: it may send SQL on a connection of its own\n5 Sequelize.query: it may send SQL on a connection of its own\n" +
				"6 queryInterface.addColumn(\"t\", \"a\", Sequelize.DataTypes.STRING(3))\n",
		},
		"typeorm": {
			"import { DataSource, Table } from 'typeorm'\nexport class A {\n  async up(runner) {\n    await new DataSource({}).query('DROP TABLE t')\n" +
				"    const table = new Table({ name: 't' })\n    table.addColumn({})\n    await runner.query('SELECT 1')\n  }\n}\n",
			"4 DataSource.query: it may send SQL on a connection of its own\n7 queryRunner.query(\"SELECT 1\")\n",
		},
	} {
		files := tree{"m/a.ts": c.program}
		results, _ := Run(t.Context(), files.find, []Job{{Path: "m/a.ts", Tool: tool}})
		if diff := cmp.Diff(c.want, formatResult(results[0])); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", tool, diff)
		}
	}
}

// TestRevision: programs come from the revision, and a result is kept for the content of all files that a program got.
func TestRevision(t *testing.T) {
	ownCache(t)
	files := tree{"m/a.js": "exports.up = (k) => k.raw(require('./b'))", "m/b.js": "module.exports = 'base'"}
	run := func(want string) {
		t.Helper()
		results, _ := Run(t.Context(), files.find, []Job{{Path: "m/a.js"}})
		if got := formatResult(results[0]); got != "1 knex.raw("+want+")\n" {
			t.Errorf("%s instead of %s", got, want)
		}
	}
	run(`"base"`)
	starts := childStarts.Load()
	run(`"base"`)
	if childStarts.Load() != starts {
		t.Error("the second run started a child")
	}
	files["m/b.js"] = "module.exports = 'head'"
	run(`"head"`)
	files["m/b.ts"] = "module.exports = 'new'" // an import finds TypeScript first
	run(`"new"`)
	delete(files, "m/b.ts")
	delete(files, "m/b.js")
	run("?")
}

// TestKeptSettings: a result is kept for the settings of the tool that the program got.
func TestKeptSettings(t *testing.T) {
	ownCache(t)
	files := tree{"m/a.js": "exports.up = async ({ name, context }) => { await context.raw(name) }"}
	for _, name := range []string{"base", "head"} {
		results, _ := Run(t.Context(), files.find, []Job{{Path: "m/a.js", Settings: `{"context": true, "name": "` + name + `"}`}})
		if got := formatResult(results[0]); got != "1 knex.raw(\""+name+"\")\n" {
			t.Errorf("calls %q, want knex.raw of %q", got, name)
		}
	}
}

// TestOneChild: one child runs all programs.
func TestOneChild(t *testing.T) {
	ownCache(t)
	files := tree{}
	var jobs []Job
	for i := range 50 {
		name := fmt.Sprintf("m/%d.js", i)
		files[name] = fmt.Sprintf("exports.up = (k) => k.raw('%d')", i)
		jobs = append(jobs, Job{Path: name})
	}
	starts := childStarts.Load()
	results, _ := Run(t.Context(), files.find, jobs)
	for i, r := range results {
		if got := formatResult(r); got != fmt.Sprintf("1 knex.raw(\"%d\")\n", i) {
			t.Errorf("calls of job %d: %q, want knex.raw of its number", i, got)
		}
	}
	if n := childStarts.Load() - starts; n != 1 {
		t.Errorf("%d children", n)
	}
}

// TestComputedImports: an import of a computed name reads no file of this machine.
func TestComputedImports(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("secret.js", []byte("module.exports = 'secret'"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{
		"exports.up = async (k) => { const n = 'secret'; await k.raw(require(`./${n}.js`)); await k.raw('b') }",
		"exports.up = async (k) => { const n = 'secret'; await k.raw((await import('./' + n)).default); await k.raw('b') }",
	} {
		r := executeJob(Job{Path: "m/a.js"}, tree{"m/a.js": program}.find)
		if got := formatResult(r); got != "1 knex.raw(?)\n1 knex.raw(\"b\")\n" {
			t.Errorf("calls %q, want knex.raw(?) and knex.raw of b:\n%s", got, program)
		}
	}
}

// TestPaths: conditions are tried one at a time, so the number of paths grows with theirs.
func TestPaths(t *testing.T) {
	repeat := func(n int, text string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(text, "#", fmt.Sprint(i)))
		}
		return b.String()
	}
	for name, tc := range map[string]struct {
		program      string
		paths, calls int
	}{
		"independent": {repeat(15, "if (process.env.A#) await k.raw('a#'); else await k.raw('b#')\n") + repeat(100, "await k.raw('c#')\n"), 17, 130},
		"nested":      {repeat(20, "if (process.env.A#) { await k.raw('a#')\n") + strings.Repeat("}", 20), 22, 20},
		"in the other branch": {
			repeat(20, "if (process.env.A#) await k.raw('a#'); else {\n") + strings.Repeat("}", 20), 21, 20,
		},
		"returns":         {repeat(20, "if (process.env.A#) return\n") + "await k.raw('a')", 21, 1},
		"errors":          {repeat(20, "if (process.env.A#) throw new Error('a')\n") + "await k.raw('a')", 42, 1},
		"an endless loop": {"while ((await k.raw('a')).rows.length > 0) await k.raw('b')\nawait k.raw('c')", 7, 4},
		"a loop with a way out": {
			"while (true) { const r = await k.raw('a'); if (r.rows.length === 0) break; await k.raw('b') }\nawait k.raw('c')", 2, 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := prepareJob(Job{Path: "m/a.js"}, tree{"m/a.js": "exports.up = async (k) => {\n" + tc.program + "\n}"}.find)
			if err != nil {
				t.Fatal(err)
			}
			calls, err := e.explorePaths()
			if err != nil || e.paths != tc.paths || len(calls) != tc.calls {
				t.Errorf("%d paths, %d calls: %v\n%s", e.paths, len(calls), err, formatResult(Result{Calls: calls}))
			}
		})
	}
}

// TestUntriedConditions: a condition whose other way is not tried is reported, and what follows it is not certain.
func TestUntriedConditions(t *testing.T) {
	e, err := prepareJob(Job{Path: "m/a.js"}, tree{"m/a.js": "exports.up = async (k) => {\nawait k.raw('a')\n" +
		"if (process.env.A) await k.raw('b')\nif (process.env.B) await k.raw('c')\nawait k.raw('d')\n}"}.find)
	if err != nil {
		t.Fatal(err)
	}
	e.paths = mostPaths - 2 // one path is left for both conditions
	calls, err := e.explorePaths()
	want := "2 knex.raw(\"a\")\n3 up: the program has more conditions on unknown values than are tried: the other way of this one is not known\n" +
		"3 sometimes knex.raw(\"b\")\n4 sometimes knex.raw(\"c\")\n5 sometimes knex.raw(\"d\")\n"
	if got := formatResult(Result{Calls: calls}); err != nil || got != want {
		t.Errorf("explorePaths: %v; calls\n%s\nwant\n%s", err, got, want)
	}
}
