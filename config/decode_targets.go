package config

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/address"
)

// maxTargetsSize limits a file of targets.
const maxTargetsSize = 8 << 20

// TargetEntry is an entry of a file of targets. Its values are as they are written.
type TargetEntry struct {
	Line int
	// Address is an address without a password, or a reference to an address; Password is a reference to its password.
	Address, Password string
	Name, Schema      string
	// Schemas are patterns of schemas.
	Schemas []string
	Labels  map[string]string
}

// DecodeTargets parses a YAML file of targets, which is a list under the key targets. No error quotes a value, because it may have a password.
func DecodeTargets(data []byte, name string) (out []TargetEntry, err error) {
	err = decodeBounded(data, &decoder{path: name}, maxTargetsSize, func(d *decoder, n *yaml.Node) {
		d.decodeMapping(n, "a file of targets", []field{
			{"targets", func(n *yaml.Node) { d.eachElement(n, func(n *yaml.Node) { out = append(out, d.decodeTarget(n)) }) }},
		})
	})
	if err != nil {
		return nil, address.RedactError(err, "") // an address may be in the place of a key
	}
	return out, nil
}

func (d *decoder) decodeTarget(n *yaml.Node) TargetEntry {
	t := TargetEntry{Line: n.Line, Labels: map[string]string{}}
	before := len(d.errs)
	d.decodeMapping(n, "a target", []field{
		{"address", func(n *yaml.Node) { t.Address = d.decodeText(n) }},
		{"name", func(n *yaml.Node) { t.Name = d.decodeText(n) }},
		{"schema", func(n *yaml.Node) { t.Schema = d.decodeText(n) }},
		{"schemas", func(n *yaml.Node) { t.Schemas = d.decodeOneOrMore(n) }},
		{"password", func(n *yaml.Node) { t.Password = d.decodeText(n) }},
		{"labels", func(n *yaml.Node) {
			for _, e := range d.uniqueEntries(n, "labels") {
				t.Labels[e.Key.Value] = d.decodeLabel(e.Value)
			}
		}},
	})
	if strings.TrimSpace(t.Address) == "" && len(d.errs) == before {
		d.addError(n, "address is missing: name a database, or the place of its address (env:NAME, file:PATH or cmd:COMMAND)")
	}
	return t
}

// decodeLabel reads the value of a label: canary: true is the same as canary: "true".
func (d *decoder) decodeLabel(n *yaml.Node) string {
	if isScalar(n, "!!bool") {
		return n.Value
	}
	return d.decodeText(n)
}
