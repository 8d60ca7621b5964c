package analysis

import "github.com/onward-sql/onward/internal/catalog"

// RowFunction is the function of a trigger that sees rows as NEW and OLD, and
// whose body can be read; nil when there is none, and for a trigger that is off.
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
