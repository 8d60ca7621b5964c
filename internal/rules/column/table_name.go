package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
)

// tableName returns the name of a changed table when the statement runs. Another statement of the transaction may
// rename it before or after.
func tableName(d *rule.Delta) catalog.Name {
	if d.By != nil && d.By.Before != nil {
		if r := d.By.Before.Relation(d.OID); r != nil {
			return r.Name
		}
	}
	return d.Before.Name
}
