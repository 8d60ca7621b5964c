package linters

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// configLine is a line of a configuration file.
type configLine struct {
	// section is its heading, key its name.
	section, key string
	// values are its values: one, or the items of a list.
	values []string
	line   int
}

// isTrue reports whether a setting is switched on.
func (s configLine) isTrue() bool {
	return len(s.values) == 1 && strings.EqualFold(s.values[0], "true")
}

// values are texts in quotation marks, and words without. A comment is neither.
var values = lazyregexp.New(`"([^"\n]*)"|'([^'\n]*)'|[^\s,\[\](){}"'#;=]+|[#;][^\n]*`)

// valuesOf reads the right side of a setting.
func valuesOf(text string) []string {
	var out []string
	for _, m := range values.FindAllStringSubmatch(text, -1) {
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

// settingsOf reads the parts of TOML and of INI files that linters use: headings, keys, texts, words,
// and lists that span several lines, within brackets or indented.
func settingsOf(text string) []configLine {
	var out []configLine
	section, open := "", false
	n := 0
	for line := range strings.Lines(text) {
		n++
		bare := strings.TrimSpace(line)
		indented := line[0] == ' ' || line[0] == '\t'
		key, value, assigns := strings.Cut(bare, "=")
		switch {
		case bare == "" || bare[0] == '#' || bare[0] == ';':
		case len(out) > 0 && (open || indented && !assigns):
			last := &out[len(out)-1]
			last.values = append(last.values, valuesOf(bare)...)
			open = open && !strings.Contains(bare, "]")
		case bare[0] == '[':
			section = strings.Trim(strings.SplitN(bare, "]", 2)[0], "[ ")
		case assigns:
			out = append(out, configLine{section: section, key: strings.TrimSpace(key), values: valuesOf(value), line: n})
			open = strings.HasPrefix(strings.TrimSpace(value), "[") && !strings.Contains(value, "]")
		}
	}
	return out
}

// lineAt returns the line of an offset in a text.
func lineAt(text string, at int) int { return 1 + strings.Count(text[:at], "\n") }
