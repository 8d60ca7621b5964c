package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// isReplacedEmpty reports whether a column was dropped and added again, so that nothing else
// about the new one matters: column-drop has it.
func isReplacedEmpty(p *rule.Pass, t *rule.Tx, d *rule.Delta) bool {
	if !d.IsColumnReplaced() {
		return false
	}
	columnDrop := t.FindChange(catalog.ColumnDropped, func(o *rule.Delta) bool { return o.OID == d.OID && o.Old.Attnum == d.Old.Attnum })
	return columnDrop != nil && !p.KeepsValues(t, columnDrop)
}

// isUnrelatedReplacement reports whether a column has nothing in common with the one whose name it
// has taken: column-drop or column-type-incompatible has it.
func isUnrelatedReplacement(p *rule.Pass, t *rule.Tx, d *rule.Delta) bool {
	if !d.IsColumnReplaced() {
		return false
	}
	severity, _ := judgeTypeChange(t.After, baseType(t.Before, d.Old.Type), baseType(t.After, d.New.Type))
	return severity >= onward.Warning || isReplacedEmpty(p, t, d)
}
