package config

import "github.com/goccy/go-yaml/ast"

// decodeSandbox reads what a command may use.
func (d *decoder) decodeSandbox(n ast.Node) (s Sandbox) {
	d.decodeMapping(n, "sandbox", []field{
		{"network", func(n ast.Node) { s.Network = d.decodeBool(n) }},
		{"read", func(n ast.Node) { s.Read = d.decodeTexts(n) }},
		{"write", func(n ast.Node) { s.Write = d.decodeTexts(n) }},
	})
	return s
}
