package workload

import (
	"strconv"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/pgparse"
)

// gone stands where a literal stood that can be no parameter. It is a name to Postgres'
// lexer, so that a text with it is read as it was.
const gone = "…"

// Lexical appends a key of a text to dst: literals replaced, parameters numbered as they
// come, comments dropped, white space squeezed, lists and rows of one shape put together.
// Texts that Normalise makes one mostly have one key; it uses no parser.
func Lexical(dst []byte, sql string) []byte {
	t := texts.Get().(*text)
	t.cut(sql)
	t.positions()
	t.signs()
	t.collapse()
	dst = t.render(dst)
	t.sql = ""
	texts.Put(t)
	return dst
}

var texts = sync.Pool{New: func() any { return new(text) }}

// text is a statement cut into lexemes, and what becomes of each.
type text struct {
	sql  string
	toks []token
	open []frame
	// count is how many parameters are numbered; number has the new numbers of the client's first ones.
	count  int
	number [256]uint16
	wide   map[string]int // those of the others
}

// What becomes of a literal.
const (
	lost   = iota // gone stands for it
	stays         // Postgres wants it where it is
	param         // it becomes a parameter
	unsaid        // instead says what stands for it
)

type token struct {
	start, end int32
	pick       int32 // the token whose value it stands for: itself, or one of an element that is left out
	kind       pgparse.LexemeKind
	fate       byte
	space      bool // white space or a comment stood before it
	drop       bool
	minus      bool // a sign before it is part of it
}

// cut cuts a text into tokens. Comments, and a semicolon at the end, are none.
func (t *text) cut(sql string) {
	t.sql, t.toks, t.open, t.count, t.wide = sql, t.toks[:0], t.open[:0], 0, nil
	clear(t.number[:])
	space := false
	for at := 0; ; {
		l := pgparse.NextLexeme(sql, at)
		if l.Kind == pgparse.LexemeEnd {
			break
		}
		space = space || l.Start > at
		at = l.End
		if l.Kind == pgparse.LexemeComment {
			space = true
			continue
		}
		t.toks = append(t.toks, token{start: int32(l.Start), end: int32(l.End), pick: int32(len(t.toks)), kind: l.Kind, space: space})
		space = false
	}
	for n := len(t.toks); n > 0 && t.is(n-1, ';'); n-- {
		t.toks = t.toks[:n-1]
	}
}

func (t *text) of(i int) string { return t.sql[t.toks[i].start:t.toks[i].end] }

// is reports whether a token is one byte.
func (t *text) is(i int, c byte) bool {
	return i >= 0 && i < len(t.toks) && t.toks[i].kind == pgparse.LexemeOther && t.sql[t.toks[i].start] == c
}

// word reports whether a token is one of some upper-case keywords.
func (t *text) word(i int, keywords ...string) bool {
	if i < 0 || i >= len(t.toks) || t.toks[i].kind != pgparse.LexemeWord {
		return false
	}
	for _, k := range keywords {
		if n := int(t.toks[i].end - t.toks[i].start); n == len(k) && strings.EqualFold(t.of(i), k) {
			return true
		}
	}
	return false
}

func (t *token) literal() bool {
	return t.kind == pgparse.LexemeString || t.kind == pgparse.LexemeNumber || t.kind == pgparse.LexemeBits
}

// positions keeps the numbers of ORDER BY 1 and GROUP BY 1, 2.
func (t *text) positions() {
	depth, by := 0, -1
	for i := range t.toks {
		switch tok := &t.toks[i]; {
		case t.is(i, '('):
			depth++
		case t.is(i, ')'):
			if depth--; depth < by {
				by = -1
			}
		case tok.kind == pgparse.LexemeWord:
			if t.word(i, "BY") {
				by = depth
			} else if depth == by && t.word(i, "HAVING", "LIMIT", "UNION", "FOR", "SELECT") {
				by = -1
			}
		case tok.kind == pgparse.LexemeNumber && by == depth && tok.end-tok.start <= 4 && (t.word(i-1, "BY") || t.is(i-1, ',')):
			tok.fate = stays
		}
	}
}

// signs takes the sign of a number for part of it where no operand stands before.
func (t *text) signs() {
	for i := range t.toks {
		if t.toks[i].kind != pgparse.LexemeNumber || !t.is(i-1, '-') || i < 2 || t.toks[i-2].kind != pgparse.LexemeOther || t.is(i-2, ')') || t.is(i-2, ']') {
			continue
		}
		t.sign(i-1, i)
	}
}

// sign makes a sign part of its number.
func (t *text) sign(at, number int) {
	t.toks[at].drop, t.toks[number].minus = true, true
	t.toks[number].space = t.toks[at].space
}

// render writes the tokens, with gone for literals that do not stay.
func (t *text) render(dst []byte) []byte {
	begin := len(dst)
	for i := range t.toks {
		tok := &t.toks[i]
		if tok.drop {
			continue
		}
		from := &t.toks[tok.pick]
		switch {
		case from.literal() && from.fate != stays:
			dst = append(gap(dst, begin, tok.space, gone[0]), gone...)
		case from.kind == pgparse.LexemeParam:
			dst = append(gap(dst, begin, tok.space, '$'), '$')
			dst = strconv.AppendInt(dst, int64(t.renumber(t.of(int(tok.pick)))), 10)
		default:
			text := t.of(int(tok.pick))
			dst = append(gap(dst, begin, tok.space, text[0]), text...)
		}
	}
	return dst
}

// gap appends the blank before a token that begins with next: where there was white
// space, behind commas, and where the token would become one with what is there.
func gap(dst []byte, begin int, space bool, next byte) []byte {
	if len(dst) == begin || next == ',' {
		return dst
	}
	switch last := dst[len(dst)-1]; {
	case last == '(', last == '[', next == ')', next == ']':
		return dst
	case space, last == ',', last == '$', wordByte(last) && wordByte(next):
		return append(dst, ' ')
	}
	return dst
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// renumber is the new number of a parameter of the client, by the order in which they come.
func (t *text) renumber(text string) int {
	if n, err := strconv.Atoi(text[1:]); err == nil && n < len(t.number) {
		if t.number[n] == 0 {
			t.count++
			t.number[n] = uint16(min(t.count, 1<<16-1))
		}
		return int(t.number[n])
	}
	if t.wide == nil {
		t.wide = map[string]int{}
	}
	if t.wide[text] == 0 {
		t.count++
		t.wide[text] = t.count
	}
	return t.wide[text]
}
