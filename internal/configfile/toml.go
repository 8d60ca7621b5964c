package configfile

import (
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// ReadTOML reads a TOML file. A dotted key and an inline table extend the section. If the file has an error, the
// settings before it are returned, too.
func ReadTOML(text string) ([]Setting, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if err := checkLimits(text, maxSize); err != nil {
		return nil, err
	}
	r := tomlReader{lines: NewLines(text)}
	r.parser.Reset([]byte(text))
	for r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			r.table = joinKey(e.Key())
		case unstable.KeyValue:
			r.addSetting(r.table, e)
		}
	}
	if err := r.parser.Error(); err != nil {
		return r.out, fmt.Errorf("it is not valid TOML: %w", err)
	}
	return r.out, nil
}

// tomlReader collects the settings of a file. table is the current section.
type tomlReader struct {
	parser unstable.Parser
	lines  *Lines
	table  string
	out    []Setting
}

// addSetting adds a key with its value, and the settings of an inline table.
func (r *tomlReader) addSetting(section string, n *unstable.Node) {
	name := joinKey(n.Key())
	value := n.Value()
	if value.Kind == unstable.InlineTable {
		for iter := value.Children(); iter.Next(); {
			r.addSetting(joinSections(section, name), iter.Node())
		}
		return
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		section, name = joinSections(section, name[:i]), name[i+1:]
	}
	first := n.Key()
	first.Next()
	s := Setting{Section: section, Key: name, Line: r.lines.CountTo(int(first.Node().Raw.Offset))}
	s.Values = appendValues(nil, value)
	r.out = append(r.out, s)
}

// appendValues appends a value, or the items of an array. Tables in an array do not count.
func appendValues(out []string, n *unstable.Node) []string {
	switch n.Kind {
	case unstable.Array:
		for iter := n.Children(); iter.Next(); {
			out = appendValues(out, iter.Node())
		}
	case unstable.InlineTable:
	default:
		out = append(out, string(n.Data))
	}
	return out
}

func joinKey(iter unstable.Iterator) string {
	var parts []string
	for iter.Next() {
		parts = append(parts, string(iter.Node().Data))
	}
	return strings.Join(parts, ".")
}

func joinSections(outer, inner string) string {
	if outer == "" {
		return inner
	}
	return outer + "." + inner
}
