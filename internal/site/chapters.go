package site

import (
	"iter"
	"path"
	"strings"

	"github.com/yuin/goldmark/ast"
	tables "github.com/yuin/goldmark/extension/ast"
)

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
