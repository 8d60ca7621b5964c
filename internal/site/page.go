package site

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

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
