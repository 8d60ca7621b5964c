// Package configfile reads the configuration files of other tools: TOML, HCL and INI. Each reader returns the
// settings in their order, with their lines.
package configfile

import (
	"errors"
	"slices"
	"strings"
)

// Setting is a value in a configuration file.
type Setting struct {
	// Section is the path of the tables or blocks around it, with dots: "tool.poetry.dependencies".
	Section, Key string
	// Labels are the labels of these blocks in HCL, with dots: "prod" in env "prod" {…}.
	Labels string
	// Values are its value, or the items of a list.
	Values []string
	Line   int
}

// IsTrue reports whether a setting is switched on.
func (s Setting) IsTrue() bool { return len(s.Values) == 1 && strings.EqualFold(s.Values[0], "true") }

// Find returns the value of the first setting with this section and key, "" for none.
func Find(list []Setting, section, key string) string {
	i := slices.IndexFunc(list, func(s Setting) bool { return s.Section == section && s.Key == key && len(s.Values) > 0 })
	if i < 0 {
		return ""
	}
	return list[i].Values[0]
}

// Limits of a file. The parsers recurse into brackets, operators and templates, and the files come from strangers.
const (
	maxNesting = 100
	maxSize    = 1 << 20
	maxHCL     = 32 << 10
)

var (
	errTooLarge = errors.New("the file is too large")
	errTooDeep  = errors.New("its brackets are nested too deeply")
)

// checkLimits refuses a text that would let a parser recurse deeply. Brackets in strings and comments count, too.
func checkLimits(text string, maxSize int) error {
	if len(text) > maxSize {
		return errTooLarge
	}
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{', '(':
			if depth++; depth > maxNesting {
				return errTooDeep
			}
		case ']', '}', ')':
			depth = max(0, depth-1)
		}
	}
	return nil
}

// Lines returns the lines of growing offsets in a text, which it reads once.
type Lines struct {
	text         string
	offset, seen int
}

// NewLines starts at the beginning of a text.
func NewLines(text string) *Lines { return &Lines{text: text} }

// CountTo returns the line of an offset.
func (l *Lines) CountTo(offset int) int {
	if offset > l.offset {
		l.seen += strings.Count(l.text[l.offset:offset], "\n")
		l.offset = offset
	}
	return 1 + l.seen
}
