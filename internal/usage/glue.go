package usage

import (
	"bytes"
	"regexp"
)

// reader reads one file.
type reader struct {
	path   string
	text   []byte
	d      *dialect
	lits   []literal
	notes  []Span // comments
	facts  *Facts
	consts map[string][]int // the strings that a name stands for
	// taking is up to where its stars count.
	taking int
	// asked: what is asked for are statements, and no facts; wholes are they. ends is where
	// the last string of the SQL ends that is read, and makes: some of it makes a schema.
	asked  bool
	wholes []Statement
	ends   int
	makes  bool
	// tree is the file of Go, once it is parsed.
	tree *goSyntax
	// where lines are counted up to.
	at, line int
}

// lineAt is the number of the line of an offset.
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

// maxGlue is how long what stands between two parts of a string may be.
const maxGlue = 160

// joins reports whether two strings are parts of one, and what the program puts in
// between them: a name, "" for nothing, or "?" for anything.
func (r *reader) joins(a, b literal) (what string, ok bool) {
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
	op := operator(gap)
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

// joined is a list of names that the program joins, up to what it puts between them.
var joined = regexp.MustCompile(`^\+\s*(?:strings\.Join\((\w+),|(\w+)\.join\()$`)

// joinedList is the list that the program joins behind a string, where sep is what it
// puts between its items, and the offset behind the call; "" for none.
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

// operator is the one that joins two strings and begins a text.
func operator(gap []byte) string {
	for _, op := range []string{"+", "||", "<>", "..", ".", "&", "++", "~"} {
		if bytes.HasPrefix(gap, []byte(op)) {
			return op
		}
	}
	return ""
}

// maxConst is how many strings a name may stand for together.
const maxConst = 8

// constOf is what a name of the file stands for: the strings behind its "=".
func (r *reader) constOf(name string) []int {
	if r.consts == nil {
		r.consts = map[string][]int{}
		for i := 0; i < len(r.lits); i++ {
			if held := r.heldBy(r.lits[i]); held != "" && r.consts[held] == nil {
				of := []int{i}
				for len(of) < maxConst && i+1 < len(r.lits) {
					if what, ok := r.joins(r.lits[i], r.lits[i+1]); !ok || what != "" {
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

// listed matches the beginning of a list of texts in front of its first one.
var listed = regexp.MustCompile(`\b(\w+)\s*:?=\s*(?:\[\]string\{|\[)\s*$`)

// maxList is how many texts of a list are taken.
const maxList = 100

// listOf is the list of texts that a name stands for in front of an offset: the last
// one that it was given.
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

// heldBy is the name that a string is given to where it stands; "" for none.
func (r *reader) heldBy(l literal) string {
	from := bytes.LastIndexByte(r.text[:l.open], '\n') + 1
	before := bytes.TrimRight(r.text[from:l.open], " \t(frbuFRBU&@$")
	if len(before) == 0 && from > 1 { // on the line above
		above := bytes.LastIndexByte(r.text[:from-1], '\n') + 1
		before = bytes.TrimRight(r.text[above:from-1], " \t\r(")
	}
	if len(before) < 2 || before[len(before)-1] != '=' || bytes.IndexByte([]byte("=!<>+|&"), before[len(before)-2]) >= 0 {
		return ""
	}
	before = bytes.TrimRight(before[:len(before)-1], " \t:")
	words := bytes.FieldsFunc(before, func(c rune) bool { return c < 0x80 && !nameByte[c] })
	for _, w := range words {
		switch string(w) {
		case "const", "let", "var", "static", "pub", "public", "private", "protected", "final", "String", "str", "string", "export", "internal", "val", "readonly", "def", "self", "this", "crate", "mut", "auto", "char", "lateinit", "override", "companion":
			continue
		}
		return string(w)
	}
	return ""
}
