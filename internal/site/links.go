package site

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Link is where a page of Markdown points to.
type Link struct {
	Line int // from 1
	// Target is what stands in it: "rules/README.md#column", "https://…".
	Target string
}

// External reports whether a link leads out of the repository.
func (l Link) External() bool { return scheme.MatchString(l.Target) }

var (
	scheme  = regexp.MustCompile(`^(?:[a-z][a-z0-9+.-]*:|//)`)
	fence   = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})")
	code    = regexp.MustCompile("`+[^`]*`+")
	inline  = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`)
	pointed = regexp.MustCompile(`<(https?://[^>\s]+)>`)
	tagged  = regexp.MustCompile(`(?:href|src|srcset)="([^"]+)"`)
	defined = regexp.MustCompile(`^ {0,3}\[[^\]]+\]: *(\S+)`)
	heading = regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*\s*$`)
)

// prose calls f with each line that is no code, its spans of code blanked, and the line as it is.
func prose(text string, f func(line int, blanked, raw string)) {
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

// Links lists where a page of Markdown points to, in its order.
func Links(text string) []Link {
	var out []Link
	prose(text, func(n int, line, _ string) {
		for _, at := range []*regexp.Regexp{inline, pointed, tagged, defined} {
			for _, m := range at.FindAllStringSubmatch(line, -1) {
				out = append(out, Link{n, m[1]})
			}
		}
	})
	return out
}

// Anchors lists what the headings of a page of Markdown are called in links, as forges
// and mdBook make it.
func Anchors(text string) []string {
	var out []string
	seen := map[string]int{}
	prose(text, func(_ int, _, raw string) {
		m := heading.FindStringSubmatch(raw)
		if m == nil {
			return
		}
		a := anchor(m[2])
		n := seen[a]
		seen[a]++
		if n > 0 {
			a = fmt.Sprintf("%s-%d", a, n)
		}
		out = append(out, a)
	})
	return out
}

var linked = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// anchor is the name of a heading: lower case, no marks but - and _.
func anchor(title string) string {
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

// Broken lists the links of pages that lead nowhere in the repository, each with its place.
// root is the repository's directory; pages are relative to it, with slashes.
func Broken(root string, pages []string) ([]string, error) {
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
		for _, l := range Links(text) {
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
				anchors[to] = Anchors(target)
			}
			if !slices.Contains(anchors[to], hash) {
				out = append(out, fmt.Sprintf("%s:%d: %s has no heading #%s", page, l.Line, to, hash))
			}
		}
	}
	return out, nil
}
