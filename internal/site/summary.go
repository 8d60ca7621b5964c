package site

import (
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// chapter is a line of a list of pages that links to one.
var chapter = lazyregexp.New(`^(?:\s*[-*] |\| )\[([^\]]+)\]\(([^)#\s]+\.md)\)`)

// makeSummary makes mdBook's list of chapters: docs/README.md lists the parts and pages, and
// a directory's own README.md lists the directory's pages.
func makeSummary(pages map[string]string) (string, error) {
	text, ok := pages[index]
	if !ok {
		return "", fmt.Errorf("there is no docs/%s, which lists the pages", index)
	}
	var b strings.Builder
	b.WriteString("# onward\n\n[onward](index.md)\n")
	eachProseLine(text, func(_ int, _, line string) {
		if m := heading.FindStringSubmatch(line); m != nil && len(m[1]) == 2 {
			fmt.Fprintf(&b, "\n# %s\n\n", m[2])
			return
		}
		m := chapter.FindStringSubmatch(line)
		if m == nil {
			return
		}
		fmt.Fprintf(&b, "- [%s](%s)\n", m[1], sitePath(m[2]))
		if path.Base(m[2]) == index {
			b.WriteString(listPages(path.Dir(m[2]), pages[m[2]]))
		}
	})
	return b.String(), nil
}

// listPages lists the pages of a directory as its own page does: under its headings, where
// it has them.
func listPages(dir, text string) string {
	var b strings.Builder
	part, written := "", ""
	eachProseLine(text, func(_ int, _, line string) {
		if m := heading.FindStringSubmatch(line); m != nil && len(m[1]) == 2 {
			part = m[2]
			return
		}
		m := chapter.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[2], "../") {
			return
		}
		if part != "" && part != written {
			fmt.Fprintf(&b, "  - [%s]()\n", part)
			written = part
		}
		indent := "  "
		if part != "" {
			indent = "    "
		}
		fmt.Fprintf(&b, "%s- [%s](%s)\n", indent, m[1], path.Join(dir, m[2]))
	})
	return b.String()
}
