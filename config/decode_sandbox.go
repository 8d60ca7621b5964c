package config

import "go.yaml.in/yaml/v3"

// decodeSandbox reads what a command may use: a mapping, or the word require.
func (d *decoder) decodeSandbox(n *yaml.Node) (s Sandbox) {
	if isText(n) && n.Value == "require" {
		return Sandbox{Require: true}
	}
	d.decodeMapping(n, "sandbox", []field{
		{"require", func(n *yaml.Node) { s.Require = d.decodeBool(n) }},
		{"network", func(n *yaml.Node) { s.Network = d.decodeBool(n) }},
		{"read", func(n *yaml.Node) { s.Read = d.decodeTexts(n) }},
		{"write", func(n *yaml.Node) { s.Write = d.decodeTexts(n) }},
	})
	return s
}
