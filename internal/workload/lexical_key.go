package workload

import (
	"strconv"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/pgparse"
)

// removedLiteral replaces a literal that cannot become a parameter. Postgres' lexer reads it as a name, so the
// rest of the text is read as before.
const removedLiteral = "…"

// AppendLexicalKey appends a key of a text to dst. Literals are replaced, parameters numbered in order, comments
// dropped, white space reduced, and elements or rows of one shape merged. Texts that Normalize makes
// equal mostly have the same key. It uses no parser.
// For "SELECT a FROM t WHERE b IN (1, 2) -- x" it appends "SELECT a FROM t WHERE b IN (…)".
func AppendLexicalKey(dst []byte, sql string) []byte {
	t := texts.Get().(*text)
	t.splitTokens(sql)
	t.keepColumnPositions()
	t.joinSigns()
	t.collapseLists()
	dst = t.appendTokens(dst)
	t.sql = ""
	texts.Put(t)
	return dst
}

var texts = sync.Pool{New: func() any { return new(text) }}

// text is a statement as tokens, with the fate of each.
type text struct {
	sql  string
	toks []token
	open []frame
	// count is the number of numbered parameters; number has the new numbers of the client's parameters
	// below 256.
	count  int
	number [256]uint16
	wide   map[string]int // the new numbers of the client's other parameters
	// also has the tokens of left-out elements whose place another element's token took; nil if nobody asks.
	also map[int][]int
}

// The fate of a literal.
const (
	lost   = iota // replaced by removedLiteral
	stays         // kept: Postgres allows no parameter here
	param         // it becomes a parameter
	unsaid        // replaced by the text in statement.instead
)

type token struct {
	start, end int32
	pick       int32 // the token whose value is written: itself, or one of a removed element
	kind       pgparse.LexemeKind
	fate       byte
	space      bool // preceded by white space or a comment
	drop       bool
	minus      bool // the sign before it is part of it
}

// splitTokens splits a text into tokens, without comments and a semicolon at the end.
func (t *text) splitTokens(sql string) {
	t.sql, t.toks, t.open, t.count, t.wide = sql, t.toks[:0], t.open[:0], 0, nil
	clear(t.number[:])
	space := false
	for offset := 0; ; {
		l := pgparse.NextLexeme(sql, offset)
		if l.Kind == pgparse.LexemeEnd {
			break
		}
		space = space || l.Start > offset
		offset = l.End
		if l.Kind == pgparse.LexemeComment {
			space = true
			continue
		}
		t.toks = append(t.toks, token{start: int32(l.Start), end: int32(l.End), pick: int32(len(t.toks)), kind: l.Kind, space: space})
		space = false
	}
	for n := len(t.toks); n > 0 && t.isByte(n-1, ';'); n-- {
		t.toks = t.toks[:n-1]
	}
}

func (t *text) tokenText(i int) string { return t.sql[t.toks[i].start:t.toks[i].end] }

// isByte reports whether a token is a certain single byte.
func (t *text) isByte(i int, c byte) bool {
	return i >= 0 && i < len(t.toks) && t.toks[i].kind == pgparse.LexemeOther && t.sql[t.toks[i].start] == c
}

// isKeyword reports whether a token is one of some keywords, given in upper case.
func (t *text) isKeyword(i int, keywords ...string) bool {
	if i < 0 || i >= len(t.toks) || t.toks[i].kind != pgparse.LexemeWord {
		return false
	}
	for _, k := range keywords {
		if n := int(t.toks[i].end - t.toks[i].start); n == len(k) && strings.EqualFold(t.tokenText(i), k) {
			return true
		}
	}
	return false
}

func (t *token) isLiteral() bool {
	return t.kind == pgparse.LexemeString || t.kind == pgparse.LexemeNumber || t.kind == pgparse.LexemeBits
}

// keepColumnPositions keeps the numbers in ORDER BY 1 and GROUP BY 1, 2.
func (t *text) keepColumnPositions() {
	depth, byDepth := 0, -1
	for i := range t.toks {
		switch tok := &t.toks[i]; {
		case t.isByte(i, '('):
			depth++
		case t.isByte(i, ')'):
			if depth--; depth < byDepth {
				byDepth = -1
			}
		case tok.kind == pgparse.LexemeWord:
			if t.isKeyword(i, "BY") {
				byDepth = depth
			} else if depth == byDepth && t.isKeyword(i, "HAVING", "LIMIT", "UNION", "FOR", "SELECT") {
				byDepth = -1
			}
		case tok.kind == pgparse.LexemeNumber && byDepth == depth && tok.end-tok.start <= 4 && (t.isKeyword(i-1, "BY") || t.isByte(i-1, ',')):
			tok.fate = stays
		}
	}
}

// joinSigns makes a minus part of the number after it if no operand precedes the minus.
func (t *text) joinSigns() {
	for i := range t.toks {
		if t.toks[i].kind != pgparse.LexemeNumber || !t.isByte(i-1, '-') || i < 2 || t.toks[i-2].kind != pgparse.LexemeOther || t.isByte(i-2, ')') ||
			t.isByte(i-2, ']') {
			continue
		}
		t.joinSign(i-1, i)
	}
}

// joinSign makes a sign part of its number.
func (t *text) joinSign(sign, number int) {
	t.toks[sign].drop, t.toks[number].minus = true, true
	t.toks[number].space = t.toks[sign].space
}

// appendTokens writes the tokens, with removedLiteral for literals that are removed.
func (t *text) appendTokens(dst []byte) []byte {
	begin := len(dst)
	for i := range t.toks {
		tok := &t.toks[i]
		if tok.drop {
			continue
		}
		from := &t.toks[tok.pick]
		switch {
		case from.isLiteral() && from.fate != stays:
			dst = append(appendGap(dst, begin, tok.space, removedLiteral[0]), removedLiteral...)
		case from.kind == pgparse.LexemeParam:
			dst = append(appendGap(dst, begin, tok.space, '$'), '$')
			dst = strconv.AppendInt(dst, int64(t.renumberParameter(t.tokenText(int(tok.pick)))), 10)
		default:
			text := t.tokenText(int(tok.pick))
			dst = append(appendGap(dst, begin, tok.space, text[0]), text...)
		}
	}
	return dst
}

// appendGap appends a blank before the token that begins with next if the text had white space there, after a
// comma, or if the token would otherwise merge with the previous one.
func appendGap(dst []byte, begin int, space bool, next byte) []byte {
	if len(dst) == begin || next == ',' {
		return dst
	}
	switch last := dst[len(dst)-1]; {
	case last == '(', last == '[', next == ')', next == ']':
		return dst
	case space, last == ',', last == '$', isWordByte(last) && isWordByte(next):
		return append(dst, ' ')
	}
	return dst
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// renumberParameter returns the new number of a client's parameter, in order of first occurrence.
func (t *text) renumberParameter(text string) int {
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
