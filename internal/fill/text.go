package fill

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

var words = strings.Fields(`able about account after again air alder amber apple april arrow ash atlas autumn bay beech berry birch blue
bridge brook cedar chalk clay cliff cloud clover coal copper coral creek crown dawn delta drift dune dusk east echo ember
fern field finch flint fog forest fox frost garden glade grain granite grove harbor hazel heath heron hill hollow ice iris iron ivy jade
june juniper kelp kite lake larch lark laurel leaf lily linen lotus maple marble marsh meadow mint mist moon moss north oak ocean olive onyx
opal orchard otter pearl pebble pine plain plum pond poplar prairie quartz quill rain raven reed ridge river robin rose rye sage salt sand
sea shell silver sky slate snow spruce star stone storm summer sun swan teal thistle thorn tide timber tulip valley violet walnut wave
west wheat willow wind winter wolf wren yarrow`)

// source provides the choices for a text: random ones or, if texts must be
// unique, the digits of the row's number.
type source struct {
	h      uint64 // random bits
	i      uint64 // the rest of the row's number
	unique bool
}

func (s *source) nextNumber(n int) int {
	if n <= 1 {
		return 0
	}
	if s.unique {
		d := s.i % uint64(n)
		s.i /= uint64(n)
		return int(d)
	}
	s.h = mixBits(s.h)
	return int(reduceTo(s.h, int64(n)))
}

// shapes are typical texts for columns of a certain kind. They are tried in
// order against a column's constraints, before a text is generated from its
// pattern.
var shapes = []struct {
	name   string
	column *lazyregexp.Regexp // matches the names of columns that have it
	append func(b []byte, h uint64, tail []byte) []byte
}{
	{"email", lazyregexp.New(`(?i)e_?mail`), func(b []byte, h uint64, tail []byte) []byte {
		b = append(append(b, wordFor(h)...), '.')
		b = append(b, wordFor(h>>16)...)
		return append(append(b, tail...), "@example.com"...)
	}},
	{"url", lazyregexp.New(`(?i)(ur[li]|link|href|website)$`), func(b []byte, h uint64, tail []byte) []byte {
		b = append(append(b, "https://example.com/"...), wordFor(h)...)
		return append(b, tail...)
	}},
	{"slug", lazyregexp.New(`(?i)(slug|handle|user_?name|login|key|code)$`), func(b []byte, h uint64, tail []byte) []byte {
		b = append(append(b, wordFor(h)...), '-')
		return append(append(b, wordFor(h>>16)...), tail...)
	}},
	{"word", nil, func(b []byte, h uint64, tail []byte) []byte { return append(append(b, wordFor(h)...), tail...) }},
}

func wordFor(h uint64) string { return words[reduceTo(mixBits(h&0xffffff), int64(len(words)))] }

// makeTexts makes the texts of a column.
func makeTexts(name string, f *facts, most int, unique bool, seed uint64, base int64) (value func(b []byte, i int64) []byte, capacity int64) {
	if f == nil {
		f = &facts{}
	}
	if f.maxLen > 0 {
		most = smallerBound(most, f.maxLen)
	}
	least := f.minLen
	if len(f.patterns)+len(f.likes) > 0 {
		if v, c := makePatternTexts(f, most, unique, seed, base); v != nil {
			return v, c
		}
	}
	shape := -1
	for k, s := range shapes {
		if s.column != nil && s.column.MatchString(name) && (most == 0 || most >= 40) {
			shape = k
			break
		}
	}
	long := strings.Contains(name, "body") || strings.Contains(name, "description") || strings.Contains(name, "content") || strings.Contains(name, "text")
	capacity = 1 << 62
	if most > 0 && most < 12 {
		capacity = 1
		for range most {
			capacity *= 36
		}
	}
	return func(b []byte, i int64) []byte {
		start := len(b)
		h := randomAt(seed, i)
		var tail []byte
		var room [16]byte
		if unique {
			tail = strconv.AppendInt(room[:0], i+base, 36)
		}
		switch {
		case shape >= 0:
			b = shapes[shape].append(b, h, tail)
		case unique && most > 0 && most < 12:
			for range max(min(least, most)-len(tail), 0) {
				b = append(b, '0')
			}
			b = append(b, tail...)
		default:
			n := 1 + reduceTo(h>>1, 4)
			if long {
				n = 4 + reduceSkewed(h>>1, 60)
			}
			for k := range n {
				if k > 0 {
					b = append(b, ' ')
					h = mixBits(h)
				}
				b = append(b, wordFor(h>>8)...)
			}
			if most > 0 && len(b)-start+len(tail)+1 > most {
				b = b[:start+max(most-len(tail)-1, 0)]
				b = replaceTrailingSpace(b, start)
			}
			if unique {
				b = append(append(b, '-'), tail...)
			}
		}
		for len(b)-start < least {
			b = append(b, wordFor(mixBits(h+uint64(len(b))))...)
		}
		if most > 0 && len(b)-start > most {
			b = b[:start+most]
			b = replaceTrailingSpace(b, start)
		}
		return b
	}, capacity
}

// replaceTrailingSpace replaces a trailing space, which char(n) and checks with btrim do
// not allow.
func replaceTrailingSpace(b []byte, start int) []byte {
	if len(b) > start && b[len(b)-1] == ' ' {
		b[len(b)-1] = 'x'
	}
	return b
}

