package source

import (
	"bytes"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// A class of constants in a program may hold the values of a column: an enum, a union of
// texts, a block of constants of one type. The index finds the type in the schema by its
// name and its labels.

// MaxLabels bounds how many labels of a class are recorded.
const MaxLabels = 500

// AddEnum records a class of constants.
func (r *File) AddEnum(e facts.Enum) {
	if len(e.Labels) > 1 && len(e.Labels) <= MaxLabels {
		r.Facts.Enums = append(r.Facts.Enums, e)
	}
}

// enumReach bounds the length of a class's head, or of a union.
const enumReach = 2 << 10

// EachMatch calls f for each place of a word at which a pattern matches. The pattern must
// begin with the word: alone, the pattern would be tried at each byte of the code.
func (r *File) EachMatch(word string, p *lazyregexp.Regexp, f func(offset int, m []int)) {
	for offset := 0; ; offset++ {
		n := bytes.Index(r.Text[offset:], []byte(word))
		if n < 0 {
			return
		}
		if offset += n; offset > 0 && lexer.NameByte[word[0]] && lexer.NameByte[r.Text[offset-1]] {
			continue
		}
		if m := p.FindSubmatchIndex(r.Text[offset:min(len(r.Text), offset+enumReach)]); m != nil {
			for i := range m {
				if m[i] >= 0 {
					m[i] += offset
				}
			}
			f(offset, m)
		}
	}
}

// MakeLabel returns a label with a name, a text or both.
func (r *File) MakeLabel(name, text string, offset int) facts.Label {
	if len(text) > facts.MaxConstant {
		text = ""
	}
	return facts.Label{Name: name, Text: text, Line: r.LineAt(offset)}
}

var (
	enumHead  = lazyregexp.New(`^enum\s+(?:class\s+|struct\s+)?(\w+)([^{};=]*)\{`)
	enumEntry = lazyregexp.New(`^(?:\s|//[^\n]*|/\*(?s:.*?)\*/|@\w[\w.]*(?:\([^()]*\))?|\[[^\]]*\])*([A-Za-z_]\w*)`)
	enumTable = lazyregexp.New(`(?i)\b(?:val|string|text)\s+\w*table\w*|\w*tables?(?:names?)?\s*$`)
)

// ReadBlockEnums reads the enums of Java, Kotlin, C# and TypeScript: names between braces, each
// with or without a text. If the texts are declared to be table names, they count as tables too.
func ReadBlockEnums(r *File) {
	r.EachMatch("enum ", enumHead, func(offset int, m []int) {
		if r.IsInString(offset) || IsComment(r.LineOf(offset)) {
			return
		}
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(m[0])}
		end := r.EachEntry(m[1], func(from, to int, text string) bool {
			if n := enumEntry.FindSubmatchIndex(r.Text[from:to]); n != nil {
				e.Labels = append(e.Labels, r.MakeLabel(string(r.Text[from+n[2]:from+n[3]]), text, from+n[2]))
			}
			return len(e.Labels) <= MaxLabels
		})
		r.AddEnum(e)
		if enumTable.Match(r.Text[m[4]:m[5]]) || enumTable.Match(r.Text[m[2]:m[3]]) || enumTable.Match(r.Text[end:r.FindBlockEnd(end)]) {
			for _, l := range e.Labels {
				if l.Text != "" {
					r.AddModel(&facts.Model{Table: l.Text, Line: l.Line, Put: true})
				}
			}
		}
	})
}

// IsInString reports whether an offset is in a string of the program.
func (r *File) IsInString(offset int) bool {
	i := r.StringAfter(offset)
	return i > 0 && offset < r.Strings[i-1].Reach
}

// StringAfter returns the index of the first string that begins at an offset or after it.
func (r *File) StringAfter(offset int) int {
	i, _ := slices.BinarySearchFunc(r.Strings, offset, func(l lexer.String, offset int) int { return l.Open - offset })
	return i
}

// EachEntry calls f for each entry between commas, from an offset within braces to their
// end or a semicolon. f gets the first text in the entry, and stops the loop by returning
// false. EachEntry returns the offset at which it stops.
func (r *File) EachEntry(offset int, f func(from, to int, text string) bool) (end int) {
	from, depth, text := offset, 0, ""
	end = len(r.Text)
	r.EachCode(offset, end, func(i int) bool {
		switch c := r.Text[i]; {
		case strings.IndexByte("({[", c) >= 0:
			depth++
		case depth == 0 && c != ')':
			if end = i; !f(from, i, text) || c != ',' {
				return false
			}
			from, text, end = i+1, "", len(r.Text)
		case strings.IndexByte(")}]", c) >= 0:
			depth--
		}
		return true
	}, func(l lexer.String) bool {
		if text == "" && !l.Symbol {
			text = string(r.Text[l.From:l.To])
		}
		return true
	})
	return end
}

// FindBlockEnd returns the offset of a line that closes the block at an offset.
func (r *File) FindBlockEnd(offset int) int {
	if n := bytes.Index(r.Text[offset:], []byte("\n}")); n >= 0 {
		return offset + n
	}
	return len(r.Text)
}

// quoted matches a text of the program.
var quoted = lazyregexp.New(`["']([^"'\n]*)["']`)

// AddTexts adds the texts between two offsets to a class.
func (r *File) AddTexts(e *facts.Enum, from, to int) {
	for _, t := range quoted.FindAllSubmatchIndex(r.Text[from:to], -1) {
		e.Labels = append(e.Labels, r.MakeLabel("", string(r.Text[from+t[2]:from+t[3]]), from+t[2]))
	}
}
