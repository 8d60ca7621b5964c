package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/onward-sql/onward/internal/advice"
)

// field is a key of a mapping and what reads its value.
type field struct {
	name string
	read func(ast.Node)
}

// mapping reads a mapping of known keys.
func (d *decoder) mapping(n ast.Node, what string, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	for _, entry := range d.entries(n, what) {
		key := entry.Key.GetToken().Value
		i := slices.Index(names, key)
		if i < 0 {
			d.fail(entry.Key, "unknown key %s in %s%s", key, what, didYouMeanOr(key, names))
			continue
		}
		if _, null := entry.Value.(*ast.NullNode); null {
			continue // "rules:" with everything below commented out
		}
		fields[i].read(entry.Value)
	}
}

// entries gives the entries of a mapping, none of them twice.
func (d *decoder) entries(n ast.Node, what string) []*ast.MappingValueNode {
	var all []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		all = n.Values
	case *ast.MappingValueNode:
		all = []*ast.MappingValueNode{n}
	case *ast.CommentGroupNode:
		return nil
	default:
		d.fail(n, "%s needs keys with values, not %s", what, kind(n))
		return nil
	}
	seen := map[string]bool{}
	var out []*ast.MappingValueNode
	for _, e := range all {
		if _, plain := e.Key.(*ast.StringNode); !plain {
			d.fail(e.Key, "%s: a key is a name, not %s", what, kind(e.Key))
			continue
		}
		key := e.Key.GetToken().Value
		if seen[key] {
			d.fail(e.Key, "%s stands here twice", key)
			continue
		}
		seen[key] = true
		out = append(out, e)
	}
	return out
}

// list calls read for each element of a list.
func (d *decoder) list(n ast.Node, read func(ast.Node)) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(n, "a list is needed, not %s", kind(n))
		return
	}
	for _, v := range s.Values {
		read(v)
	}
}

// text reads a text; a number is the text of its digits.
func (d *decoder) text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value
	}
	d.fail(n, "a text is needed, not %s", kind(n))
	return ""
}

// truth reads true or false.
func (d *decoder) truth(n ast.Node) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		d.fail(n, "true or false is needed, not %s", kind(n))
		return false
	}
	return b.Value
}

// oneOf reads one of the given names.
func (d *decoder) oneOf(n ast.Node, what string, names []string) string {
	before := len(d.errs)
	text := d.text(n)
	if len(d.errs) == before && !slices.Contains(names, text) {
		d.fail(n, "unknown %s %s%s", what, text, didYouMeanOr(text, names))
	}
	return text
}

// oneOrMore reads a text, or a list of them.
func (d *decoder) oneOrMore(n ast.Node) []string {
	if _, list := n.(*ast.SequenceNode); list {
		return d.texts(n)
	}
	return []string{d.text(n)}
}

// texts reads a list of texts.
func (d *decoder) texts(n ast.Node) []string {
	var out []string
	d.list(n, func(n ast.Node) { out = append(out, d.text(n)) })
	return out
}

// kind names what stands there, for people.
func kind(n ast.Node) string {
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

// didYouMeanOr suggests the nearest name, or lists all when none is near.
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

// Nearest is the name that a misspelled one was probably meant to be; "" when
// none is near.
func Nearest(name string, names []string) string { return advice.Nearest(name, names) }
