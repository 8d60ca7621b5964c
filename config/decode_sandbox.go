package config

import "github.com/goccy/go-yaml/ast"

// decodeSandbox reads what a command may use: a mapping, or the word require.
func (d *decoder) decodeSandbox(n ast.Node) (s Sandbox) {
	if word, ok := n.(*ast.StringNode); ok && word.Value == "require" {
		return Sandbox{Require: true}
	}
	d.decodeMapping(n, "sandbox", []field{
		{"require", func(n ast.Node) { s.Require = d.decodeBool(n) }},
		{"network", func(n ast.Node) { s.Network = d.decodeBool(n) }},
		{"read", func(n ast.Node) { s.Read = d.decodeTexts(n) }},
		{"write", func(n ast.Node) { s.Write = d.decodeTexts(n) }},
	})
	return s
}
