package analysis

import "github.com/onward-sql/onward/internal/catalog"

// RowFunction returns the function of a trigger that sees rows as NEW and OLD, and whose
// body can be read; nil if there is none or the trigger is disabled.
func RowFunction(c *catalog.Catalog, t *catalog.Trigger) *catalog.Function {
	if !t.Enabled || !t.Row || t.Parent {
		return nil
	}
	for _, fn := range c.Functions(t.Function.Schema, t.Function.Name) {
		if len(fn.Args) == 0 && fn.Language == "plpgsql" && fn.Body != "" {
			return fn
		}
	}
	return nil
}
