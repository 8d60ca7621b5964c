package site

import (
	"encoding/json"
	"math"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// searchIndex is what site.js searches. A weight is how much a word says about a section: BM25, in tenths, as if a word of the
// title was there four times, and a word of the chapters above it twice.
type searchIndex struct {
	Sections []searchSection  `json:"sections"`
	Words    map[string][]int `json:"words"` // the section's number and the word's weight, by turns
}

// searchSection is a part of a page: from a heading of the first or second level to the next.
type searchSection struct {
	Address string `json:"address"`
	Title   string `json:"title"`
	Path    string `json:"path"` // the chapters above it
	Text    string `json:"text"`
}

// buildSearchIndex returns the site's index as a script: a page that is opened as a file may load no JSON.
func (s *Site) buildSearchIndex() []byte {
	x := searchIndex{Words: map[string][]int{}}
	s.addSections(&x, s.chapters, nil)
	counts := make([]map[string]int, len(x.Sections))
	sections := map[string]int{} // how many have the word
	length := 0
	for i, section := range x.Sections {
		counts[i] = map[string]int{}
		for _, field := range []struct {
			text  string
			times int
		}{{section.Title, 4}, {section.Path, 2}, {section.Text, 1}} {
			for _, word := range splitWords(field.text) {
				if counts[i][word] == 0 {
					sections[word]++
				}
				counts[i][word] += field.times
				length += field.times
			}
		}
	}
	mean := float64(length) / float64(len(x.Sections))
	for i, words := range counts {
		long := 0
		for _, n := range words {
			long += n
		}
		for word, n := range words {
			rare := math.Log(1 + (float64(len(counts)-sections[word])+0.5)/(float64(sections[word])+0.5))
			weight := rare * float64(n) * 2.2 / (float64(n) + 1.2*(0.25+0.75*float64(long)/mean))
			x.Words[word] = append(x.Words[word], i, max(1, int(math.Round(10*weight))))
		}
	}
	data, _ := json.Marshal(x) // strings and numbers
	return append([]byte("window.searchIndex = "), data...)
}

// splitWords splits a text into its words, without the s of a plural, as site.js splits what is typed.
func splitWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	for i, w := range words {
		if len(w) > 3 && !strings.HasSuffix(w, "ss") {
			words[i] = strings.TrimSuffix(w, "s")
		}
	}
	return words
}

func (s *Site) addSections(x *searchIndex, chapters []*chapter, parentTitles []string) {
	for _, c := range chapters {
		if p := s.pages[c.page]; p != nil {
			p.addSections(x, siteAddress(c.page), append(parentTitles, c.title))
		}
		s.addSections(x, c.chapters, append(parentTitles, c.title))
	}
}

func (p *page) addSections(x *searchIndex, address string, chapters []string) {
	for n := p.doc.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		switch {
		case ok && h.Level <= 2:
			breadcrumb := strings.Join(chapters[:len(chapters)+h.Level-2], " › ") // a page's first heading is its chapter's title
			x.Sections = append(x.Sections, searchSection{Address: address + "#" + readAnchor(h), Title: p.plainText(h), Path: breadcrumb})
		case n.Kind() == ast.KindHTMLBlock:
		case len(x.Sections) > 0:
			last := &x.Sections[len(x.Sections)-1]
			last.Text = strings.TrimSpace(last.Text + " " + strings.Join(strings.Fields(p.plainText(n)), " "))
		}
	}
}
