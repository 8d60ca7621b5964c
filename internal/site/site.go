// Package site makes one static site of docs/. The pages stay as they are on a forge: docs/README.md lists what is in
// the site, in its order. The finished site is checked: its links and anchors lead somewhere, and no page loads
// anything from another host.
package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"
)

//go:generate go run ./pages

// Site has the pages, their order, and the other files beside them.
type Site struct {
	pages    map[string]*page // by name
	chapters []*chapter
	files    map[string][]byte
}

// index is the page that a forge shows for its directory.
const index = "README.md"

// Read reads the directory docs. A page that no list has is an error, and so is a listed page that is missing.
func Read(docs string) (*Site, error) {
	s := &Site{pages: map[string]*page{}, files: map[string][]byte{}}
	if err := s.readFiles(docs, ""); err != nil {
		return nil, err
	}
	if s.pages[index] == nil {
		return nil, fmt.Errorf("there is no docs/%s, which lists the pages", index)
	}
	s.chapters = readChapters(s.pages)
	return s, s.checkChapters()
}

// AddPages adds the pages of a directory as a part of the site, listed in its README.md, with the same errors as [Read].
func (s *Site) AddPages(dir, part string) error {
	if err := s.readFiles(dir, part); err != nil {
		return err
	}
	name := path.Join(part, index)
	if s.pages[name] == nil {
		return fmt.Errorf("there is no %s/%s, which lists the pages", dir, index)
	}
	title := strings.ToUpper(part[:1]) + part[1:]
	s.chapters = append(s.chapters, &chapter{title: title, chapters: []*chapter{
		{title: "All of them", page: name, chapters: listPages(name, s.pages[name])},
	}})
	return s.checkChapters()
}

// checkChapters checks that each page is a chapter, and that each chapter has its page.
func (s *Site) checkChapters() error {
	unlisted := maps.Clone(s.pages)
	var errs []error
	for c := range orderChapters(s.chapters) {
		if s.pages[c.page] == nil {
			errs = append(errs, fmt.Errorf("page %s is listed, and it is missing", c.page))
		}
		delete(unlisted, c.page)
	}
	for _, name := range slices.Sorted(maps.Keys(unlisted)) {
		errs = append(errs, fmt.Errorf("page %s is in no list: add it to a README.md above it", name))
	}
	return errors.Join(errs...)
}

// readFiles reads the files below a directory, as the given directory of the site.
func (s *Site) readFiles(dir, prefix string) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := path.Join(prefix, filepath.ToSlash(rel))
		if path.Ext(name) == ".md" {
			s.pages[name] = parsePage(cutFrontMatter(data))
		} else {
			s.files[name] = data
		}
		return nil
	})
}

// cutFrontMatter returns a page without the settings for other programs at its beginning.
func cutFrontMatter(data []byte) []byte {
	if rest, ok := bytes.CutPrefix(data, []byte("---\n")); ok {
		if _, after, ok := bytes.Cut(rest, []byte("\n---\n")); ok {
			return after
		}
	}
	return data
}

// siteAddress returns the address of a page in the site, where index.html is the page of a directory.
func siteAddress(name string) string {
	if path.Base(name) == index {
		return path.Join(path.Dir(name), "index.html")
	}
	return strings.TrimSuffix(name, ".md") + ".html"
}

// chapter is a line of the site's list of pages.
type chapter struct {
	title    string
	page     string // the name of its page; "" for a heading, which leads nowhere
	chapters []*chapter
}

// readChapters reads the list of pages: docs/README.md lists the parts and pages, and a directory's own
// README.md lists the directory's pages.
func readChapters(pages map[string]*page) []*chapter {
	out := []*chapter{{title: "onward", page: index}}
	for part, line := range listedLinks(pages[index]) {
		if last := out[len(out)-1]; last.page != "" || last.title != part {
			out = append(out, &chapter{title: part})
		}
		c := &chapter{title: line.title, page: line.target}
		if path.Base(c.page) == index && pages[c.page] != nil {
			c.chapters = listPages(c.page, pages[c.page])
		}
		last := out[len(out)-1]
		last.chapters = append(last.chapters, c)
	}
	return out
}

// listPages lists the pages of a directory as its own page does: under its headings, if it has
// them.
func listPages(name string, p *page) []*chapter {
	var out []*chapter
	for part, line := range listedLinks(p) {
		if strings.HasPrefix(line.target, "../") {
			continue
		}
		c := &chapter{title: line.title, page: path.Join(path.Dir(name), line.target)}
		if part == "" {
			out = append(out, c)
			continue
		}
		if len(out) == 0 || out[len(out)-1].page != "" || out[len(out)-1].title != part {
			out = append(out, &chapter{title: part})
		}
		last := out[len(out)-1]
		last.chapters = append(last.chapters, c)
	}
	return out
}

