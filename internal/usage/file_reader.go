package usage

import (
	"bytes"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// reader reads one file.
type reader struct {
	path   string
	text   []byte
	d      *dialect
	lits   []literal
	notes  []Span // comments
	facts  *Facts
	consts map[string][]int // the strings that are a name's value
	// typedEnd is the offset up to which queries on all columns count.
	typedEnd int
	// asked is set if the caller wants statements and no facts; wholes are these
	// statements. ends is the end of the last string of the current SQL. makes is set if
	// some SQL creates a schema.
	asked  bool
	wholes []Statement
	ends   int
	makes  bool
	// tree is the parsed Go file, if it has been parsed.
	tree *goSyntax
	// fills are the texts that the program inserts for verbs of a format, by their offset.
	fills map[int]string
	// schemas is set if a script declares schemas to Drizzle. schemasRead is set if that is known.
	schemas, schemasRead bool
	// at is the offset up to which lines are counted.
	at, line int
}

// lineAt returns the number of the line of an offset.
func (r *reader) lineAt(at int) int {
	if at < r.at {
		if at < r.at/2 {
			r.at, r.line = 0, 1
		} else {
			r.line -= bytes.Count(r.text[at:r.at], []byte{'\n'})
			r.at = at
			return r.line
		}
	}
	r.line += bytes.Count(r.text[r.at:at], []byte{'\n'})
	r.at = at
	return r.line
}

// maxGlue bounds the code between two parts of a string.
const maxGlue = 160

// areJoined reports whether two strings are parts of one, and what the program inserts between
// them: a name, "" for nothing, or "?" for anything.
func (r *reader) areJoined(a, b literal) (what string, ok bool) {
	if b.open < a.end || b.open-a.end > maxGlue || b.symbol {
		return "", false
	}
	gap := bytes.TrimSpace(r.text[a.end:b.open])
	gap = bytes.TrimRight(gap, "fFrRbBuU@$")
	gap = bytes.TrimSpace(gap)
	if len(gap) == 0 {
		return "", r.d.adjacent || bytes.IndexByte(r.text[a.end:b.open], '\n') < 0 && b.open > a.end
	}
	if len(gap) == 1 && gap[0] == '\\' {
		return "", true
	}
	op := joinOperator(gap)
	if op == "" {
		return "", false
	}
	gap = bytes.TrimSpace(bytes.TrimPrefix(gap, []byte(op)))
	if len(gap) == 0 {
		return "", true
	}
	if !bytes.HasSuffix(gap, []byte(op)) {
		return "", false
	}
	gap = bytes.TrimSpace(gap[:len(gap)-len(op)])
	depth := 0
	plain := true
	for _, c := range gap {
		switch c {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ';', '{', '}', '=':
			return "", false
		case ',':
			if depth == 0 {
				return "", false
			}
		}
		plain = plain && (nameByte[c] || c == '.')
	}
	if depth != 0 || len(gap) == 0 {
		return "", false
	}
	if plain {
		return string(gap), true
	}
	return "?", true
}

// joined matches a list of names that the program joins, up to the separator.
var joined = lazyregexp.New(`^\+\s*(?:strings\.Join\((\w+),|(\w+)\.join\()$`)

// joinedList returns the list that the program joins after a string, and the offset after
// the call. sep is the separator of its items. It returns "" for none.
func (r *reader) joinedList(a, sep literal) (name string, end int) {
	if sep.open < a.end || sep.open-a.end > maxGlue || sep.to-sep.from > 4 {
		return "", 0
	}
	m := joined.FindSubmatch(bytes.TrimSpace(r.text[a.end:sep.open]))
	if m == nil || sep.end >= len(r.text) || r.text[sep.end] != ')' {
		return "", 0
	}
	return string(m[1]) + string(m[2]), sep.end + 1
}

// joinOperator returns the operator at the beginning of a text that joins two strings.
func joinOperator(gap []byte) string {
	for _, op := range []string{"+", "||", "<>", "..", ".", "&", "++", "~"} {
		if bytes.HasPrefix(gap, []byte(op)) {
			return op
		}
	}
	return ""
}

// maxConst is how many strings together may be a name's value.
const maxConst = 8

// constOf returns the strings that are a name's value: those after its "=".
func (r *reader) constOf(name string) []int {
	if r.consts == nil {
		r.consts = map[string][]int{}
		for i := 0; i < len(r.lits); i++ {
			if held := r.heldBy(r.lits[i]); held != "" && r.consts[held] == nil {
				of := []int{i}
				for len(of) < maxConst && i+1 < len(r.lits) {
					if what, ok := r.areJoined(r.lits[i], r.lits[i+1]); !ok || what != "" {
						break
					}
					i++
					of = append(of, i)
				}
				r.consts[held] = of
			}
		}
	}
	if n := bytes.LastIndexByte([]byte(name), '.'); n >= 0 {
		name = name[n+1:]
	}
	return r.consts[name]
}

// listed matches the code before the first text of a list.
var listed = lazyregexp.New(`\b(\w+)\s*:?=\s*(?:\[\]string\{|\[)\s*$`)

// maxList bounds how many texts of a list are read.
const maxList = 100

// listOf returns the list of texts that a name has at an offset: the last one that was
// assigned before it.
func (r *reader) listOf(name string, before int) []literal {
	for i := len(r.lits) - 1; i >= 0; i-- {
		l := r.lits[i]
		if l.open >= before {
			continue
		}
		m := listed.FindSubmatch(r.text[max(0, l.open-80):l.open])
		if m == nil || string(m[1]) != name {
			continue
		}
		out := []literal{l}
		for k := i + 1; k < len(r.lits) && len(out) < maxList; k++ {
			if gap := bytes.TrimSpace(r.text[r.lits[k-1].end:r.lits[k].open]); len(gap) != 1 || gap[0] != ',' {
				break
			}
			out = append(out, r.lits[k])
		}
		return out
	}
	return nil
}

// maxHeld bounds the code between the beginning of a line and a string that is assigned there. Minified code has lines
// of any length, and declares nothing that is worth the search.
const maxHeld = 400

// heldBy returns the name that a string is directly assigned to; "" for none.
func (r *reader) heldBy(l literal) string {
	before, whole := r.lineBefore(l.open)
	before = bytes.TrimRight(before, " \t(frbuFRBU&@$")
	if len(before) == 0 && whole && l.open > 1 { // on the line above
		if from := bytes.LastIndexByte(r.text[max(0, l.open-maxHeld):l.open], '\n'); from >= 0 {
			before, whole = r.lineBefore(max(0, l.open-maxHeld) + from)
			before = bytes.TrimRight(before, " \t\r(")
		}
	}
	if !whole || len(before) < 2 || before[len(before)-1] != '=' || bytes.IndexByte([]byte("=!<>+|&"), before[len(before)-2]) >= 0 {
		return ""
	}
	before = bytes.TrimRight(before[:len(before)-1], " \t:")
	for i := 0; i < len(before); i++ {
		if !nameByte[before[i]] {
			continue
		}
		n := 1
		for i+n < len(before) && nameByte[before[i+n]] {
			n++
		}
		if w := string(before[i : i+n]); !declares[w] {
			return w
		}
		i += n
	}
	return ""
}

// lineBefore returns the code from the beginning of a line to an offset in it. whole is not set if the line is too long.
func (r *reader) lineBefore(to int) (code []byte, whole bool) {
	from := max(0, to-maxHeld)
	code = r.text[from:to]
	n := bytes.LastIndexByte(code, '\n')
	return code[n+1:], n >= 0 || from == 0
}

// declares are words of declarations that precede the name.
var declares = map[string]bool{
	"const": true, "let": true, "var": true, "static": true, "pub": true, "public": true, "private": true, "protected": true, "final": true, "String": true, "str": true,
	"string": true, "export": true, "internal": true, "val": true, "readonly": true, "def": true, "self": true, "this": true, "crate": true, "mut": true, "auto": true,
	"char": true, "lateinit": true, "override": true, "companion": true,
}
