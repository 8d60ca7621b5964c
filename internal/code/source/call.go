package source

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
)

// maxCall bounds the length of a call, maxWords the number of names that are recorded
// from it.
const (
	maxCall  = 4 << 10
	MaxWords = 256
)

// LastWord returns the name at the end of a text; false if it does not end with a name.
func LastWord(text []byte) (string, bool) {
	n := len(text)
	for n > 0 && lexer.NameByte[text[n-1]] {
		n--
	}
	return string(text[n:]), n < len(text)
}

// RecordNames records the names in a part of the call.
func RecordNames(c *facts.Call, r *File, from, to int) {
	for i := from; i < to; {
		if !lexer.NameByte[r.Text[i]] {
			i++
			continue
		}
		n := lexer.NameLength(r.Text[i:to])
		if len(c.Words) < MaxWords {
			c.Words = append(c.Words, facts.Word{Mark: facts.HashText(string(r.Text[i : i+n])), Line: r.LineAt(i)})
		}
		i += n
	}
}

// FindCallStart returns the start of the statement with a call at an offset: in the same
// line, or in a line above that the call continues. It is at most maxCall before the call.
func (r *File) FindCallStart(i int) int {
	least := max(0, i-maxCall)
	for range 20 {
		from := least + bytes.LastIndexByte(r.Text[least:i], '\n') + 1
		line := bytes.TrimLeft(r.Text[from:i], " \t")
		if n := bytes.LastIndexAny(line, ";{}"); n >= 0 {
			return i - len(line) + n + 1
		}
		head := bytes.TrimRight(r.Text[least:max(from-1, least)], " \t\r")
		if from == least || len(head) == 0 || !(bytes.HasPrefix(line, []byte(".")) || bytes.HasPrefix(line, []byte("->")) ||
			strings.IndexByte(".(,", head[len(head)-1]) >= 0) {
			return from
		}
		i = least + len(head)
	}
	return i
}

// FindCallEnd returns the end of the statement with a call: a semicolon, the closing bracket
// of an outer call, or a line that does not continue.
func (r *File) FindCallEnd(i int) int {
	to := min(len(r.Text), i+maxCall)
	depth := 1 // of the call's own bracket
	for ; i < to; i++ {
		switch r.Text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i
			}
		case ';':
			if depth <= 1 {
				return i
			}
		case '\n':
			if depth == 0 {
				rest := bytes.TrimLeft(r.Text[i:to], " \t\r\n")
				if len(rest) == 0 || strings.IndexByte(".|?)", rest[0]) < 0 && !bytes.HasPrefix(rest, []byte("->")) {
					return i
				}
			}
		}
	}
	return to
}

// FindClosing returns the offset of the bracket that closes the one before an offset, or to. Texts and comments have no brackets.
func (r *File) FindClosing(from, to int) int {
	depth := 1
	r.EachCode(from, to, func(i int) bool {
		switch r.Text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				to = i
				return false
			}
		}
		return true
	}, func(lexer.String) bool { return true })
	return to
}

// EachCode calls code for each bracket, comma and semicolon outside of texts and comments, and text for each text, until one returns
// false. It goes over a text as a whole: the texts that the program inserts there are passed over with it.
func (r *File) EachCode(from, to int, code func(int) bool, text func(lexer.String) bool) {
	for from < to {
		i, next := r.StringAfter(from), to
		if i < len(r.Strings) {
			next = min(to, r.Strings[i].Open)
		}
		for ; from < next; from++ {
			if bracketOrMark[r.Text[from]] && !lexer.IsInSpans(r.Comments, from) && !code(from) {
				return
			}
		}
		if next < to {
			if !text(r.Strings[i]) {
				return
			}
			from = r.Strings[i].End
		}
	}
}

// bracketOrMark are the bytes that EachCode passes.
var bracketOrMark = [256]bool{'(': true, ')': true, '[': true, ']': true, '{': true, '}': true, ',': true, ';': true}
