package transcript

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Redactor replaces values by made ones of the same length: letters by letters, digits by digits. "ann@example.org" may become
// "kwe@tzrbqya.dul". A value is replaced by the same one each time, and in the same way whatever its case, so equal values stay equal. Two
// values never get the same one as long as there is room. It is not safe for concurrent use.
type Redactor struct {
	patterns []*regexp.Regexp
	key      [32]byte // known to nobody: a made value does not tell what it replaces
	made     map[string]string
	used     map[string]bool
	// isWhole: each text is a value that is replaced. isEverywhere: values that have been replaced once are replaced wherever they are.
	isWhole, isEverywhere bool
	// beginnings has the lengths of such values, by their first bytes.
	beginnings map[[beginning]byte][]int
}

// beginning is how many bytes of values are compared first, and leastEverywhere how long a value is that is replaced wherever it is: a shorter one may mean
// something else.
const beginning, leastEverywhere = 4, 6

// NewRedactor returns a redactor for what matches one of the patterns. Of a pattern with a group, only the first group is replaced.
func NewRedactor(patterns []*regexp.Regexp) *Redactor {
	r := &Redactor{patterns: patterns, made: map[string]string{}, used: map[string]bool{}}
	_, _ = rand.Read(r.key[:]) // it never fails
	return r
}

// Count returns how many different values were replaced.
func (r *Redactor) Count() int { return len(r.made) }

// RedactText replaces what matches in a text. The result has the same length.
func (r *Redactor) RedactText(text string) string {
	if r.isWhole {
		return r.replaceWhole(text)
	}
	found := make([]bool, len(text))
	any := r.isEverywhere && r.markReplaced(text, found)
	for _, p := range r.patterns {
		for _, place := range p.FindAllStringSubmatchIndex(text, -1) {
			begin, end := place[0], place[1]
			if len(place) > 2 {
				begin, end = place[2], place[3]
			}
			for i := max(begin, 0); i < end; i++ {
				found[i], any = true, true
			}
		}
	}
	if !any {
		return text
	}
	var out strings.Builder
	for begin := 0; begin < len(text); {
		end := begin
		for end < len(text) && found[end] == found[begin] {
			end++
		}
		if found[begin] && !r.isReplacement(text[begin:end]) {
			out.WriteString(r.replaceValue(text[begin:end]))
		} else {
			out.WriteString(text[begin:end])
		}
		begin = end
	}
	return out.String()
}

// isReplacement reports whether a text is a value that has replaced another one. A short one may be equal to such a value by chance.
func (r *Redactor) isReplacement(text string) bool {
	return r.isEverywhere && len(text) >= 2*leastEverywhere && r.used[strings.ToLower(text)]
}

// markReplaced marks values that have been replaced elsewhere, whatever their case.
func (r *Redactor) markReplaced(text string, found []bool) (any bool) {
	if r.beginnings == nil {
		r.beginnings = map[[beginning]byte][]int{}
		for value := range r.made {
			if len(value) < leastEverywhere {
				continue
			}
			key := [beginning]byte([]byte(value[:beginning]))
			if !slices.Contains(r.beginnings[key], len(value)) {
				r.beginnings[key] = append(r.beginnings[key], len(value))
			}
		}
	}
	lower := strings.ToLower(text)
	if len(lower) != len(text) {
		lower = text
	}
	for i := 0; i+leastEverywhere <= len(lower); i++ {
		for _, length := range r.beginnings[[beginning]byte([]byte(lower[i:i+beginning]))] {
			if i+length > len(lower) || r.made[lower[i:i+length]] == "" {
				continue
			}
			for j := i; j < i+length; j++ {
				found[j], any = true, true
			}
		}
	}
	return any
}

// replaceValue returns what replaces a value.
func (r *Redactor) replaceValue(value string) string {
	key := strings.ToLower(value)
	if len(key) != len(value) { // its case has another length
		key = value
	}
	replacement, known := r.made[key]
	for try := uint64(0); !known && try < mostTries; try++ {
		if replacement = r.makeValue(key, try); !r.used[replacement] && replacement != key {
			break
		}
	}
	r.made[key], r.used[replacement] = replacement, true
	if key == value {
		return replacement
	}
	out := []rune(replacement)
	for i, c := range []rune(value) {
		if unicode.IsUpper(c) {
			out[i] = unicode.ToUpper(out[i])
		}
	}
	if text := string(out); len(text) == len(value) {
		return text
	}
	return replacement
}

// mostTries bounds how often another value is made if one exists: there may be few of its length.
const mostTries = 1000

// makeValue makes a value of the same kind of characters.
func (r *Redactor) makeValue(value string, try uint64) string {
	if date := r.makeDate(value, try); date != "" {
		return date
	}
	isHex := isHexadecimal(value)
	var out strings.Builder
	block, left := uint64(0), []byte(nil)
	next := func() byte {
		if len(left) == 0 {
			sum := hmac.New(sha256.New, r.key[:])
			sum.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, try), block))
			sum.Write([]byte(value))
			block, left = block+1, sum.Sum(nil)
		}
		b := left[0]
		left = left[1:]
		return b
	}
	inNumber := false
	for i := 0; i < len(value); {
		c, size := utf8.DecodeRuneInString(value[i:])
		i += size
		isDigit := c >= '0' && c <= '9'
		switch {
		case isDigit && !inNumber && c != '0': // a number has as many digits, and fits its type
			out.WriteByte('1' + next()%firstDigits(value))
		case isDigit:
			out.WriteByte('0' + next()%10)
		case c >= 'a' && c <= 'z' && isHex:
			out.WriteByte('a' + next()%6)
		case c >= 'a' && c <= 'z':
			out.WriteByte('a' + next()%26)
		case c >= 'A' && c <= 'Z':
			out.WriteByte('A' + next()%26)
		case c == utf8.RuneError && size == 1:
			out.WriteByte('?')
		case size == 1:
			out.WriteRune(c)
		default:
			out.WriteRune(lettersOfSize[size] + rune(next()%16))
		}
		inNumber = isDigit
	}
	return out.String()
}

// dated matches dates and times as Postgres writes them.
var dated = lazyregexp.New(`^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?`)

// makeDate makes a date that exists; "" for a value that is none.
func (r *Redactor) makeDate(value string, try uint64) string {
	size := len(dated.FindString(value))
	if size == 0 {
		return ""
	}
	sum := hmac.New(sha256.New, r.key[:])
	sum.Write(binary.BigEndian.AppendUint64(nil, try))
	sum.Write([]byte(value))
	b := sum.Sum(nil)
	date := fmt.Sprintf("%04d-%02d-%02d%c%02d:%02d:%02d", 1900+int(b[0])%130, 1+b[1]%12, 1+b[2]%28, value[min(10, len(value)-1)], b[3]%24, b[4]%60, b[5]%60)
	return date[:size] + value[size:]
}

// firstDigits returns how many digits a number may begin with: the largest numbers of integer types have 5, 10 and 19 digits.
func firstDigits(value string) byte {
	if n := len(strings.TrimPrefix(value, "-")); n == 5 || n == 10 || n == 19 {
		return 1
	}
	return 9
}

// lettersOfSize are blocks of letters by how many bytes UTF-8 takes for them.
var lettersOfSize = map[int]rune{2: 'à', 3: '一', 4: '𠀀'}

// isHexadecimal reports whether a value is a number in hexadecimal, such as a UUID.
func isHexadecimal(value string) bool {
	digits := 0
	for _, c := range value {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f', c == '-':
		default:
			return false
		}
	}
	return digits > 0 && len(value) >= 8
}
