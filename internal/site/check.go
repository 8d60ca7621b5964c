package site

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// The pages have attributes in quotes: they are found without a parser. attribute matches a tag with a link, a resource or an anchor, asked a
// resource that CSS loads from another host.
var (
	attribute = lazyregexp.New(`<([a-zA-Z][a-zA-Z0-9]*)\b[^<>]*?\s(href|src|srcset|action|id)="([^"]*)"`)
	asked     = lazyregexp.New(`(?:@import\s+|url\()\s*["']?((?:https?:)?//[^"')\s]+)`)
)

// FindFaults lists the problems of a finished site: broken links within it, and resources that a
// browser would load from another host. Links to other sites that readers may follow are no
// problem.
func FindFaults(dir string) ([]string, error) {
	files := map[string][]string{} // each file of the site, with its anchors
	texts := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		files[name] = nil
		switch path.Ext(name) {
		case ".html", ".css":
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			texts[name] = string(data)
			files[name] = listAnchors(string(data))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("there is no site in %s", dir)
	}
	var out []string
	for name, text := range texts {
		for _, m := range asked.FindAllStringSubmatch(text, -1) {
			out = append(out, fmt.Sprintf("%s asks %s", name, m[1]))
		}
		if path.Ext(name) == ".html" && name != "404.html" { // which is shown for any missing page
			out = append(out, findPageFaults(name, text, files)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// listAnchors lists the anchors of a page. attribute finds one in each tag, so tags are asked
// for each of theirs.
func listAnchors(text string) []string {
	var out []string
	for _, m := range listTagAttributes(text) {
		if m[1] == "id" {
			out = append(out, m[2])
		}
	}
	return out
}

// listTagAttributes lists tag, attribute and value of all that link, fetch or are linked to.
func listTagAttributes(text string) [][3]string {
	var out [][3]string
	for tag := range strings.SplitSeq(text, "<") {
		tag, _, _ = strings.Cut(tag, ">")
		rest := "<" + tag
		for {
			m := attribute.FindStringSubmatchIndex(rest)
			if m == nil {
				break
			}
			out = append(out, [3]string{rest[m[2]:m[3]], rest[m[4]:m[5]], rest[m[6]:m[7]]})
			// The tag without what was found in it.
			rest = rest[:m[4]] + rest[m[1]:]
		}
	}
	return out
}

func findPageFaults(page, text string, files map[string][]string) []string {
	var out []string
	for _, m := range listTagAttributes(text) {
		tag, attribute, value := m[0], m[1], strings.ReplaceAll(m[2], "&amp;", "&")
		if attribute == "id" || strings.HasPrefix(value, "data:") {
			continue
		}
		if isExternal(value) {
			if tag != "a" {
				out = append(out, fmt.Sprintf("%s: <%s> asks %s", page, tag, value))
			}
			continue
		}
		file, hash, _ := strings.Cut(value, "#")
		file, _, _ = strings.Cut(file, "?")
		if strings.HasPrefix(file, "/") {
			out = append(out, fmt.Sprintf("%s: %s holds only at the root of a host", page, value))
			continue
		}
		to := page
		if file != "" {
			if un, err := url.PathUnescape(file); err == nil {
				file = un
			}
			to = path.Join(path.Dir(page), file)
			if strings.HasSuffix(file, "/") {
				to = path.Join(to, "index.html")
			}
		}
		anchors, ok := files[to]
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%s: there is no %s", page, to))
		case hash != "" && path.Ext(to) == ".html" && !slices.Contains(anchors, hash):
			out = append(out, fmt.Sprintf("%s: %s has no #%s", page, to, hash))
		}
	}
	return out
}

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
