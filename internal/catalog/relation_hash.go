package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// HashRelations returns a hash of relations, named as "schema.name": their columns with type and NOT NULL,
// and their constraints with kind, name and validity. A folded schema and a server's schema have the same
// hash: it leaves out defaults and conditions, which a server writes in its own way. A missing relation adds
// nothing to it.
func (c *Catalog) HashRelations(relations []string) string {
	var lines []string
	for _, full := range relations {
		schema, name, _ := strings.Cut(full, ".")
		r := c.Lookup(schema, name)
		if r == nil {
			continue
		}
		var parts []string
		for _, col := range r.Columns {
			parts = append(parts, fmt.Sprintf("column %s %s %t", col.Name, col.Type.FormatFull(), col.NotNull))
		}
		for _, con := range r.Constraints {
			switch con.Kind {
			case Check, ForeignKey, PrimaryKey, Unique, Exclude:
				parts = append(parts, fmt.Sprintf("constraint %d %s %t", con.Kind, con.Name, con.Valid))
			}
		}
		slices.Sort(parts)
		lines = append(lines, full+"|"+strings.Join(parts, "|"))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:16])
}
