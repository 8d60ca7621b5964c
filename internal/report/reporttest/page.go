package reporttest

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// policy matches the Content-Security-Policy of a page.
var policy = lazyregexp.New(`content="default-src[^"]*"`)

// CutBody returns a page without its style, script and policy, which have files and
// tests of their own.
func CutBody(t testing.TB, page string) string {
	t.Helper()
	for _, element := range []string{"style", "script"} {
		before, rest, _ := strings.Cut(page, "<"+element+">")
		_, after, found := strings.Cut(rest, "</"+element+">")
		if !found {
			t.Fatalf("no %s", element)
		}
		page = before + "<" + element + "></" + element + ">" + after
	}
	return policy.ReplaceAllString(page, `content="…"`)
}

// ListElements returns the elements of a page, in order, each at its depth.
func ListElements(t testing.TB, page string) []string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(CutBody(t, page)))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link", "br"}, xml.HTMLEntity
	var out []string
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if depth != 0 {
				t.Errorf("%d elements are left open", depth)
			}
			return out
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, page)
		}
		switch e := token.(type) {
		case xml.StartElement:
			out = append(out, strings.Repeat(" ", depth)+e.Name.Local)
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

// CountCells counts the cells of a row of Markdown as GitHub does: a pipe after a backslash is text.
func CountCells(row string) int {
	n := -1
	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '|':
			n++
		}
	}
	return n
}
