package transcript

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/pgparse"
)

// replaceLiterals replaces the literals of a text, except for those at some offsets. begin is the offset of the text.
func (r *Redactor) replaceLiterals(text []byte, begin int, keep map[int]bool) {
	source, minus := string(text), -1
	for place := 0; ; {
		token := pgparse.NextLexeme(source, place)
		if token.Kind == pgparse.LexemeEnd || token.End <= place && token.End <= token.Start {
			return
		}
		place = token.End
		sign := minus // a constant with a sign begins there
		minus = -1
		value := text[token.Start:token.End]
		isLiteral := token.Kind == pgparse.LexemeString || token.Kind == pgparse.LexemeNumber || token.Kind == pgparse.LexemeBits
		switch {
		case token.Kind == pgparse.LexemeOther && value[0] == '-':
			minus = token.Start
		case !isLiteral || keep[begin+token.Start] || sign >= 0 && keep[begin+sign]:
		case token.Kind == pgparse.LexemeString && value[0] == '$': // a body: its own literals
			inner := bytes.IndexByte(value[1:], '$') + 2
			if last := len(value) - inner; last > inner {
				r.replaceLiterals(value[inner:last], 0, nil)
			}
		case token.Kind == pgparse.LexemeString:
			first, last := bytes.IndexByte(value, '\''), bytes.LastIndexByte(value, '\'')
			if first < 0 || last <= first+1 {
				continue
			}
			inner := value[first+1 : last]
			plain := strings.ReplaceAll(string(inner), "''", "'")
			if replacement := strings.ReplaceAll(r.replaceWhole(plain), "'", "''"); len(replacement) == len(inner) {
				copy(inner, replacement)
			} else {
				maskValue(inner)
			}
		case token.Kind == pgparse.LexemeNumber:
			copy(value, r.replaceWhole(string(value)))
		default:
			maskValue(value[1:])
		}
	}
}

// replaceWhole replaces a whole value. Booleans and empty texts stay: they are of no type that has others.
func (r *Redactor) replaceWhole(value string) string {
	switch strings.ToLower(value) {
	case "", "t", "f", "true", "false":
		return value
	}
	if replacement := r.replaceValue(value); len(replacement) == len(value) {
		return replacement
	}
	return strings.Repeat("x", len(value))
}

// replaceBytes replaces a whole value in its place, in text or, if it may be so, in binary.
func (r *Redactor) replaceBytes(value []byte, mayBeBinary bool) {
	isText := utf8.Valid(value) && !bytes.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' && c != '\r' })
	switch {
	case len(value) > 2 && value[0] == '{' && value[len(value)-1] == '}' && !bytes.Contains(value, []byte(":")): // an array, and no JSON
		r.replaceTextArray(value[1 : len(value)-1])
	case isText || !mayBeBinary:
		copy(value, r.replaceWhole(string(value)))
	case r.replaceBinaryArray(value):
	case len(value) == 1: // a boolean
	case len(value) == 2 || len(value) == 4 || len(value) == 8 || len(value) == 16:
		before := bytes.Clone(value)
		whole := &Redactor{key: r.key, made: r.made, used: r.used, isWhole: true}
		if whole.redactBinary(value); bytes.Equal(before, value) {
			maskValue(value)
		}
	default:
		maskValue(value)
	}
}

// replaceTextArray replaces the elements of an array in text.
func (r *Redactor) replaceTextArray(list []byte) {
	begin, quoted := 0, false
	for i := 0; i <= len(list); i++ {
		switch {
		case i < len(list) && list[i] == '\\':
			i++
		case i < len(list) && list[i] == '"':
			quoted = !quoted
		case i == len(list) || list[i] == ',' && !quoted:
			i = min(i, len(list))
			element := bytes.Trim(list[begin:i], `{}"`)
			if !bytes.EqualFold(element, []byte("NULL")) {
				copy(element, r.replaceWhole(string(element)))
			}
			begin = i + 1
		}
	}
}

// replaceBinaryArray replaces the elements of an array in binary: dimensions, a flag, the type, bounds, and values with their lengths. It reports whether the
// value is one.
func (r *Redactor) replaceBinaryArray(value []byte) bool {
	if len(value) < 20 {
		return false
	}
	dimensions, count := int(binary.BigEndian.Uint32(value)), 1
	place := 12 + 8*dimensions
	if dimensions < 1 || dimensions > 6 || binary.BigEndian.Uint32(value[4:]) > 1 || place > len(value) {
		return false
	}
	for i := range dimensions {
		if count *= int(binary.BigEndian.Uint32(value[12+8*i:])); count > len(value) {
			return false
		}
	}
	var elements [][]byte
	for range count {
		if len(value)-place < 4 {
			return false
		}
		size := int(int32(binary.BigEndian.Uint32(value[place:]))) //nolint:gosec // -1 is NULL
		if place += 4; size < 0 {
			continue
		}
		if size > len(value)-place {
			return false
		}
		elements, place = append(elements, value[place:place+size]), place+size
	}
	if place != len(value) {
		return false
	}
	for _, element := range elements {
		r.replaceBytes(element, true)
	}
	return true
}

// maskValue overwrites a value that has no form in which it can be replaced. White space and punctuation stay.
func maskValue(value []byte) {
	for i, c := range value {
		switch {
		case c >= '0' && c <= '9':
			value[i] = '0'
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80:
			value[i] = 'x'
		case c < ' ' && c != '\n' && c != '\t' && c != '\r':
			value[i] = 0
		}
	}
}
