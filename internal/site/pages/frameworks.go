package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/onward"
)

// repo is an example as a tree of files.
type repo map[string]string

func (r repo) Name() string { return "example" }

func (r repo) Paths() []string {
	var out []string
	for name := range r {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (r repo) Read(path string) ([]byte, error) { return []byte(r[path]), nil }

func (r repo) Dir(context.Context) (string, error) {
	return "", errors.New("an example is nowhere on disk")
}

// makeFrameworks makes a page for each migration tool, and their list. table is the page that compares all
// tools: how a tool is recognised, and how it runs a file, is copied from there.
func makeFrameworks(ctx context.Context, table string) (map[string]string, error) {
	list, err := readExamples("frameworks")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var index strings.Builder
	index.WriteString("# Onward with your migration tool\n\n" +
		"What is read, how the tool runs it, what onward says to an example, and how it is carried out. All tools side by side: " +
		"[Migration tools](../runners.md).\n\n| tool | what tells it |\n| --- | --- |\n")
	for _, x := range list {
		title := x.head["title"]
		name := strings.ToLower(strings.ReplaceAll(title, " ", "-")) + ".md"
		var page, source string
		if x.head["unread"] != "" {
			page, source = "# Onward with "+x.head["title"]+"\n\n"+x.prose+"\n", cmp.Or(x.head["told"], "not read yet")
		} else {
			row, err := findToolRow(table, x.head["row"])
			if err != nil {
				return nil, err
			}
			if page, err = makeFramework(ctx, x, row); err != nil {
				return nil, fmt.Errorf("%s: %w", title, err)
			}
			source = row[1]
		}
		out["frameworks/"+name] = page
		fmt.Fprintf(&index, "| [%s](%s) | %s |\n", title, name, source)
	}
	index.WriteString("\nDjango has [a page of its own](../django.md).\n")
	out["frameworks/README.md"] = index.String()
	return out, nil
}

var toRoot = lazyregexp.New(`\]\(([^:)]+)\)`)

// findToolRow is a tool's row in the table of tools, its links as they lead from a directory below.
func findToolRow(table, tool string) ([]string, error) {
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) == 4 && strings.Contains(line, "|") {
			for i := range cells {
				cells[i] = toRoot.ReplaceAllString(strings.TrimSpace(cells[i]), "](../$1)")
			}
			if cells[0] == tool || strings.HasPrefix(cells[0], "["+tool+"]") {
				return cells, nil
			}
		}
	}
	return nil, fmt.Errorf("docs/runners.md has no row %q", tool)
}

func makeFramework(ctx context.Context, x *example, row []string) (string, error) {
	tree := repo{}
	for _, files := range []map[string]string{x.beside, x.deployed, x.fresh} {
		for name, text := range files {
			tree[name] = text
		}
	}
	found, _ := adapter.DetectSources(tree, all.ListAdapters())
	if len(found) == 0 {
		return "", errors.New("no adapter takes the example")
	}
	a, _ := all.FindAdapter(found[0].Framework)
	set, err := a.Load(ctx, tree, found[0])
	if err != nil {
		return "", err
	}
	if len(set.Migrations) != 2 {
		return "", fmt.Errorf("%d migrations are read, not 2", len(set.Migrations))
	}
	tool := set.Migrations[0].Runner.Tool
	var b strings.Builder
	fmt.Fprintf(&b, "# Onward with %s\n\n%s\n\n## How a file runs\n\n| told by | a file runs as | known from |\n| --- | --- | --- |\n| %s |\n\n",
		x.head["title"], x.prose, strings.Join(row[1:], " | "))
	if advice, code, more := strings.Cut(tool.Apart, "\n"); advice != "" {
		fmt.Fprintf(&b, "A statement that cannot run in a transaction belongs into %s", strings.TrimSuffix(advice, ":"))
		if more {
			fmt.Fprintf(&b, ":\n\n```text\n%s\n```\n\n", code)
		} else {
			b.WriteString(".\n\n")
		}
	}
	output, _, err := x.runChangelog(ctx, x.fresh)
	if err != nil {
		return "", err
	}
	b.WriteString("## An example\n\nA release adds an index to a table that is deployed:\n\n" + formatFiles(x.fresh, true) + "`onward changelog` says:\n\n" +
		output + "\n")
	if len(x.safe) > 0 {
		output, r, err := x.runChangelog(ctx, x.safe)
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return f.Severity >= onward.Error }) {
			return "", fmt.Errorf("the safe form has an error:\n%s", output)
		}
		b.WriteString("The safe version:\n\n" + formatFiles(x.safe, true) + "`onward changelog` says:\n\n" + output + "\n")
	}
	b.WriteString(describeChangedHistory(set.HistoryBehavior))
	b.WriteString(describeRun(set, cmp.Or(x.head["name"], tool.Name, set.Evidence.Tool, "the tool")))
	return b.String(), nil
}

// describeChangedHistory says what the tool does about a history that changed.
func describeChangedHistory(h adapter.HistoryBehavior) string {
	var b strings.Builder
	for _, c := range [][2]string{{"edited", h.Edited}, {"deleted", h.Deleted}, {"given another name", h.Renamed}} {
		if c[1] != "" {
			fmt.Fprintf(&b, "- An applied migration was %s: %s.\n", c[0], c[1])
		}
	}
	if h.OutOfOrder != "" {
		fmt.Fprintf(&b, "- A new one sorts before one that is applied: %s.\n", h.OutOfOrder)
	}
	if b.Len() == 0 {
		return ""
	}
	return "## When the history changes\n\n" + b.String() + "\n"
}

