package config

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

var variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// decodeEnvironment reads variables and their values.
func (d *decoder) decodeEnvironment(n *yaml.Node) []string {
	var out []string
	for _, entry := range d.uniqueEntries(n, "environment") {
		name := entry.Key.Value
		if !variableName.MatchString(name) {
			d.addError(entry.Key, "%q is not the name of a variable", name)
			continue
		}
		out = append(out, name+"="+d.decodeText(entry.Value))
	}
	slices.Sort(out)
	return out
}
