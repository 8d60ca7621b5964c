package site

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Forge is where links lead that leave docs/.
const Forge = "https://github.com/onward-sql/onward/blob/main/"

//go:embed assets
var assets embed.FS

var layout = template.Must(template.ParseFS(assets, "assets/*.gohtml"))

// view is what a page's layout shows.
type view struct {
	Title          string
	Base           string // of all addresses in the page, if it is not the page's own
	Root           string // the way to the site's directory: "", "../"
	Content        template.HTML
	Parts          []entry
	Previous, Next *entry
}

// entry is a line of the list of pages beside a page.
type entry struct {
	Title, Address string
	Current        bool
	Open           bool // the current page is among the Entries
	Entries        []entry
	Headings       []entry // of the current page
}

// Write writes the site into a directory, which it empties before.
func (s *Site) Write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	files := maps.Clone(s.files)
	for _, name := range []string{"site.css", "site.js", "favicon.svg"} {
		data, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return err
		}
		files[name] = data
	}
	files["searchindex.js"] = s.buildSearchIndex()
	files[".nojekyll"] = nil // a forge that hosts the site takes it as it is
	list := slices.Collect(orderChapters(s.chapters))
	for i, c := range list {
		p, root := s.pages[c.page], strings.Repeat("../", strings.Count(c.page, "/"))
		v := view{Title: c.title, Root: root, Content: p.renderHTML(c.page), Parts: p.listEntries(s.chapters, c, root)}
		if i > 0 {
			v.Previous = &entry{Title: list[i-1].title, Address: root + siteAddress(list[i-1].page)}
		}
		if i+1 < len(list) {
			v.Next = &entry{Title: list[i+1].title, Address: root + siteAddress(list[i+1].page)}
		}
		if err := writePage(files, siteAddress(c.page), v); err != nil {
			return err
		}
	}
	// A host shows this page for any address that is missing, so its own address is not known.
	none := parsePage([]byte("# Page not found\n\nThis address leads nowhere. The search above finds the page, or the [first page](README.md) lists it.\n"))
	v := view{Title: "Page not found", Base: "/", Content: none.renderHTML(index), Parts: none.listEntries(s.chapters, nil, "")}
	if err := writePage(files, "404.html", v); err != nil {
		return err
	}
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o644)); err != nil {
			return err
		}
	}
	return nil
}

func writePage(files map[string][]byte, name string, v view) error {
	var b bytes.Buffer
	err := layout.ExecuteTemplate(&b, "page.gohtml", v)
	files[name] = b.Bytes()
	return err
}

// listEntries lists the chapters, as they are seen from the page of one of them.
func (p *page) listEntries(chapters []*chapter, current *chapter, root string) []entry {
	var out []entry
	for _, c := range chapters {
		e := entry{Title: c.title, Current: c == current, Entries: p.listEntries(c.chapters, current, root)}
		if c.page != "" {
			e.Address = root + siteAddress(c.page)
		}
		e.Open = slices.ContainsFunc(e.Entries, func(e entry) bool { return e.Current || e.Open })
		// The first page and directories have headings that the list has, too.
		if e.Current && c.page != index && len(c.chapters) == 0 {
			for _, h := range p.listHeadings() {
				if h.Level == 2 {
					e.Headings = append(e.Headings, entry{Title: p.plainText(h), Address: "#" + readAnchor(h)})
				}
			}
		}
		out = append(out, e)
	}
	return out
}

// renderHTML returns the page as HTML, for its place in the site.
func (p *page) renderHTML(name string) template.HTML {
	_ = ast.Walk(p.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Link:
				n.Destination = convertTarget(name, n.Destination)
			case *ast.Image:
				n.Destination = convertTarget(name, n.Destination)
			}
		}
		return ast.WalkContinue, nil
	})
	var b bytes.Buffer
	_ = pageRenderer.Render(&b, p.source, p.doc) // a buffer takes everything
	return template.HTML(b.String())
}

// convertTarget converts the target of a page's link to one in the site. What is not in docs/ is on the [Forge].
func convertTarget(name string, destination []byte) []byte {
	target := string(destination)
	file, hash, found := strings.Cut(target, "#")
	if isExternal(target) || file == "" {
		return destination
	}
	to := file
	if source := path.Join("docs", path.Dir(name), file); !strings.HasPrefix(source, "docs/") && source != "docs" {
		to = Forge + source
	} else if path.Ext(file) == ".md" {
		to = siteAddress(file)
	}
	if found {
		to += "#" + hash
	}
	return []byte(to)
}

