// Package site makes one static site of docs/. The pages stay as they are on a forge: docs/README.md lists what is in
// the site, in its order. The finished site is checked: its links and anchors lead somewhere, and no page loads
// anything from another host.
package site

//go:generate go run ./pages

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Site has the pages, their order, and the other files beside them.
type Site struct {
	pages    map[string]*page // by name
	chapters []*chapter
	files    map[string][]byte
}

// index is the page that a forge shows for its directory.
const index = "README.md"

// Read reads the directory docs. A page that no list has is an error, and so is a listed page that is missing.
func Read(docs string) (*Site, error) {
	s := &Site{pages: map[string]*page{}, files: map[string][]byte{}}
	if err := s.readFiles(docs, ""); err != nil {
		return nil, err
	}
	if s.pages[index] == nil {
		return nil, fmt.Errorf("there is no docs/%s, which lists the pages", index)
	}
	s.chapters = readChapters(s.pages)
	return s, s.checkChapters()
}

// AddPages adds the pages of a directory as a part of the site, listed in its README.md, with the same errors as [Read].
func (s *Site) AddPages(dir, part string) error {
	if err := s.readFiles(dir, part); err != nil {
		return err
	}
	name := path.Join(part, index)
	if s.pages[name] == nil {
		return fmt.Errorf("there is no %s/%s, which lists the pages", dir, index)
	}
	title := strings.ToUpper(part[:1]) + part[1:]
	s.chapters = append(s.chapters, &chapter{title: title, chapters: []*chapter{
		{title: "All of them", page: name, chapters: listPages(name, s.pages[name])},
	}})
	return s.checkChapters()
}

// checkChapters checks that each page is a chapter, and that each chapter has its page.
func (s *Site) checkChapters() error {
	unlisted := maps.Clone(s.pages)
	var errs []error
	for c := range orderChapters(s.chapters) {
		if s.pages[c.page] == nil {
			errs = append(errs, fmt.Errorf("page %s is listed, and it is missing", c.page))
		}
		delete(unlisted, c.page)
	}
	for _, name := range slices.Sorted(maps.Keys(unlisted)) {
		errs = append(errs, fmt.Errorf("page %s is in no list: add it to a README.md above it", name))
	}
	return errors.Join(errs...)
}

// readFiles reads the files below a directory, as the given directory of the site.
func (s *Site) readFiles(dir, prefix string) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := path.Join(prefix, filepath.ToSlash(rel))
		if path.Ext(name) == ".md" {
			s.pages[name] = parsePage(cutFrontMatter(data))
		} else {
			s.files[name] = data
		}
		return nil
	})
}

// cutFrontMatter returns a page without the settings for other programs at its beginning.
func cutFrontMatter(data []byte) []byte {
	if rest, ok := bytes.CutPrefix(data, []byte("---\n")); ok {
		if _, after, ok := bytes.Cut(rest, []byte("\n---\n")); ok {
			return after
		}
	}
	return data
}

// siteAddress returns the address of a page in the site, where index.html is the page of a directory.
func siteAddress(name string) string {
	if path.Base(name) == index {
		return path.Join(path.Dir(name), "index.html")
	}
	return strings.TrimSuffix(name, ".md") + ".html"
}
