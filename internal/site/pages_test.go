package site_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/site"
)

// root is the repository's directory.
const root = "../.."

// written lists the pages of Markdown that the repository has, relative to its root.
func written(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	pages := slices.DeleteFunc(strings.Fields(string(out)), func(p string) bool {
		_, err := os.Stat(filepath.Join(root, p))
		return os.IsNotExist(err) || strings.Contains(p, "testdata/") || strings.HasPrefix(p, "examples/")
	})
	if len(pages) < 200 {
		t.Fatalf("only %d pages are seen", len(pages))
	}
	return pages
}

// TestLinks holds each link between pages, and each anchor.
func TestLinks(t *testing.T) {
	t.Parallel()
	broken, err := site.FindBrokenLinks(root, written(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.md", "# A b, `c` & [d](b.md)!\n\n[here](#a-b-c--d) [not](#a) [b](sub/b.md#two-1) [gone](sub/c.md)\n"+
		"```\n[code](gone.md)\n```\n`[code](gone.md)` <img src=\"x.png\"> [up](../a.md) <https://example.org/#x>\n")
	write(t, dir, "sub/b.md", "# One\n## Two\n## Two\n[back](../a.md#a-b-c--d)\n[bad](../a.md#two)\n\n[ref]: gone.md\n")
	write(t, dir, "b.md", "")
	got, err := site.FindBrokenLinks(dir, []string{"a.md", "sub/b.md"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a.md:3: a.md has no heading #a",
		"a.md:3: there is no sub/c.md",
		"a.md:7: there is no ../a.md",
		"a.md:7: there is no x.png",
		"sub/b.md:5: a.md has no heading #two",
		"sub/b.md:7: there is no sub/gone.md",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestStage: what a page of the repository becomes, and what is missing from the list.
func TestStage(t *testing.T) {
	t.Parallel()
	docs, to := filepath.Join(t.TempDir(), "docs"), t.TempDir()
	write(t, docs, "README.md", "# T\n\n## Part\n\n- [One](one.md): words\n- [Rules](rules/README.md)\n")
	write(t, docs, "one.md", "[x](../CHANGELOG.md#y) [r](rules/README.md#sub) [s](#s) `[x](../CHANGELOG.md#y)`\n")
	write(t, docs, "rules/README.md", "# Rules\n\n## sub\n\n| rule |\n| --- |\n| [a-b](a-b.md) |\n\n## other\n\n| [c](c.md) |\n")
	write(t, docs, "rules/a-b.md", "[up](../README.md)\n")
	write(t, docs, "rules/c.md", "")
	if err := site.StageDocs(docs, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"SUMMARY.md": "# onward\n\n[onward](index.md)\n\n# Part\n\n- [One](one.md)\n- [Rules](rules/index.md)\n" +
			"  - [sub]()\n    - [a-b](rules/a-b.md)\n  - [other]()\n    - [c](rules/c.md)\n",
		"one.md":       "[x](" + site.Forge + "CHANGELOG.md#y) [r](rules/index.md#sub) [s](#s) `[x](../CHANGELOG.md#y)`\n",
		"rules/a-b.md": "[up](../index.md)\n",
	} {
		got, err := os.ReadFile(filepath.Join(to, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	write(t, docs, "../more/README.md", "# M\n\n- [sub](sub.md): words\n")
	write(t, docs, "../more/sub.md", "# S\n")
	if err := site.AddPages(filepath.Join(docs, "..", "more"), to, "more"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(to, "SUMMARY.md"))
	if want := "\n# More\n\n- [All of them](more/index.md)\n  - [sub](more/sub.md)\n"; err != nil || !strings.HasSuffix(string(got), want) {
		t.Errorf("the list, with a part added: %v\n%s", err, got)
	}
	write(t, docs, "two.md", "")
	if err := site.StageDocs(docs, to); err == nil || !strings.Contains(err.Error(), "docs/two.md is in no list") {
		t.Errorf("a page that no list names: %v", err)
	}
}

// TestListed holds that docs/README.md leads to each page that there is.
func TestListed(t *testing.T) {
	t.Parallel()
	if err := site.StageDocs(filepath.Join(root, "docs"), t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := site.FindFaults(dir); err == nil {
		t.Error("an empty directory is no site")
	}
	write(t, dir, "index.html", `<a href="https://example.org/">out</a><a id="x" class="y" href="sub/b.html#z">b</a><a href="#x">x</a>`+
		`<img src="gone.png"><script src="https://cdn.example.org/a.js"></script><a href="/root">r</a><a href="sub/b.html#no">b</a>`)
	write(t, dir, "sub/b.html", `<h1 id="z"><link rel="stylesheet" href="../a.css?v=1"><a href="../">up</a></h1>`)
	write(t, dir, "a.css", `@import "//fonts.example.org/css"; a { background: url(img.png) } b { background: url("https://example.org/i.png") }`)
	got, err := site.FindFaults(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a.css asks //fonts.example.org/css",
		"a.css asks https://example.org/i.png",
		"index.html: /root holds only at the root of a host",
		"index.html: <script> asks https://cdn.example.org/a.js",
		"index.html: sub/b.html has no #no",
		"index.html: there is no gone.png",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