// pageRenderer renders a page's own HTML, too: the pages are ours.
var pageRenderer = renderer.NewRenderer(renderer.WithNodeRenderers(
	util.Prioritized(pageNodes{}, 1),
	util.Prioritized(extension.NewTableHTMLRenderer(), 2),
	util.Prioritized(html.NewRenderer(html.WithUnsafe()), 3),
))

// pageNodes renders the nodes whose HTML is our own.
type pageNodes struct{}

func (pageNodes) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(tables.KindTable, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering { // wide ones scroll in their own box
			_, _ = w.WriteString("<div class=\"table-wrapper\"><table>\n")
		} else {
			_, _ = w.WriteString("</table></div>\n")
		}
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindHeading, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		h := n.(*ast.Heading)
		tag, anchor := string('0'+rune(h.Level)), template.HTMLEscapeString(readAnchor(h))
		if entering {
			_, _ = w.WriteString("<h" + tag + ` id="` + anchor + `">`)
		} else {
			_, _ = w.WriteString(` <a class="anchor" href="#` + anchor + `" aria-label="link to this heading">#</a></h` + tag + ">\n")
		}
		return ast.WalkContinue, nil
	})
	r.Register(ast.KindFencedCodeBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		code := string(n.Lines().Value(source))
		_, _ = w.WriteString("<pre><code>")
		if string(n.(*ast.FencedCodeBlock).Language(source)) == "sql" {
			highlightSQL(w, code)
		} else {
			template.HTMLEscape(w, []byte(code))
		}
		_, _ = w.WriteString("</code></pre>\n")
		return ast.WalkContinue, nil
	})
}

// page is a parsed page of Markdown. Its headings have their anchors.
type page struct {
	source []byte
	doc    ast.Node
}

var parser = goldmark.New(goldmark.WithExtensions(extension.Table)).Parser()

func parsePage(source []byte) *page {
	p := &page{source: source, doc: parser.Parse(text.NewReader(source))}
	seen := map[string]int{}
	for _, h := range p.listHeadings() {
		a := headingAnchor(p.plainText(h))
		n := seen[a]
		seen[a]++
		if n > 0 {
			a = fmt.Sprintf("%s-%d", a, n)
		}
		h.SetAttributeString("id", []byte(a))
	}
	return p
}

func (p *page) listHeadings() []*ast.Heading {
	var out []*ast.Heading
	_ = ast.Walk(p.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			out = append(out, h)
		}
		return ast.WalkContinue, nil
	})
	return out
}

// readAnchor returns a heading's anchor.
func readAnchor(h *ast.Heading) string {
	id, _ := h.AttributeString("id")
	a, _ := id.([]byte)
	return string(a)
}

// headingAnchor is the name of a heading, as forges form it: lower case, no marks but - and _.
func headingAnchor(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case unicode.IsLetter(r), unicode.IsNumber(r), r == '-', r == '_':
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte('-')
		}
	}
	return b.String()
}

// plainText returns the words of a node: no markup, and a space between two blocks.
func (p *page) plainText(n ast.Node) string {
	var b bytes.Buffer
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			if n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			value := n.Value(p.source)
			if !n.IsRaw() {
				value = util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(value)))
			}
			b.Write(value)
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.AutoLink:
			b.Write(n.Label(p.source))
		case *ast.RawHTML:
			b.WriteByte(' ') // <br> parts words
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			b.Write(n.Lines().Value(p.source))
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(b.String())
}

// highlightSQL writes SQL as HTML in which keywords, strings, numbers and comments have their classes. The pages have their
// keywords in capitals.
func highlightSQL(w io.Writer, sql string) {
	write := func(class, text string) {
		text = template.HTMLEscapeString(text)
		if class != "" {
			text = `<span class="` + class + `">` + text + "</span>"
		}
		_, _ = io.WriteString(w, text)
	}
	for done := 0; done < len(sql); {
		l := pgparse.NextLexeme(sql, done)
		write("", sql[done:l.Start])
		word := sql[l.Start:l.End]
		done = l.End
		switch l.Kind {
		case pgparse.LexemeWord:
			class := ""
			if len(word) > 1 && word == strings.ToUpper(word) {
				class = "keyword"
			}
			write(class, word)
		case pgparse.LexemeString, pgparse.LexemeBits:
			// A function's body is SQL, too.
			if quote := word[:strings.Index(word[1:], "$")+2]; word[0] == '$' && len(word) >= 2*len(quote) && strings.HasSuffix(word, quote) {
				write("string", quote)
				highlightSQL(w, word[len(quote):len(word)-len(quote)])
				write("string", quote)
			} else {
				write("string", word)
			}
		case pgparse.LexemeNumber, pgparse.LexemeParam:
			write("number", word)
		case pgparse.LexemeComment:
			write("comment", word)
		default:
			write("", word)
		}
	}
}
