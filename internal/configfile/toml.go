package configfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
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

// ReadHCL reads an HCL file. The section of a setting has the types of the blocks around it, without labels.
// Nothing is evaluated: a value that is not a literal is its source text.
func ReadHCL(text string) ([]Setting, error) {
	if err := checkLimits(text, maxHCL); err != nil {
		return nil, err
	}
	file, problems := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if problems.HasErrors() {
		return nil, errors.New("it is not valid HCL: " + problems[0].Summary)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, nil
	}
	out := appendBlock(nil, file.Bytes, "", "", body)
	slices.SortStableFunc(out, func(a, b Setting) int { return cmp.Compare(a.Line, b.Line) })
	return out, nil
}

func appendBlock(out []Setting, text []byte, section, labels string, body *hclsyntax.Body) []Setting {
	for _, a := range body.Attributes {
		out = append(out, Setting{Section: section, Labels: labels, Key: a.Name, Values: literalValues(text, a.Expr), Line: a.NameRange.Start.Line})
	}
	for _, b := range body.Blocks {
		out = appendBlock(out, text, joinSections(section, b.Type), strings.Trim(labels+"."+strings.Join(b.Labels, "."), "."), b.Body)
	}
	return out
}

// literalValues returns a literal, the items of a list, or the text of another expression.
func literalValues(text []byte, e hclsyntax.Expression) []string {
	switch e := e.(type) {
	case *hclsyntax.TupleConsExpr:
		var out []string
		for _, item := range e.Exprs {
			out = append(out, literalValues(text, item)...)
		}
		return out
	case *hclsyntax.TemplateExpr:
		if len(e.Parts) == 0 {
			return []string{""}
		}
		if len(e.Parts) == 1 {
			return literalValues(text, e.Parts[0])
		}
	case *hclsyntax.LiteralValueExpr:
		if v, err := convert.Convert(e.Val, cty.String); err == nil && !v.IsNull() {
			return []string{v.AsString()}
		}
	}
	return []string{string(e.Range().SliceBytes(text))}
}
