package recipe

// columnRename adds a second column and a trigger that copies each column to the other, until
// nobody uses the old name.
var columnRename = &Recipe{Name: "column-rename", Make: func(c *Change) *Steps {
	if !c.renamesColumn() {
		return nil
	}
	if is := c.columnChange(); is != nil && is.replacement != nil {
		return is.replacement.makeSteps()
	}
	return nil
}}
