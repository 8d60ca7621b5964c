package lazyregexp

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filter tells texts without a match from their words alone, of which each match has one: to look for a word takes a
// hundredth of the time in which the pattern goes through the text.
type filter struct {
	// words are empty if nothing is known. With folded they are lower case, and match as (?i) does.
	words  []string
	folded bool
}

const (
	mostWords = 16
	// A shorter word is in nearly all texts.
	shortestWord = 3
)

// readFilter reads the words from a pattern.
func readFilter(pattern string) filter {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return filter{}
	}
	tree = tree.Simplify()
	if isAnchored(tree) {
		return filter{} // it fails at the first character
	}
	f := filter{folded: hasFold(tree)}
	all := f.read(tree)
	for _, word := range better(all.words, all.exact) {
		if !slices.ContainsFunc(f.words, func(other string) bool { return strings.Contains(word, other) }) {
			f.words = append(f.words, word)
		}
	}
	return f
}

func isAnchored(re *syntax.Regexp) bool {
	for re.Op == syntax.OpConcat || re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	return re.Op == syntax.OpBeginText
}

func hasFold(re *syntax.Regexp) bool {
	if re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase != 0 {
		return true
	}
	for _, sub := range re.Sub {
		if hasFold(sub) {
			return true
		}
	}
	return false
}

// part is what is known of the texts that a part of a pattern matches.
type part struct {
	// exact are all of these texts; nil if there are too many.
	exact []string
	// words are such that each text has one of them.
	words []string
}

func (f *filter) read(re *syntax.Regexp) part {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return part{exact: []string{""}}
	case syntax.OpLiteral:
		return f.readLiteral(re.Rune)
	case syntax.OpCharClass:
		return f.readClass(re.Rune)
	case syntax.OpCapture:
		return f.read(re.Sub[0])
	case syntax.OpPlus:
		sub := f.read(re.Sub[0])
		return part{words: better(sub.words, sub.exact)}
	case syntax.OpQuest:
		if sub := f.read(re.Sub[0]); sub.exact != nil && len(sub.exact) < mostWords {
			return part{exact: append([]string{""}, sub.exact...)}
		}
	case syntax.OpAlternate:
		return f.readAlternatives(re.Sub)
	case syntax.OpConcat:
		return f.readSequence(re.Sub)
	}
	return part{}
}

func (f *filter) readLiteral(runes []rune) part {
	if slices.Contains(runes, utf8.RuneError) {
		return part{} // a byte that is no UTF-8 matches it, too
	}
	if !f.folded {
		return part{exact: []string{string(runes)}}
	}
	word := strings.ToLower(string(runes))
	if strings.IndexFunc(word, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return part{}
	}
	return part{exact: []string{word}}
}

func (f *filter) readClass(ranges []rune) part {
	var exact []string
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if len(exact) == mostWords/4 {
				return part{}
			}
			letter := f.readLiteral([]rune{r})
			if letter.exact == nil {
				return part{}
			}
			exact = append(exact, letter.exact...)
		}
	}
	return part{exact: exact}
}

func (f *filter) readAlternatives(subs []*syntax.Regexp) part {
	all := part{exact: []string{}, words: []string{}}
	for _, re := range subs {
		sub := f.read(re)
		if all.exact != nil && sub.exact != nil {
			all.exact = append(all.exact, sub.exact...)
		} else {
			all.exact = nil
		}
		words := better(sub.words, sub.exact)
		if all.words != nil && words != nil {
			all.words = append(all.words, words...)
		} else {
			all.words = nil
		}
	}
	if len(all.exact) > mostWords {
		all.exact = nil
	}
	if len(all.words) > mostWords {
		all.words = nil
	}
	return all
}

// readSequence joins the texts of parts that follow each other, until there are too many.
func (f *filter) readSequence(subs []*syntax.Regexp) part {
	var words []string
	texts, whole := []string{""}, true
	for _, re := range subs {
		sub := f.read(re)
		words = better(words, sub.words)
		if sub.exact == nil || len(texts)*len(sub.exact) > mostWords {
			words = better(words, texts)
			texts, whole = []string{""}, false
		}
		if sub.exact == nil {
			continue
		}
		var longer []string
		for _, beginning := range texts {
			for _, ending := range sub.exact {
				longer = append(longer, beginning+ending)
			}
		}
		texts = longer
	}
	if whole {
		return part{exact: texts, words: words}
	}
	return part{words: better(words, texts)}
}

// better returns the list whose shortest word is longer. It is nil if both have a word that nearly all texts have.
func better(a, b []string) []string {
	shortest := func(words []string) int {
		if len(words) == 0 || len(words) > mostWords {
			return 0
		}
		least := len(words[0])
		for _, word := range words {
			least = min(least, len(word))
		}
		return least
	}
	first, second := shortest(a), shortest(b)
	switch {
	case max(first, second) < shortestWord:
		return nil
	case first >= second:
		return a
	}
	return b
}

// excludes reports whether a text has no match.
func (f *filter) excludes(text string) bool {
	if len(f.words) == 0 {
		return false
	}
	for _, word := range f.words {
		if f.folded && containsFold(text, word) || !f.folded && strings.Contains(text, word) {
			return false
		}
	}
	// Under (?i) s and k match these letters, too.
	return !f.folded || !strings.Contains(text, "\u017f") && !strings.Contains(text, "\u212a")
}

// containsFold reports whether a text contains a word, which is ASCII and lower case, in letters of any case.
func containsFold(text, word string) bool {
	lower, upper := word[0], strings.ToUpper(word[:1])[0]
	nextLower, nextUpper := -1, -1
	for from := 0; len(text)-from >= len(word); from++ {
		nextLower, nextUpper = indexFrom(text, lower, from, nextLower), indexFrom(text, upper, from, nextUpper)
		from = min(nextLower, nextUpper)
		if len(text)-from >= len(word) && strings.EqualFold(text[from:from+len(word)], word) {
			return true
		}
	}
	return false
}

// indexFrom returns where a byte is at or after from, the length of the text if nowhere. It was at last when asked before.
func indexFrom(text string, b byte, from, last int) int {
	if last >= from {
		return last
	}
	if i := strings.IndexByte(text[from:], b); i >= 0 {
		return from + i
	}
	return len(text)
}
