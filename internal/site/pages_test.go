package site_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
		t.Errorf("broken link: %v", b)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.md", "# A b, `c` & [d](b.md)!\n\n[here](#a-b-c--d) [not](#a) [b](sub/b.md#two-1) [gone](sub/c.md)\n"+
		"```\n[code](gone.md)\n```\n`[code](gone.md)` <img src=\"x.png\"> [up](../a.md) <https://example.org/#x>\n")
	write(t, dir, "sub/x.md", "[two\nlines](gone.md \"title\") | [r][ref], \\[no](gone.md) <!-- [no](gone.md) -->\n\n    [code](gone.md)\n\n"+
		"<picture>\n<source srcset=\"dark.png\">\n</picture>\n\n<pre>\n<a href=\"last.md\"></a></pre>\n\n[ref]: away.md\n")
	write(t, dir, "sub/b.md", "# One\n## Two\n## Two\n[back](../a.md#a-b-c--d)\n[bad](../a.md#two)\n\n[ref]: gone.md\n")
	write(t, dir, "b.md", "")
	got, err := site.FindBrokenLinks(dir, []string{"a.md", "sub/b.md", "sub/x.md"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a.md:3: a.md has no heading #a",
		"a.md:3: there is no sub/c.md",
		"a.md:7: there is no x.png",
		"a.md:7: there is no ../a.md",
		"sub/b.md:5: a.md has no heading #two",
		"sub/b.md:7: there is no sub/gone.md",
		"sub/x.md:1: there is no sub/gone.md",
		"sub/x.md:7: there is no sub/dark.png",
		"sub/x.md:11: there is no sub/last.md",
		"sub/x.md:13: there is no sub/away.md",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWrite checks the pages that are made, their order, and what is missing from the list.
func TestWrite(t *testing.T) {
	t.Parallel()
	docs, more, to := filepath.Join(t.TempDir(), "docs"), t.TempDir(), t.TempDir()
	write(t, docs, "README.md", "# T\n\n- [no page](https://example.org/x)\n\n## Part\n\n- [One](one.md): words\n- [Rules](rules/README.md)\n")
	write(t, docs, "one.md", "# One & only\n\n[x](../CHANGELOG.md#y) [r](rules/README.md#sub) [s](#s) `[x](../CHANGELOG.md#y)` ![i](i.png)\n\n"+
		"## s\n\n| a |\n| - |\n| b |\n\n```sql\nSELECT '<x>', 1 AS $$ SELECT $$; -- why\n```\n\n```\nSELECT <\n```\n")
	write(t, docs, "i.png", "pixels")
	write(t, docs, "rules/README.md", "# Rules\n\n## sub\n\n| rule |\n| --- |\n| [a-b](a-b.md) |\n\n## other\n\n| [c](c.md) |\n| --- |\n\n- [c](c.md), [a-b](a-b.md)\n- [up](../one.md)\n")
	write(t, docs, "rules/a-b.md", "[up](../README.md)\n")
	write(t, docs, "rules/c.md", "")
	write(t, more, "README.md", "# M\n\n- [sub](sub.md): words\n")
	write(t, more, "sub.md", "# S\n")
	s, err := site.Read(docs)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddPages(more, "more"); err != nil {
		t.Fatal(err)
	}
	write(t, to, "old.html", "")
	if err := s.Write(to); err != nil {
		t.Fatal(err)
	}
	if faults, err := site.FindFaults(to); err != nil || len(faults) > 0 {
		t.Errorf("faults: %v, %v", faults, err)
	}
	if _, err := os.Stat(filepath.Join(to, "old.html")); !os.IsNotExist(err) {
		t.Errorf("what was there before: %v", err)
	}

	onePage, subPage := read(t, to, "one.html"), read(t, to, "rules/a-b.html")
	for _, want := range []string{
		"<title>One - onward</title>",
		`<h1 id="one--only">One &amp; only <a class="anchor" href="#one--only"`,
		`<a href="` + site.Forge + `CHANGELOG.md#y">x</a> <a href="rules/index.html#sub">r</a> <a href="#s">s</a> <code>[x](../CHANGELOG.md#y)</code> <img src="i.png" alt="i">`,
		`<div class="table-wrapper"><table>`,
		`<span class="keyword">SELECT</span> <span class="string">&#39;&lt;x&gt;&#39;</span>, <span class="number">1</span> <span class="keyword">AS</span> ` +
			`<span class="string">$$</span> <span class="keyword">SELECT</span> <span class="string">$$</span>; <span class="comment">-- why</span>`,
		"<pre><code>SELECT &lt;\n</code></pre>",
		`<a href="one.html" aria-current="page">One</a>`,
		`<li><a href="#s">s</a></li>`,
		`<a rel="prev" href="index.html"><span>Previous</span> onward</a>`,
		`<a rel="next" href="rules/index.html"><span>Next</span> Rules</a>`,
	} {
		if !strings.Contains(onePage, want) {
			t.Errorf("one.html has no %s:\n%s", want, onePage)
		}
	}
	if got, want := listedPages(subPage), []string{
		"../index.html onward", "Part", "../one.html One", "../rules/index.html Rules", "sub", "../rules/a-b.html a-b", "other", "../rules/c.html c",
		"More", "../more/index.html All of them", "../more/sub.html sub",
	}; !slices.Equal(got, want) {
		t.Errorf("the list of pages: %s", cmp.Diff(want, got))
	}
	for _, want := range []string{`<a href="../index.html">up</a>`, `href="../site.css"`, `<details open><summary><a href="../rules/index.html">Rules</a>`} {
		if !strings.Contains(subPage, want) {
			t.Errorf("rules/a-b.html has no %s:\n%s", want, subPage)
		}
	}
	if none := read(t, to, "404.html"); !strings.Contains(none, `<base href="/">`) || !strings.Contains(none, `<a href="index.html">first page</a>`) {
		t.Errorf("404.html: %s", none)
	}

	write(t, more, "extra.md", "")
	if err := s.AddPages(more, "again"); err == nil || !strings.Contains(err.Error(), "page again/extra.md is in no list") {
		t.Errorf("an added page that no list names: %v", err)
	}
	write(t, docs, "two.md", "")
	if _, err := site.Read(docs); err == nil || !strings.Contains(err.Error(), "page two.md is in no list") {
		t.Errorf("a page that no list names: %v", err)
	}
	if err := os.Remove(filepath.Join(docs, "one.md")); err != nil {
		t.Fatal(err)
	}
	if _, err := site.Read(docs); err == nil || !strings.Contains(err.Error(), "page one.md is listed, and it is missing") {
		t.Errorf("a listed page that is missing: %v", err)
	}
}

// listedPages lists the lines of a page's list of pages.
func listedPages(page string) []string {
	_, list, _ := strings.Cut(page, `<nav id="sidebar"`)
	list, _, _ = strings.Cut(list, `<a href="https://github.com`)
	var out []string
	for _, m := range regexp.MustCompile(`<h2>(.*)</h2>|<a href="([^"]*)"[^>]*>(.*)</a>`).FindAllStringSubmatch(list, -1) {
		out = append(out, strings.TrimSpace(m[1]+m[2]+" "+m[3]))
	}
	return out
}

// TestSearchIndex checks that each section of a page can be found, and which word weighs more.
func TestSearchIndex(t *testing.T) {
	t.Parallel()
	docs, to := filepath.Join(t.TempDir(), "docs"), t.TempDir()
	write(t, docs, "README.md", "# T\n\n## Part\n\n- [One](one.md)\n- [Two](two.md)\n")
	write(t, docs, "one.md", "# Locks\n\nA *lock_timeout* &amp; `code`<br>more\n\n## Part two\n\n```sql\nCREATE INDEX i\n```\n\n### Deeper\n\n| cell |\n| - |\n| a \\| b |\n")
	write(t, docs, "two.md", "# Two\n\nThis says locks, once.\n")
	s, err := site.Read(docs)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(to); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Sections []struct{ Address, Title, Path, Text string }
		Words    map[string][]int
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(read(t, to, "searchindex.js"), "window.searchIndex = ")), &got); err != nil {
		t.Fatal(err)
	}
	want := []struct{ Address, Title, Path, Text string }{
		{"index.html#t", "T", "", ""},
		{"index.html#part", "Part", "onward", "One Two"},
		{"one.html#locks", "Locks", "Part", "A lock_timeout & code more"},
		{"one.html#part-two", "Part two", "Part › One", "CREATE INDEX i Deeper cell a | b"},
		{"two.html#two", "Two", "Part", "This says locks, once."},
	}
	if diff := cmp.Diff(want, got.Sections); diff != "" {
		t.Error(diff)
	}
	if locks := got.Words["lock"]; len(locks) != 4 || locks[0] != 2 || locks[2] != 4 || locks[1] <= locks[3] {
		t.Errorf("lock, in a title and in a text: %v", locks)
	}
	for _, word := range []string{"timeout", "create", "deeper"} {
		if len(got.Words[word]) != 2 {
			t.Errorf("the search index has %q in %v, want one section and its weight", word, got.Words[word])
		}
	}
}

// TestListed holds that docs/README.md leads to each page that there is.
func TestListed(t *testing.T) {
	t.Parallel()
	if _, err := site.Read(filepath.Join(root, "docs")); err != nil {
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

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
