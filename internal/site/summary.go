package site

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// chapter is a line of a list of pages that links to one.
var chapter = regexp.MustCompile(`^(?:\s*[-*] |\| )\[([^\]]+)\]\(([^)#\s]+\.md)\)`)

// summary makes mdBook's list of chapters: docs/README.md has its parts and pages, and a
// directory's own README.md those of the directory.
func summary(pages map[string]string) (string, error) {
	text, ok := pages[index]
	if !ok {
		return "", fmt.Errorf("there is no docs/%s, which lists the pages", index)
	}
	var b strings.Builder
	b.WriteString("# onward\n\n[onward](index.md)\n")
	prose(text, func(_ int, _, line string) {
		if m := heading.FindStringSubmatch(line); m != nil && len(m[1]) == 2 {
			fmt.Fprintf(&b, "\n# %s\n\n", m[2])
			return
		}
		m := chapter.FindStringSubmatch(line)
		if m == nil {
			return
		}
		fmt.Fprintf(&b, "- [%s](%s)\n", m[1], indexed(m[2]))
		if path.Base(m[2]) == index {
			b.WriteString(below(path.Dir(m[2]), pages[m[2]]))
		}
	})
	return b.String(), nil
}

// below lists the pages of a directory as its own page does: under its headings, where
// it has them.
func below(dir, text string) string {
	var b strings.Builder
	part, written := "", ""
	prose(text, func(_ int, _, line string) {
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
