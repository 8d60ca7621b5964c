package site

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Link is where a page of Markdown points to.
type Link struct {
	Line int // from 1
	// Target is the link's text: "rules/README.md#column", "https://…".
	Target string
}

// External reports whether a link leads out of the repository.
func (l Link) External() bool { return scheme.MatchString(l.Target) }

var (
	scheme  = lazyregexp.New(`^(?:[a-z][a-z0-9+.-]*:|//)`)
	fence   = lazyregexp.New("^ {0,3}(`{3,}|~{3,})")
	code    = lazyregexp.New("`+[^`]*`+")
	inline  = lazyregexp.New(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`)
	pointed = lazyregexp.New(`<(https?://[^>\s]+)>`)
	tagged  = lazyregexp.New(`(?:href|src|srcset)="([^"]+)"`)
	defined = lazyregexp.New(`^ {0,3}\[[^\]]+\]: *(\S+)`)
	heading = lazyregexp.New(`^(#{1,6})\s+(.*?)\s*#*\s*$`)
)

// eachProseLine calls f with each line that is no code, with its code spans blanked, and with the
// original line.
func eachProseLine(text string, f func(line int, blanked, raw string)) {
	within, n := "", 0
	for raw := range strings.Lines(text) {
		n++
		raw = strings.TrimRight(raw, "\r\n")
		if m := fence.FindStringSubmatch(raw); m != nil {
			switch {
			case within == "":
				within = m[1]
			case strings.HasPrefix(m[1], within):
				within = ""
			}
			continue
		}
		if within == "" {
			f(n, code.ReplaceAllStringFunc(raw, func(s string) string { return strings.Repeat(" ", len(s)) }), raw)
		}
	}
}

// FindLinks lists the links of a page of Markdown, in their order.
func FindLinks(text string) []Link {
	var out []Link
	eachProseLine(text, func(n int, line, _ string) {
		for _, at := range []*lazyregexp.Regexp{inline, pointed, tagged, defined} {
			for _, m := range at.FindAllStringSubmatch(line, -1) {
				out = append(out, Link{n, m[1]})
			}
		}
	})
	return out
}

// FindAnchors lists the anchors of the headings in a page of Markdown, as forges and mdBook generate
// them.
func FindAnchors(text string) []string {
	var out []string
	seen := map[string]int{}
	eachProseLine(text, func(_ int, _, raw string) {
		m := heading.FindStringSubmatch(raw)
		if m == nil {
			return
		}
		a := headingAnchor(m[2])
		n := seen[a]
		seen[a]++
		if n > 0 {
			a = fmt.Sprintf("%s-%d", a, n)
		}
		out = append(out, a)
	})
	return out
}

var linked = lazyregexp.New(`\[([^\]]*)\]\([^)]*\)`)

// headingAnchor is the name of a heading: lower case, no marks but - and _.
func headingAnchor(title string) string {
	title = linked.ReplaceAllString(title, "$1")
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

// FindBrokenLinks lists the broken links within the repository, each with its place. root is the
// repository's directory; pages are relative to it, with slashes.
func FindBrokenLinks(root string, pages []string) ([]string, error) {
	var out []string
	anchors := map[string][]string{}
	read := func(page string) (string, error) {
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
		return string(data), err
	}
	for _, page := range pages {
		text, err := read(page)
		if err != nil {
			return nil, err
		}
		for _, l := range FindLinks(text) {
			if l.External() {
				continue
			}
			file, hash, _ := strings.Cut(l.Target, "#")
			to := page
			if file != "" {
				to = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil || strings.HasPrefix(to, "..") {
				out = append(out, fmt.Sprintf("%s:%d: there is no %s", page, l.Line, to))
				continue
			}
			if hash == "" || path.Ext(to) != ".md" {
				continue
			}
			if anchors[to] == nil {
				target, err := read(to)
				if err != nil {
					return nil, err
				}
				anchors[to] = FindAnchors(target)
			}
			if !slices.Contains(anchors[to], hash) {
				out = append(out, fmt.Sprintf("%s:%d: %s has no heading #%s", page, l.Line, to, hash))
			}
		}
	}
	return out, nil
}
