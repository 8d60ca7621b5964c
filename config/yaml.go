package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/prose"
)

// field is a key of a mapping, with the function that reads its value.
type field struct {
	name string
	read func(*yaml.Node)
}

// decodeMapping reads a mapping of known keys.
func (d *decoder) decodeMapping(n *yaml.Node, section string, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	for _, entry := range d.uniqueEntries(n, section) {
		key := entry.Key.Value
		i := slices.Index(names, key)
		if i < 0 {
			d.addError(entry.Key, "unknown key %s in %s%s", key, section, d.suggestNearestOrAll(key, names))
			continue
		}
		if isNull(entry.Value) {
			continue // "rules:" with everything below commented out
		}
		fields[i].read(entry.Value)
	}
}

// entry is a key of a mapping and its value.
type entry struct{ Key, Value *yaml.Node }

// uniqueEntries returns the entries of a mapping, without duplicates.
func (d *decoder) uniqueEntries(n *yaml.Node, section string) []entry {
	if n.Kind != yaml.MappingNode || hasAnchorOrTag(n) {
		d.addError(n, "%s needs keys with values, not %s", section, describeNode(n))
		return nil
	}
	seen := map[string]bool{}
	var out []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry{n.Content[i], n.Content[i+1]}
		if !isText(e.Key) {
			d.addError(e.Key, "%s: a key is a name, not %s", section, describeNode(e.Key))
			continue
		}
		if seen[e.Key.Value] {
			d.addError(e.Key, "%s occurs here twice", e.Key.Value)
			continue
		}
		seen[e.Key.Value] = true
		out = append(out, e)
	}
	return out
}

// hasAnchorOrTag reports whether a node has an anchor or a tag, or is an alias: the file has none.
func hasAnchorOrTag(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0
}

// isScalar reports whether a node is a scalar of a tag: "!!bool".
func isScalar(n *yaml.Node, tag string) bool {
	return n.Kind == yaml.ScalarNode && !hasAnchorOrTag(n) && n.Tag == tag
}

// isText reports whether a node is a text. A date is one.
func isText(n *yaml.Node) bool { return isScalar(n, "!!str") || isScalar(n, "!!timestamp") }

// isNull reports whether a node has no value.
func isNull(n *yaml.Node) bool { return isScalar(n, "!!null") }

// eachElement calls read for each element of a list.
func (d *decoder) eachElement(n *yaml.Node, read func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode || hasAnchorOrTag(n) {
		d.addError(n, "a list is needed, not %s", describeNode(n))
		return
	}
	for _, v := range n.Content {
		read(v)
	}
}

// decodeText reads a text; a number is read as its digits.
func (d *decoder) decodeText(n *yaml.Node) string {
	switch {
	case isText(n) && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return strings.TrimSpace(n.Value)
	case isText(n), isScalar(n, "!!int"), isScalar(n, "!!float"):
		return n.Value
	}
	d.addError(n, "a text is needed, not %s", describeNode(n))
	return ""
}

// decodeBool reads true or false.
func (d *decoder) decodeBool(n *yaml.Node) bool {
	if !isScalar(n, "!!bool") {
		d.addError(n, "true or false is needed, not %s", describeNode(n))
		return false
	}
	return isTrue(n)
}

func isTrue(n *yaml.Node) bool { return strings.EqualFold(n.Value, "true") }

// decodeOneOf reads one of the given names.
func (d *decoder) decodeOneOf(n *yaml.Node, noun string, names []string) string {
	before := len(d.errs)
	text := d.decodeText(n)
	if len(d.errs) == before && !slices.Contains(names, text) {
		d.addError(n, "unknown %s %s%s", noun, text, d.suggestNearestOrAll(text, names))
	}
	return text
}

// decodeOneOrMore reads a text, or a list of them.
func (d *decoder) decodeOneOrMore(n *yaml.Node) []string {
	if n.Kind == yaml.SequenceNode {
		return d.decodeTexts(n)
	}
	return []string{d.decodeText(n)}
}

// decodeTexts reads a list of texts.
func (d *decoder) decodeTexts(n *yaml.Node) []string {
	var out []string
	d.eachElement(n, func(n *yaml.Node) { out = append(out, d.decodeText(n)) })
	return out
}

// describeNode describes a node for people.
func describeNode(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "", isScalar(n, "!!merge"):
		return "an anchor or alias, which this file does not have"
	case hasAnchorOrTag(n):
		return "a tag, which this file does not have"
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	case isScalar(n, "!!bool"):
		return n.Value
	case isScalar(n, "!!int"), isScalar(n, "!!float"):
		return "a number"
	}
	return "a text"
}

// suggestNearestOrAll suggests the nearest name, or lists all if none is near.
func (d *decoder) suggestNearestOrAll(name string, names []string) string {
	if s := d.suggestNearest(name, names); s != "" || len(d.errs) >= maxErrors {
		return s
	}
	return ": there is " + strings.Join(names, ", ")
}

// suggestNearest suggests the nearest name, if one is near, in the errors that are printed.
func (d *decoder) suggestNearest(name string, names []string) string {
	if len(d.errs) >= maxErrors {
		return ""
	}
	if nearest := Nearest(name, names); nearest != "" {
		return ": did you mean " + nearest + "?"
	}
	return ""
}

// Nearest returns the name that was probably meant by a misspelled one; "" if
// none is near.
func Nearest(name string, names []string) string { return prose.NearestName(name, names) }
