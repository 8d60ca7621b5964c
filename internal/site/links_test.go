package site

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

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
