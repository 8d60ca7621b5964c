package site

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

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
