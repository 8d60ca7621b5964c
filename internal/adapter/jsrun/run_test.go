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
	others := tree{
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
			for p, text := range others {
				files[p] = text
			}
			results, gaps := Run(t.Context(), files.find, []Job{{Path: "m/a.ts", Client: "pg"}})
			got := strings.TrimSpace(formatResult(results[0]))
			if diff := cmp.Diff(strings.TrimSpace(want), got); diff != "" || len(gaps) > 0 {
				t.Errorf("%s\n%v", diff, gaps)
			}
		})
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
			t.Error(got)
		}
	}
	if n := childStarts.Load() - starts; n != 1 {
		t.Errorf("%d children", n)
	}
}
