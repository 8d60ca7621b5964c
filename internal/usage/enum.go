package usage

import (
	"bytes"
	"path"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// A class of constants in a program may hold the values of a column: an enum, a union of
// texts, a block of constants of one type. The index finds the type in the schema by its
// name and its labels.

// maxLabels bounds how many labels of a class are recorded.
const maxLabels = 500

// enums has the function that reads the classes of constants, by file extension.
type enums struct {
	sign string
	read func(r *reader)
}

var enumsOf = map[string]enums{
	".java": {"enum ", blockEnums}, ".kt": {"enum ", blockEnums}, ".scala": {"enum ", blockEnums}, ".cs": {"enum ", blockEnums},
	".prisma": {"enum ", prismaEnums},
	".ts":     {"", scriptEnums}, ".tsx": {"", scriptEnums}, ".mts": {"", scriptEnums}, ".cts": {"", scriptEnums},
	".js": {"", scriptEnums}, ".mjs": {"", scriptEnums}, ".cjs": {"", scriptEnums},
	".py": {"", pythonEnums}, ".go": {"", readGoEnums}, ".rb": {"enum ", rubyEnums}, ".rs": {"enum ", rustEnums},
}

func (r *reader) readEnums() {
	if e := enumsOf[path.Ext(r.path)]; e.read != nil && bytes.Contains(r.text, []byte(e.sign)) {
		e.read(r)
	}
}

// addEnum records a class of constants.
func (r *reader) addEnum(e Enum) {
	if len(e.Labels) > 1 && len(e.Labels) <= maxLabels {
		r.facts.Enums = append(r.facts.Enums, e)
	}
}

// enumReach bounds the length of a class's head, or of a union.
const enumReach = 2 << 10

// eachMatch calls f for each place of a word at which a pattern matches. The pattern must
// begin with the word: alone, the pattern would be tried at each byte of the code.
func (r *reader) eachMatch(word string, p *lazyregexp.Regexp, f func(at int, m []int)) {
	for at := 0; ; at++ {
		n := bytes.Index(r.text[at:], []byte(word))
		if n < 0 {
			return
		}
		if at += n; at > 0 && nameByte[word[0]] && nameByte[r.text[at-1]] {
			continue
		}
		if m := p.FindSubmatchIndex(r.text[at:min(len(r.text), at+enumReach)]); m != nil {
			for i := range m {
				if m[i] >= 0 {
					m[i] += at
				}
			}
			f(at, m)
		}
	}
}

// makeLabel returns a label with a name, a text or both.
func (r *reader) makeLabel(name, text string, at int) Label {
	if len(text) > maxConstant {
		text = ""
	}
	return Label{Name: name, Text: text, Line: r.lineAt(at)}
}

var (
	enumHead  = lazyregexp.New(`^enum\s+(?:class\s+|struct\s+)?(\w+)([^{};=]*)\{`)
	enumEntry = lazyregexp.New(`^(?:\s|//[^\n]*|/\*(?s:.*?)\*/|@\w[\w.]*(?:\([^()]*\))?|\[[^\]]*\])*([A-Za-z_]\w*)`)
	enumTable = lazyregexp.New(`(?i)\b(?:val|string|text)\s+\w*table\w*|\w*tables?(?:names?)?\s*$`)
)

// blockEnums reads the enums of Java, Kotlin, C# and TypeScript: names between braces, each
// with or without a text. If the texts are declared to be table names, they count as tables too.
func blockEnums(r *reader) {
	r.eachMatch("enum ", enumHead, func(at int, m []int) {
		if r.inLiteral(at) || isComment(r.lineOf(at)) {
			return
		}
		e := Enum{Class: r.groupText(m, 1), Line: r.lineAt(m[0])}
		end := r.eachEntry(m[1], func(from, to int, text string) bool {
			if n := enumEntry.FindSubmatchIndex(r.text[from:to]); n != nil {
				e.Labels = append(e.Labels, r.makeLabel(string(r.text[from+n[2]:from+n[3]]), text, from+n[2]))
			}
			return len(e.Labels) <= maxLabels
		})
		r.addEnum(e)
		if enumTable.Match(r.text[m[4]:m[5]]) || enumTable.Match(r.text[m[2]:m[3]]) || enumTable.Match(r.text[end:r.blockEnd(end)]) {
			for _, l := range e.Labels {
				if l.Text != "" {
					r.addModel(&Model{Table: l.Text, Line: l.Line, Put: true})
				}
			}
		}
	})
}

// lineOf returns the line of an offset, from its first word on.
func (r *reader) lineOf(at int) string {
	from := bytes.LastIndexByte(r.text[:at], '\n') + 1
	return string(bytes.TrimSpace(r.text[from : from+lineEnd(r.text[from:])]))
}

// inLiteral reports whether an offset is in a string of the program.
func (r *reader) inLiteral(at int) bool {
	i := r.literalAt(at)
	return i < len(r.lits) && r.lits[i].open < at
}

// literalAt returns the index of the string at an offset, or of the next one.
func (r *reader) literalAt(at int) int {
	low, high := 0, len(r.lits)
	for low < high {
		if mid := (low + high) / 2; r.lits[mid].end <= at {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// eachEntry calls f for each entry between commas, from an offset within braces to their
// end or a semicolon. f gets the first text in the entry, and stops the loop by returning
// false. entries returns the offset at which it stops.
func (r *reader) eachEntry(at int, f func(from, to int, text string) bool) int {
	from, depth, text, k := at, 0, "", r.literalAt(at)
	for at < len(r.text) {
		if k < len(r.lits) && at >= r.lits[k].open {
			if l := r.lits[k]; text == "" && !l.symbol {
				text = string(r.text[l.from:l.to])
			}
			at = max(at+1, r.lits[k].end)
			k++
			continue
		}
		switch c := r.text[at]; {
		case c == '/' && bytes.HasPrefix(r.text[at:], []byte("//")):
			at += lineEnd(r.text[at:])
			continue
		case c == '/' && bytes.HasPrefix(r.text[at:], []byte("/*")):
			at += endOf(r.text[at:], "*/")
			continue
		case c == '(' || c == '{' || c == '[':
			depth++
		case depth == 0 && (c == '}' || c == ']' || c == ';'):
			f(from, at, text)
			return at
		case c == ')' || c == '}' || c == ']':
			depth--
		case c == ',' && depth == 0:
			if !f(from, at, text) {
				return at
			}
			from, text = at+1, ""
		}
		at++
	}
	return len(r.text)
}

// blockEnd returns the offset of a line that closes the block at an offset.
func (r *reader) blockEnd(at int) int {
	if n := bytes.Index(r.text[at:], []byte("\n}")); n >= 0 {
		return at + n
	}
	return len(r.text)
}
