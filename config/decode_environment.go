package config

import (
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

var variableName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)

// decodeEnvironment reads variables and their values.
func (d *decoder) decodeEnvironment(n ast.Node) []string {
	var out []string
	for _, entry := range d.uniqueEntries(n, "environment") {
		name := entry.Key.GetToken().Value
		if !variableName.MatchString(name) {
			d.addError(entry.Key, "%q is not the name of a variable", name)
			continue
		}
		out = append(out, name+"="+d.decodeText(entry.Value))
	}
	slices.Sort(out)
	return out
}
