// Package site makes one static site of docs/. The pages stay what they are on a forge:
// what is in the site, and where, is what docs/README.md lists. They are staged for mdBook, which
// renders them, and what it made is checked: links, anchors, and that no page asks
// anybody else for anything.
package site

//go:generate go run ./pages

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Forge is where links lead that leave docs/.
const Forge = "https://github.com/onward-sql/onward/blob/main/"

// index is the page that a forge shows for its directory.
const index = "README.md"

// StageDocs copies the directory docs for mdBook into the directory to, with the list of its chapters,
// SUMMARY.md. Links that leave docs lead to the [Forge]. A page that no list names is an error.
func StageDocs(docs, to string) error {
	pages := map[string]string{}
	err := filepath.WalkDir(docs, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(docs, file)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if path.Ext(name) == ".md" {
			pages[name] = string(data)
			return nil
		}
		return writeFile(to, name, string(data))
	})
	if err != nil {
		return err
	}
	contents, err := makeSummary(pages)
	if err != nil {
		return err
	}
	if err := writeFile(to, "SUMMARY.md", contents); err != nil {
		return err
	}
	var errs []error
	for name, text := range pages {
		if !strings.Contains(contents, "("+sitePath(name)+")") {
			errs = append(errs, fmt.Errorf("docs/%s is in no list: add it to docs/README.md", name))
		}
		if err := writeFile(to, sitePath(name), convertLinks(name, text)); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

// AddPages adds the pages of a directory to the staged ones, listed in its README.md.
func AddPages(dir, to, part string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	pages := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		name := path.Join(part, e.Name())
		pages[name] = string(data)
		if err := writeFile(to, sitePath(name), convertLinks(name, pages[name])); err != nil {
			return err
		}
	}
	file := filepath.Join(to, "SUMMARY.md")
	contents, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	title := strings.ToUpper(part[:1]) + part[1:]
	more := fmt.Sprintf("\n# %s\n\n- [%s](%s/index.md)\n%s", title, "All of them", part, listPages(part, pages[path.Join(part, index)]))
	return os.WriteFile(file, append(contents, more...), 0o644)
}

func writeFile(dir, name, text string) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

// sitePath returns a page's name in the site, where index.html is the page of a directory.
func sitePath(name string) string {
	if path.Base(name) == index {
		return path.Join(path.Dir(name), "index.md")
	}
	return name
}

// convertLinks converts the links of a page to links in the site.
func convertLinks(name, text string) string {
	var b strings.Builder
	rest := text
	for _, l := range FindLinks(text) {
		if l.External() || strings.HasPrefix(l.Target, "#") {
			continue
		}
		file, hash, found := strings.Cut(l.Target, "#")
		to := file
		if at := path.Join("docs", path.Dir(name), file); !strings.HasPrefix(at, "docs/") && at != "docs" {
			to = Forge + at
		} else if path.Base(file) == index {
			to = path.Join(path.Dir(file), "index.md")
		}
		if found {
			to += "#" + hash
		}
		if to == l.Target {
			continue
		}
		i := strings.Index(rest, "("+l.Target+")")
		if i < 0 {
			continue // the same target was met in code; the check of the site finds what is left
		}
		b.WriteString(rest[:i] + "(" + to + ")")
		rest = rest[i+len(l.Target)+2:]
	}
	return b.String() + rest
}
