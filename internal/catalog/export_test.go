package catalog

import "fmt"

// Astray lists the names that lead to no relation, or to one of another name.
func (c *Catalog) Astray() []string {
	var out []string
	for name, oid := range c.names.all() {
		if r := c.Relation(oid); r == nil || r.Name != name {
			out = append(out, fmt.Sprintf("%s leads to relation %d, %v", name, oid, r))
		}
	}
	return out
}
