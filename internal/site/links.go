package site

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// Link is where a page of Markdown points to.
type Link struct {
	Line int // from 1
	// Target is the link's destination, as written: "rules/README.md#column", "https://…".
	Target string
}

// External reports whether a link leads out of the repository.
func (l Link) External() bool { return isExternal(l.Target) }

func isExternal(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme != "" || u.Host != "")
}

// FindLinks lists the links of a page of Markdown, in their order.
func FindLinks(text string) []Link { return parsePage([]byte(text)).findLinks() }

func (p *page) findLinks() []Link {
	var out []Link
	add := func(offset int, target string) {
		out = append(out, Link{1 + bytes.Count(p.source[:offset], []byte("\n")), target})
	}
	_ = ast.Walk(p.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			if n.Reference == nil { // else its definition is listed
				add(n.Pos(), string(n.Destination))
			}
		case *ast.Image:
			if n.Reference == nil {
				add(n.Pos(), string(n.Destination))
			}
		case *ast.LinkReferenceDefinition:
			add(n.Pos(), string(n.Destination))
		case *ast.AutoLink:
			if n.AutoLinkType == ast.AutoLinkURL {
				add(n.Pos(), string(n.URL(p.source)))
			}
		case *ast.RawHTML:
			p.addTagLinks(n.Segments.Value(p.source), n.Segments.At(0).Start, add)
		case *ast.HTMLBlock:
			html := n.Lines().Value(p.source)
			if n.HasClosure() {
				html = append(html, n.ClosureLine.Value(p.source)...)
			}
			p.addTagLinks(html, n.Pos(), add)
		}
		return ast.WalkContinue, nil
	})
	return out
}

// addTagLinks adds the links in HTML that begins at an offset of the page.
func (p *page) addTagLinks(html []byte, start int, add func(offset int, target string)) {
	for _, a := range listTagAttributes(string(html)) {
		if attribute, value := a[1], a[2]; attribute == "href" || attribute == "src" || attribute == "srcset" {
			add(start+max(0, bytes.Index(p.source[start:], []byte(value))), value)
		}
	}
}

func (p *page) hasAnchor(anchor string) bool {
	for _, h := range p.listHeadings() {
		if readAnchor(h) == anchor {
			return true
		}
	}
	return false
}

// FindBrokenLinks lists the broken links within the repository, each with its place. root is the
// repository's directory; pages are relative to it, with slashes.
func FindBrokenLinks(root string, pages []string) ([]string, error) {
	var out []string
	parsed := map[string]*page{}
	read := func(name string) (*page, error) {
		if parsed[name] == nil {
			data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
			if err != nil {
				return nil, err
			}
			parsed[name] = parsePage(data)
		}
		return parsed[name], nil
	}
	for _, name := range pages {
		p, err := read(name)
		if err != nil {
			return nil, err
		}
		for _, l := range p.findLinks() {
			if l.External() {
				continue
			}
			file, hash, _ := strings.Cut(l.Target, "#")
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil || strings.HasPrefix(to, "..") {
				out = append(out, fmt.Sprintf("%s:%d: there is no %s", name, l.Line, to))
				continue
			}
			if hash == "" || path.Ext(to) != ".md" {
				continue
			}
			target, err := read(to)
			if err != nil {
				return nil, err
			}
			if !target.hasAnchor(hash) {
				out = append(out, fmt.Sprintf("%s:%d: %s has no heading #%s", name, l.Line, to, hash))
			}
		}
	}
	return out, nil
}
