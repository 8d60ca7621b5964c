package source

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// MaxGlue bounds the code between two parts of a string.
const MaxGlue = 160

// AreJoined reports whether two strings are parts of one, and what the program inserts between
// them: a name, "" for nothing, or "?" for anything.
func (r *File) AreJoined(a, b lexer.String) (variable string, ok bool) {
	if b.Open < a.End || b.Open-a.End > MaxGlue || b.Symbol {
		return "", false
	}
	gap := bytes.TrimSpace(r.Text[a.End:b.Open])
	gap = bytes.TrimRight(gap, "fFrRbBuU@$")
	gap = bytes.TrimSpace(gap)
	if len(gap) == 0 {
		return "", r.Language.Adjacent || bytes.IndexByte(r.Text[a.End:b.Open], '\n') < 0 && b.Open > a.End
	}
	if len(gap) == 1 && gap[0] == '\\' {
		return "", true
	}
	op := ReadJoinOperator(gap)
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
		plain = plain && (lexer.NameByte[c] || c == '.')
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

// FindJoinedList returns the list that the program joins after a string, and the offset after
// the call. sep is the separator of its items. It returns "" for none.
func (r *File) FindJoinedList(a, sep lexer.String) (name string, end int) {
	if sep.Open < a.End || sep.Open-a.End > MaxGlue || sep.To-sep.From > 4 {
		return "", 0
	}
	m := joined.FindSubmatch(bytes.TrimSpace(r.Text[a.End:sep.Open]))
	if m == nil || sep.End >= len(r.Text) || r.Text[sep.End] != ')' {
		return "", 0
	}
	return string(m[1]) + string(m[2]), sep.End + 1
}

// ReadJoinOperator returns the operator at the beginning of a text that joins two strings.
func ReadJoinOperator(gap []byte) string {
	for _, op := range []string{"+", "||", "<>", "..", ".", "&", "++", "~"} {
		if bytes.HasPrefix(gap, []byte(op)) {
			return op
		}
	}
	return ""
}

// maxConst is how many strings together may be a name's value.
const maxConst = 8

// FindConstant returns the strings that are a name's value: those after its "=".
func (r *File) FindConstant(name string) []int {
	if r.consts == nil {
		r.consts = map[string][]int{}
		for i := 0; i < len(r.Strings); i++ {
			if holder := r.FindHolder(r.Strings[i]); holder != "" && r.consts[holder] == nil {
				indexes := []int{i}
				for len(indexes) < maxConst && i+1 < len(r.Strings) {
					if variable, ok := r.AreJoined(r.Strings[i], r.Strings[i+1]); !ok || variable != "" {
						break
					}
					i++
					indexes = append(indexes, i)
				}
				r.consts[holder] = indexes
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

// FindList returns the list of texts that a name has at an offset: the last one that was
// assigned before it.
func (r *File) FindList(name string, before int) []lexer.String {
	for i := len(r.Strings) - 1; i >= 0; i-- {
		l := r.Strings[i]
		if l.Open >= before {
			continue
		}
		m := listed.FindSubmatch(r.Text[max(0, l.Open-80):l.Open])
		if m == nil || string(m[1]) != name {
			continue
		}
		out := []lexer.String{l}
		for len(out) < maxList {
			k := r.StringAfter(l.End)
			if k == len(r.Strings) || string(bytes.TrimSpace(r.Text[l.End:r.Strings[k].Open])) != "," {
				break
			}
			l = r.Strings[k]
			out = append(out, l)
		}
		return out
	}
	return nil
}

// maxHeld bounds the code between the beginning of a line and a string that is assigned there. Minified code has lines
// of any length, and declares nothing that is worth the search.
const maxHeld = 400

// FindHolder returns the name that a string is directly assigned to; "" for none.
func (r *File) FindHolder(l lexer.String) string {
	before, whole := r.lineBefore(l.Open)
	before = bytes.TrimRight(before, " \t(frbuFRBU&@$")
	if len(before) == 0 && whole && l.Open > 1 { // on the line above
		if from := bytes.LastIndexByte(r.Text[max(0, l.Open-maxHeld):l.Open], '\n'); from >= 0 {
			before, whole = r.lineBefore(max(0, l.Open-maxHeld) + from)
			before = bytes.TrimRight(before, " \t\r(")
		}
	}
	if !whole || len(before) < 2 || before[len(before)-1] != '=' || bytes.IndexByte([]byte("=!<>+|&"), before[len(before)-2]) >= 0 {
		return ""
	}
	before = bytes.TrimRight(before[:len(before)-1], " \t:")
	for i := 0; i < len(before); i++ {
		if !lexer.NameByte[before[i]] {
			continue
		}
		n := 1
		for i+n < len(before) && lexer.NameByte[before[i+n]] {
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
func (r *File) lineBefore(to int) (code []byte, whole bool) {
	from := max(0, to-maxHeld)
	code = r.Text[from:to]
	n := bytes.LastIndexByte(code, '\n')
	return code[n+1:], n >= 0 || from == 0
}

// declares are words of declarations that precede the name.
var declares = map[string]bool{
	"const": true, "let": true, "var": true, "static": true, "pub": true, "public": true, "private": true, "protected": true, "final": true, "String": true, "str": true,
	"string": true, "export": true, "internal": true, "val": true, "readonly": true, "def": true, "self": true, "this": true, "crate": true, "mut": true, "auto": true,
	"char": true, "lateinit": true, "override": true, "companion": true,
}
