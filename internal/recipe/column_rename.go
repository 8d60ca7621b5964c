package recipe

// columnRename adds a second column and a trigger that copies each column to the other, until
// nobody uses the old name.
var columnRename = &Recipe{Name: "column-rename", Make: func(c *Change) *Steps {
	if !c.renamesColumn() {
		return nil
	}
	if colChange := c.findColumnChange(); colChange != nil && colChange.replacement != nil {
		return colChange.replacement.makeSteps()
	}
	return nil
}}
