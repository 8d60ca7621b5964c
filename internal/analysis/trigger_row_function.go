package analysis

import "github.com/onward-sql/onward/internal/catalog"

// RowFunction returns the function of a trigger that sees rows as NEW and OLD, and whose
// body can be read; nil if there is none or the trigger is disabled.
func RowFunction(c *catalog.Catalog, t *catalog.Trigger) *catalog.Function {
	if !t.Row {
		return nil
	}
	return TriggerFunction(c, t)
}

// TriggerFunction returns the function of an enabled trigger that is no clone; nil if its body cannot be read.
func TriggerFunction(c *catalog.Catalog, t *catalog.Trigger) *catalog.Function {
	if !t.Enabled || t.Parent {
		return nil
	}
	return findTriggerFunction(c, t)
}

func findTriggerFunction(c *catalog.Catalog, t *catalog.Trigger) *catalog.Function {
	for _, fn := range c.Functions(t.Function.Schema, t.Function.Name) {
		if len(fn.Args) == 0 && fn.Language == "plpgsql" && fn.Body != "" {
			return fn
		}
	}
	return nil
}