// makePatternTexts makes texts that match the patterns of a column; nil if none can
// be made.
func makePatternTexts(f *facts, most int, unique bool, seed uint64, base int64) (func(b []byte, i int64) []byte, int64) {
	var res []*regexp.Regexp
	var trees []*syntax.Regexp
	add := func(p string) bool {
		re, err := regexp.Compile(p)
		if err != nil {
			return false
		}
		tree, err := syntax.Parse(p, syntax.Perl)
		if err != nil {
			return false
		}
		res, trees = append(res, re), append(trees, tree.Simplify())
		return true
	}
	for _, p := range f.patterns {
		// Postgres' escapes that Go spells differently.
		p = strings.NewReplacer(`\m`, `\b`, `\M`, `\b`, `\y`, `\b`, `\Z`, `$`).Replace(p)
		if !add(p) {
			return nil, 0
		}
	}
	for _, l := range f.likes {
		if !add(likeToRegexp(l)) {
			return nil, 0
		}
	}
	fits := func(b []byte) bool {
		n := utf8.RuneCount(b)
		if n < f.minLen || most > 0 && n > most {
			return false
		}
		for _, re := range res {
			if !re.Match(b) {
				return false
			}
		}
		return true
	}
	if !unique || len(f.patterns) > 0 {
		for _, s := range shapes {
			ok := true
			for k := range int64(20) {
				tail := []byte(nil)
				if unique {
					tail = strconv.AppendInt(nil, k*977_777, 36)
				}
				ok = ok && fits(s.append(nil, randomAt(seed, k), tail))
			}
			if ok {
				return func(b []byte, i int64) []byte {
					var room [16]byte
					tail := room[:0]
					if unique {
						tail = strconv.AppendInt(tail, i+base, 36)
					}
					return s.append(b, randomAt(seed, i), tail)
				}, 1 << 62
			}
		}
	}
	// The longest pattern is the most specific.
	best := 0
	for k := range trees {
		if len(trees[k].String()) > len(trees[best].String()) {
			best = k
		}
	}
	for stretch := 0; stretch <= 12; stretch++ {
		extra := stretch
		if unique {
			extra = 12 - stretch
		}
		good := 0
		for k := range int64(32) {
			src := &source{h: randomAt(seed, k), i: uint64(k * 7919), unique: unique}
			if fits(appendMatchingText(nil, trees[best], src, extra)) {
				good++
			}
		}
		if good < 16 || unique && good < 32 {
			continue
		}
		return func(b []byte, i int64) []byte {
			start := len(b)
			src := &source{h: randomAt(seed, i), i: uint64(i + base), unique: unique}
			for range 24 {
				b = appendMatchingText(b[:start], trees[best], src, extra)
				if unique || fits(b[start:]) {
					break
				}
			}
			return b
		}, 1 << 62
	}
	return nil, 0
}

// likeToRegexp converts a LIKE pattern to a regular expression.
func likeToRegexp(l string) string {
	var p strings.Builder
	p.WriteString("^")
	for k := 0; k < len(l); k++ {
		switch {
		case l[k] == '%':
			p.WriteString("[a-z0-9]*")
		case l[k] == '_':
			p.WriteString("[a-z0-9]")
		case l[k] == '\\' && k+1 < len(l):
			k++
			p.WriteString(regexp.QuoteMeta(l[k : k+1]))
		default:
			p.WriteString(regexp.QuoteMeta(l[k : k+1]))
		}
	}
	p.WriteString("$")
	return p.String()
}

// appendMatchingText writes a text that matches a regular expression. extra is the
// maximum number of repetitions beyond the fewest; with a unique source it is
// the exact number.
func appendMatchingText(b []byte, re *syntax.Regexp, s *source, extra int) []byte {
	repeat := func(sub *syntax.Regexp, lo, hi int) {
		n := extra
		if hi >= 0 {
			n = min(n, hi-lo)
		}
		if !s.unique {
			n = s.nextNumber(n + 1)
		}
		for range lo + n {
			b = appendMatchingText(b, sub, s, extra)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			b = utf8.AppendRune(b, r)
		}
	case syntax.OpCharClass:
		b = appendClassChar(b, re.Rune, s)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b = append(b, "abcdefghijklmnopqrstuvwxyz0123456789"[s.nextNumber(36)])
	case syntax.OpCapture:
		b = appendMatchingText(b, re.Sub[0], s, extra)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			b = appendMatchingText(b, sub, s, extra)
		}
	case syntax.OpAlternate:
		b = appendMatchingText(b, re.Sub[s.nextNumber(len(re.Sub))], s, extra)
	case syntax.OpStar:
		repeat(re.Sub[0], 0, -1)
	case syntax.OpPlus:
		repeat(re.Sub[0], 1, -1)
	case syntax.OpQuest:
		repeat(re.Sub[0], 0, 1)
	case syntax.OpRepeat:
		repeat(re.Sub[0], re.Min, re.Max)
	}
	return b
}

// appendClassChar picks a character of a class: a printable ASCII character if it
// has any, preferably a letter or a digit.
func appendClassChar(b []byte, ranges []rune, s *source) []byte {
	var plain, other []byte
	for c := byte(' ' + 1); c < 127; c++ {
		for k := 0; k+1 < len(ranges); k += 2 {
			if rune(c) >= ranges[k] && rune(c) <= ranges[k+1] {
				if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
					plain = append(plain, c)
				} else {
					other = append(other, c)
				}
			}
		}
	}
	switch {
	case len(plain) > 0:
		return append(b, plain[s.nextNumber(len(plain))])
	case len(other) > 0:
		return append(b, other[s.nextNumber(len(other))])
	case len(ranges) > 0:
		return utf8.AppendRune(b, ranges[0])
	}
	return b
}