// orderChapters yields the chapters that have pages, in the order of reading.
func orderChapters(list []*chapter) iter.Seq[*chapter] {
	return func(yield func(*chapter) bool) {
		for _, c := range list {
			if c.page != "" && !yield(c) {
				return
			}
			for sub := range orderChapters(c.chapters) {
				if !yield(sub) {
					return
				}
			}
		}
	}
}

// listedLink is a link to a page.
type listedLink struct{ title, target string }

// listedLinks yields the items of lists and rows of tables that begin with a link to a page, with the heading of
// the second level above them.
func listedLinks(p *page) iter.Seq2[string, listedLink] {
	return func(yield func(string, listedLink) bool) {
		part := ""
		_ = ast.Walk(p.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if !entering {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *ast.Heading:
				if n.Level == 2 {
					part = p.plainText(n)
				}
			case *ast.ListItem, *tables.TableRow:
				block := n.FirstChild()
				if block == nil {
					return ast.WalkContinue, nil
				}
				link, ok := block.FirstChild().(*ast.Link)
				if ok && path.Ext(string(link.Destination)) == ".md" && !yield(part, listedLink{p.plainText(link), string(link.Destination)}) {
					return ast.WalkStop, nil
				}
			}
			return ast.WalkContinue, nil
		})
	}
}

// searchIndex is what site.js searches. A weight is how much a word says about a section: BM25, in tenths, as if a word of the
// title was there four times, and a word of the chapters above it twice.
type searchIndex struct {
	Sections []searchSection  `json:"sections"`
	Words    map[string][]int `json:"words"` // the section's number and the word's weight, by turns
}

// searchSection is a part of a page: from a heading of the first or second level to the next.
type searchSection struct {
	Address string `json:"address"`
	Title   string `json:"title"`
	Path    string `json:"path"` // the chapters above it
	Text    string `json:"text"`
}

// buildSearchIndex returns the site's index as a script: a page that is opened as a file may load no JSON.
func (s *Site) buildSearchIndex() []byte {
	x := searchIndex{Words: map[string][]int{}}
	s.addSections(&x, s.chapters, nil)
	counts := make([]map[string]int, len(x.Sections))
	sections := map[string]int{} // how many have the word
	length := 0
	for i, section := range x.Sections {
		counts[i] = map[string]int{}
		for _, field := range []struct {
			text  string
			times int
		}{{section.Title, 4}, {section.Path, 2}, {section.Text, 1}} {
			for _, word := range splitWords(field.text) {
				if counts[i][word] == 0 {
					sections[word]++
				}
				counts[i][word] += field.times
				length += field.times
			}
		}
	}
	mean := float64(length) / float64(len(x.Sections))
	for i, words := range counts {
		long := 0
		for _, n := range words {
			long += n
		}
		for word, n := range words {
			rare := math.Log(1 + (float64(len(counts)-sections[word])+0.5)/(float64(sections[word])+0.5))
			weight := rare * float64(n) * 2.2 / (float64(n) + 1.2*(0.25+0.75*float64(long)/mean))
			x.Words[word] = append(x.Words[word], i, max(1, int(math.Round(10*weight))))
		}
	}
	data, _ := json.Marshal(x) // strings and numbers
	return append([]byte("window.searchIndex = "), data...)
}

// splitWords splits a text into its words, without the s of a plural, as site.js splits what is typed.
func splitWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	for i, w := range words {
		if len(w) > 3 && !strings.HasSuffix(w, "ss") {
			words[i] = strings.TrimSuffix(w, "s")
		}
	}
	return words
}

func (s *Site) addSections(x *searchIndex, chapters []*chapter, parentTitles []string) {
	for _, c := range chapters {
		if p := s.pages[c.page]; p != nil {
			p.addSections(x, siteAddress(c.page), append(parentTitles, c.title))
		}
		s.addSections(x, c.chapters, append(parentTitles, c.title))
	}
}

func (p *page) addSections(x *searchIndex, address string, chapters []string) {
	for n := p.doc.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		switch {
		case ok && h.Level <= 2:
			breadcrumb := strings.Join(chapters[:len(chapters)+h.Level-2], " › ") // a page's first heading is its chapter's title
			x.Sections = append(x.Sections, searchSection{Address: address + "#" + readAnchor(h), Title: p.plainText(h), Path: breadcrumb})
		case n.Kind() == ast.KindHTMLBlock:
		case len(x.Sections) > 0:
			last := &x.Sections[len(x.Sections)-1]
			last.Text = strings.TrimSpace(last.Text + " " + strings.Join(strings.Fields(p.plainText(n)), " "))
		}
	}
}
