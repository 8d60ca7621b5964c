package configfile

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// iniValues are texts in quotation marks, and words without. A comment is neither.
var iniValues = lazyregexp.New(`"([^"\n]*)"|'([^'\n]*)'|[^\s,\[\](){}"'#;=]+|[#;][^\n]*`)

// SplitValues reads the right side of a setting: texts, words, or a list of them in brackets.
func SplitValues(text string) []string {
	var out []string
	for _, m := range iniValues.FindAllStringSubmatch(text, -1) {
		switch {
		case m[0][0] == '#' || m[0][0] == ';':
		case m[0][0] == '"' || m[0][0] == '\'':
			out = append(out, m[1]+m[2])
		default:
			out = append(out, m[0])
		}
	}
	return out
}

// ReadINI reads an INI file. Indented lines without "=" continue a value.
func ReadINI(text string) ([]Setting, error) {
	if len(text) > maxSize {
		return nil, errTooLarge
	}
	var out []Setting
	section, n := "", 0
	for line := range strings.Lines(text) {
		n++
		bare := strings.TrimSpace(line)
		indented := line[0] == ' ' || line[0] == '\t'
		key, value, assigns := strings.Cut(bare, "=")
		switch {
		case bare == "" || bare[0] == '#' || bare[0] == ';':
		case len(out) > 0 && indented && !assigns:
			last := &out[len(out)-1]
			last.Values = append(last.Values, SplitValues(bare)...)
		case bare[0] == '[':
			section = strings.Trim(strings.SplitN(bare, "]", 2)[0], "[ ")
		case assigns:
			out = append(out, Setting{Section: section, Key: strings.TrimSpace(key), Values: SplitValues(value), Line: n})
		}
	}
	return out, nil
}
