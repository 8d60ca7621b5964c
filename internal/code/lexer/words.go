package lexer

import "sync"

// Words finds the words of a list in a text, in one pass: to search for one after the other takes a pass for each.
type Words struct {
	words []string
	index sync.Once
	// pairs has the bits of the first two bytes of the words.
	pairs  [1 << 10]uint64
	byPair map[uint16][]string
}

// NewWords returns a finder. Each word has at least two bytes. They are indexed at the first use, and not when the program starts.
func NewWords(words ...string) *Words { return &Words{words: words} }

func (w *Words) indexPairs() {
	w.byPair = map[uint16][]string{}
	for _, word := range w.words {
		pair := uint16(word[0])<<8 | uint16(word[1])
		w.pairs[pair>>6] |= 1 << (pair & 63)
		w.byPair[pair] = append(w.byPair[pair], word)
	}
}

// Each calls f with each word and its offset, in the order of the text, until f returns false. Words may overlap.
func (w *Words) Each(text []byte, f func(offset int, word string) bool) {
	w.index.Do(w.indexPairs)
	pair := uint16(0)
	for i, c := range text {
		if pair = pair<<8 | uint16(c); w.pairs[pair>>6]>>(pair&63)&1 == 0 || i == 0 {
			continue
		}
		for _, word := range w.byPair[pair] {
			if rest := text[i-1:]; len(rest) >= len(word) && string(rest[:len(word)]) == word && !f(i-1, word) {
				return
			}
		}
	}
}