// describeRun says how a release is carried out.
func describeRun(set *adapter.Set, name string) string {
	var b strings.Builder
	if len(set.Migrations) > 0 && path.Ext(set.Migrations[0].Path) != ".sql" {
		b.WriteString("## All that it sends\n\n[onward capture](../capture.md) runs the tool's own command on a throwaway Postgres, and judges every statement:\n\n" +
			"```sh\nonward capture -- " + adapter.MigrateCommand(name) + "\n```\n\n")
	}
	b.WriteString("## Carrying it out\n\n")
	if c := set.Count; c != nil && hasOnlyPrograms(set) {
		fmt.Fprintf(&b, "[onward apply](../apply.md) does not run these migrations unchanged: they are programs, which %s runs itself.\n"+
			"It carries out a [plan](../plan.md) that is made of them, and records them in `%s`.\n", name, c.Table)
	} else if c != nil {
		fmt.Fprintf(&b, "[onward apply](../apply.md) runs what is pending, so that nobody waits, and notes it in `%s` as %s itself does: "+
			"its next run has nothing to do.\n", c.Table, name)
	} else {
		fmt.Fprintf(&b, "[onward apply](../apply.md) does not run these migrations unchanged: it does not know how %s keeps count.\n"+
			"It carries out a [plan](../plan.md) that is made of them.\n", name)
	}
	if name == "Hasura" {
		b.WriteString("\n[onward guard](../guard.md) refuses Hasura's command, which only calls the Hasura server: the sessions of that are not guarded.\n")
		return b.String()
	}
	b.WriteString("\n[onward guard](../guard.md) lets the tool's own command run through a proxy that holds back what would make others wait:\n\n" +
		"```sh\nonward guard --db env:DATABASE_URL -- " + adapter.MigrateCommand(name) + "\n```\n")
	return b.String()
}

// hasOnlyPrograms reports whether only the tool itself can run the migrations of a set.
func hasOnlyPrograms(set *adapter.Set) bool {
	return set.Beyond != nil && len(set.Migrations) > 0 && len(set.Beyond()) >= len(set.Migrations)
}

//go:embed frameworks/*.txtar accidents/*.txtar squawk.txt
var sources embed.FS

// example is a file of examples: what it says of itself, and a small repository in which something is new.
type example struct {
	head  map[string]string
	prose string
	// beside are files that always exist. deployed are the base's migrations, fresh the release's,
	// and safe the ones that replace the release.
	beside, deployed, fresh, safe map[string]string
}

// readExamples reads the examples in a directory, by name.
func readExamples(dir string) ([]*example, error) {
	entries, err := sources.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []*example
	for _, e := range entries {
		data, err := sources.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		x, err := parseExample(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		out = append(out, x)
	}
	return out, nil
}

func parseExample(data []byte) (*example, error) {
	a := txtar.Parse(data)
	x := &example{head: map[string]string{}, beside: map[string]string{}, deployed: map[string]string{}, fresh: map[string]string{}, safe: map[string]string{}}
	head, prose, _ := strings.Cut(string(a.Comment), "\n\n")
	for line := range strings.Lines(head) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			return nil, fmt.Errorf("%q is not KEY: VALUE", line)
		}
		x.head[key] = value
	}
	x.prose = strings.TrimSpace(prose)
	for _, f := range a.Files {
		target, name := x.beside, f.Name
		for prefix, files := range map[string]map[string]string{"deployed/": x.deployed, "new/": x.fresh, "safe/": x.safe} {
			if rest, ok := strings.CutPrefix(f.Name, prefix); ok {
				target, name = files, rest
			}
		}
		target[name] = string(f.Data)
	}
	return x, nil
}

// writeInto writes the example into a directory, with some migrations as the release.
func (x *example) writeInto(dir string, release map[string]string) error {
	for _, files := range []map[string]string{x.beside, x.deployed, release} {
		for name, text := range files {
			file := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// runChangelog is what onward changelog prints of a release, and its report.
func (x *example) runChangelog(ctx context.Context, release map[string]string) (string, *onward.Report, error) {
	dir, err := os.MkdirTemp("", "onward-pages-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(dir)
	if err := x.writeInto(dir, nil); err != nil {
		return "", nil, err
	}
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "."},
		{"-c", "user.name=onward", "-c", "user.email=onward@example.org", "commit", "-q", "-m", "deployed"},
	} {
		if out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	if err := x.writeInto(dir, release); err != nil {
		return "", nil, err
	}
	settings, err := config.Load(dir, audit.Names())
	if err != nil {
		return "", nil, err
	}
	r, err := audit.Changelog(ctx, audit.Config{Dir: dir, Base: "HEAD", Settings: settings})
	if err != nil {
		return "", nil, err
	}
	// A commit has another name each time.
	r.Base, r.Head = "deployed", "this branch"
	var b bytes.Buffer
	if err := terminal.WriteReport(&b, r, report.Options{Width: 100}); err != nil {
		return "", nil, err
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return "```text\n" + strings.Trim(strings.Join(lines, "\n"), "\n") + "\n```\n", r, nil
}

// formatFiles are files as a page shows them.
func formatFiles(files map[string]string, names bool) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		language := strings.TrimPrefix(path.Ext(name), ".")
		if names {
			fmt.Fprintf(&b, "`%s`:\n\n", name)
		}
		fmt.Fprintf(&b, "```%s\n%s```\n\n", language, files[name])
	}
	return b.String()
}
