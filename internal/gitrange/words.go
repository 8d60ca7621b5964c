package gitrange

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of Words.
const (
	// HitsPerWord bounds the hits that are given for one word, HitsPerFile
	// those in one file.
	HitsPerWord = 500
	HitsPerFile = 40
	// HitTextRunes bounds the text of a hit.
	HitTextRunes = 200
	// wordFile is the size, in bytes, above which a file is passed over:
	// bundles, dumps, fixtures.
	wordFile = 2 << 20
	// bundleLine is the length of a line from where on a program wrote it, bytes.
	bundleLine = 8 << 10
	// wordBunch is how many files are read at once.
	wordBunch = 400
)

// Hit is a line that contains a word.
type Hit struct {
	Word   string
	Path   string
	Line   int // from 1
	Column int // in bytes, from 1
	// Text is the line without surrounding space, cut around the word.
	Text string
}

// Words finds the lines that contain any of words, in files of a tree that
// skip does not leave out. Letters, digits, underscore and all non-ASCII
// characters make a word; words that hold anything else have no hits. Binary
// files, files above 2 MB, bundles of JavaScript and dumps of databases are
// passed over. It costs one read of each file, however many words there are.
//
// Hits are sorted by path and line, at most HitsPerWord for a word, and
// HitsPerFile of it in one file. An error joins what could not be read; the
// hits are those of the rest.
func Words(t Tree, words []string, skip func(path string) bool) ([]Hit, error) {
	left := make(map[string]int, len(words))
	for _, w := range words {
		if w != "" {
			left[w] = HitsPerWord
		}
	}
	if len(left) == 0 {
		return nil, nil
	}
	var paths []string
	for _, f := range t.Files() {
		if f.Err == nil && !f.Symlink && f.Size <= wordFile && !skip(f.Path) {
			paths = append(paths, f.Path)
		}
	}
	var hits []Hit
	var errs []error
	for bunch := range slices.Chunk(paths, wordBunch) {
		contents, err := t.ReadAll(bunch)
		if err != nil {
			errs = append(errs, err)
		}
		for _, p := range bunch {
			hits = scanWords(hits, p, contents[p], left)
		}
	}
	return hits, errors.Join(errs...)
}

// scanWords adds the hits of one file, one per word and line.
func scanWords(hits []Hit, path string, text []byte, left map[string]int) []Hit {
	if len(text) > wordFile || bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 || bundle(path, text) || dump(text) {
		return hits
	}
	line, lineStart := 1, 0
	here := map[string]int{}
	first := len(hits) // of this line
	for i := 0; i < len(text); {
		c := text[i]
		if !wordByte(c) {
			if c == '\n' {
				line, lineStart, first = line+1, i+1, len(hits)
			}
			i++
			continue
		}
		start := i
		for i < len(text) && wordByte(text[i]) {
			i++
		}
		n, wanted := left[string(text[start:i])]
		if !wanted || n == 0 {
			continue
		}
		word := string(text[start:i])
		if here[word] == HitsPerFile || slices.ContainsFunc(hits[first:], func(h Hit) bool { return h.Word == word }) {
			continue
		}
		left[word] = n - 1
		here[word]++
		hits = append(hits, Hit{Word: word, Path: path, Line: line, Column: start - lineStart + 1, Text: lineAround(text, lineStart, start)})
	}
	return hits
}

// bundle reports whether a file is JavaScript that a tool wrote: a line of it is
// longer than anybody's. It says what its source says, where nobody can read it.
func bundle(path string, text []byte) bool {
	if !strings.HasSuffix(path, ".js") && !strings.HasSuffix(path, ".mjs") && !strings.HasSuffix(path, ".cjs") {
		return false
	}
	for len(text) > bundleLine {
		end := bytes.IndexByte(text, '\n')
		if end < 0 || end > bundleLine {
			return true
		}
		text = text[end+1:]
	}
	return false
}

// dump reports whether a file is what pg_dump wrote: it names everything.
func dump(text []byte) bool {
	return bytes.Contains(text[:min(len(text), 200)], []byte("-- PostgreSQL database dump"))
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// lineAround is the line around an offset, cut to HitTextRunes.
func lineAround(text []byte, lineStart, at int) string {
	end := len(text)
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		end = at + n
	}
	from := lineStart
	if at-from > HitTextRunes/2 && end-from > HitTextRunes {
		from = at - HitTextRunes/2 // the word is to be seen
	}
	end = min(end, from+4*HitTextRunes)
	s := strings.TrimSpace(strings.ToValidUTF8(string(text[from:end]), ""))
	if utf8.RuneCountInString(s) > HitTextRunes {
		s = string([]rune(s)[:HitTextRunes])
	}
	return s
}
