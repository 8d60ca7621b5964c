package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/onward-sql/onward/internal/prose"
)

// field is a key of a mapping, with the function that reads its value.
type field struct {
	name string
	read func(ast.Node)
}

// decodeMapping reads a mapping of known keys.
func (d *decoder) decodeMapping(n ast.Node, what string, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	for _, entry := range d.uniqueEntries(n, what) {
		key := entry.Key.GetToken().Value
		i := slices.Index(names, key)
		if i < 0 {
			d.addError(entry.Key, "unknown key %s in %s%s", key, what, didYouMeanOr(key, names))
			continue
		}
		if _, null := entry.Value.(*ast.NullNode); null {
			continue // "rules:" with everything below commented out
		}
		fields[i].read(entry.Value)
	}
}

// uniqueEntries returns the entries of a mapping, without duplicates.
func (d *decoder) uniqueEntries(n ast.Node, what string) []*ast.MappingValueNode {
	var all []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		all = n.Values
	case *ast.MappingValueNode:
		all = []*ast.MappingValueNode{n}
	case *ast.CommentGroupNode:
		return nil
	default:
		d.addError(n, "%s needs keys with values, not %s", what, describeNode(n))
		return nil
	}
	seen := map[string]bool{}
	var out []*ast.MappingValueNode
	for _, e := range all {
		if _, plain := e.Key.(*ast.StringNode); !plain {
			d.addError(e.Key, "%s: a key is a name, not %s", what, describeNode(e.Key))
			continue
		}
		key := e.Key.GetToken().Value
		if seen[key] {
			d.addError(e.Key, "%s occurs here twice", key)
			continue
		}
		seen[key] = true
		out = append(out, e)
	}
	return out
}

// eachElement calls read for each element of a list.
func (d *decoder) eachElement(n ast.Node, read func(ast.Node)) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.addError(n, "a list is needed, not %s", describeNode(n))
		return
	}
	for _, v := range s.Values {
		read(v)
	}
}

// decodeText reads a text; a number is read as its digits.
func (d *decoder) decodeText(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value
	}
	d.addError(n, "a text is needed, not %s", describeNode(n))
	return ""
}

// decodeBool reads true or false.
func (d *decoder) decodeBool(n ast.Node) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		d.addError(n, "true or false is needed, not %s", describeNode(n))
		return false
	}
	return b.Value
}

// oneOf reads one of the given names.
func (d *decoder) oneOf(n ast.Node, what string, names []string) string {
	before := len(d.errs)
	text := d.decodeText(n)
	if len(d.errs) == before && !slices.Contains(names, text) {
		d.addError(n, "unknown %s %s%s", what, text, didYouMeanOr(text, names))
	}
	return text
}

// oneOrMore reads a text, or a list of them.
func (d *decoder) oneOrMore(n ast.Node) []string {
	if _, list := n.(*ast.SequenceNode); list {
		return d.decodeTexts(n)
	}
	return []string{d.decodeText(n)}
}

// decodeTexts reads a list of texts.
func (d *decoder) decodeTexts(n ast.Node) []string {
	var out []string
	d.eachElement(n, func(n ast.Node) { out = append(out, d.decodeText(n)) })
	return out
}

// describeNode describes a node for people.
func describeNode(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return n.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or alias, which this file does not have"
	case *ast.TagNode:
		return "a tag, which this file does not have"
	}
	return "this"
}

// didYouMeanOr suggests the nearest name, or lists all if none is near.
func didYouMeanOr(name string, names []string) string {
	if s := didYouMean(name, names); s != "" {
		return s
	}
	return ": there is " + strings.Join(names, ", ")
}

// didYouMean suggests the nearest name, if one is near.
func didYouMean(name string, names []string) string {
	if near := Nearest(name, names); near != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}

// Nearest returns the name that was probably meant by a misspelled one; "" if
// none is near.
func Nearest(name string, names []string) string { return prose.NearestName(name, names) }
