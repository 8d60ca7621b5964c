package config

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decodeAcceptQueries reads lists of queries by rule.
func (d *decoder) decodeAcceptQueries(n *yaml.Node) map[string][]string {
	out := map[string][]string{}
	for _, entry := range d.uniqueEntries(n, "accept_queries") {
		name := entry.Key.Value
		if !slices.Contains(d.known.Rules, name) {
			d.addError(entry.Key, "unknown rule %s%s; onward rules lists them", name, suggestNearest(name, d.known.Rules))
			continue
		}
		list := d.decodeOneOrMore(entry.Value)
		if slices.ContainsFunc(list, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			d.addError(entry.Value, "accept_queries %s: an empty text would accept every query; rules: {%s: off} does that", name, name)
			continue
		}
		out[name] = list
	}
	return out
}

// decodeRedact reads regular expressions. One that matches the empty text is refused, because it matches everywhere.
func (d *decoder) decodeRedact(n *yaml.Node) []string {
	list := d.decodeOneOrMore(n)
	for _, text := range list {
		switch p, err := regexp.Compile(text); {
		case err != nil:
			d.addError(n, "redact: %q is no regular expression: %v", text, err)
		case p.MatchString(""):
			d.addError(n, "redact: %q matches an empty text", text)
		}
	}
	return list
}

// decodeColumns reads columns, each with its table or a star.
func (d *decoder) decodeColumns(n *yaml.Node) []string {
	list := d.decodeOneOrMore(n)
	for _, text := range list {
		parts := strings.Split(text, ".")
		column := parts[len(parts)-1]
		if len(parts) < 2 || len(parts) > 3 || column == "*" || slices.ContainsFunc(parts, func(part string) bool {
			return part == "" || strings.ContainsAny(part, ` "'`) || part != "*" && strings.Contains(part, "*")
		}) {
			d.addError(n, "redact_columns: %q is no column: write users.email, or '*.email' for each table", text)
		}
	}
	return list
}
