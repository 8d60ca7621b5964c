package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

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
	err = decodeBounded(data, &decoder{path: name}, maxTargetsSize, func(d *decoder, n ast.Node) {
		d.decodeMapping(n, "a file of targets", []field{
			{"targets", func(n ast.Node) { d.eachElement(n, func(n ast.Node) { out = append(out, d.decodeTarget(n)) }) }},
		})
	})
	if err != nil {
		return nil, address.RedactError(err, "") // an address may be in the place of a key
	}
	return out, nil
}

func (d *decoder) decodeTarget(n ast.Node) TargetEntry {
	t := TargetEntry{Labels: map[string]string{}}
	if at := n.GetToken(); at != nil && at.Position != nil {
		t.Line = at.Position.Line
	}
	before := len(d.errs)
	d.decodeMapping(n, "a target", []field{
		{"address", func(n ast.Node) { t.Address = d.decodeText(n) }},
		{"name", func(n ast.Node) { t.Name = d.decodeText(n) }},
		{"schema", func(n ast.Node) { t.Schema = d.decodeText(n) }},
		{"schemas", func(n ast.Node) { t.Schemas = d.oneOrMore(n) }},
		{"password", func(n ast.Node) { t.Password = d.decodeText(n) }},
		{"labels", func(n ast.Node) {
			for _, e := range d.uniqueEntries(n, "labels") {
				t.Labels[e.Key.GetToken().Value] = d.decodeLabel(e.Value)
			}
		}},
	})
	if strings.TrimSpace(t.Address) == "" && len(d.errs) == before {
		d.addError(n, "address is missing: name a database, or the place of its address (env:NAME, file:PATH or cmd:COMMAND)")
	}
	return t
}

// decodeLabel reads the value of a label: canary: true is the same as canary: "true".
func (d *decoder) decodeLabel(n ast.Node) string {
	if b, ok := n.(*ast.BoolNode); ok {
		return b.GetToken().Value
	}
	return d.decodeText(n)
}
