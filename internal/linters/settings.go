package linters

import (
	"regexp"
	"strings"
)

// setting is a line of a configuration file.
type setting struct {
	// section is the heading that it stands under, key its name.
	section, key string
	// values are what it is set to: one, or those of a list.
	values []string
	line   int
}

// is reports whether a setting is switched on.
func (s setting) is() bool { return len(s.values) == 1 && strings.EqualFold(s.values[0], "true") }

// values are texts in quotation marks, and words without. A comment is neither.
var values = regexp.MustCompile(`"([^"\n]*)"|'([^'\n]*)'|[^\s,\[\](){}"'#;=]+|[#;][^\n]*`)

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

// settingsOf reads as much of TOML and of INI files as linters are configured by: headings, keys, texts,
// words, and lists that go over several lines, within brackets or indented.
func settingsOf(text string) []setting {
	var out []setting
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
			out = append(out, setting{section: section, key: strings.TrimSpace(key), values: valuesOf(value), line: n})
			open = strings.HasPrefix(strings.TrimSpace(value), "[") && !strings.Contains(value, "]")
		}
	}
	return out
}

// lineAt is the line of a place in a text.
func lineAt(text string, at int) int { return 1 + strings.Count(text[:at], "\n") }
