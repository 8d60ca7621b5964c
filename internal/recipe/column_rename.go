package recipe

// columnRename gives the table a second column, and a trigger that fills each from the other,
// until nobody uses the old name.
var columnRename = &Recipe{Name: "column-rename", Make: func(c *Change) *Made {
	if !c.renames() {
		return nil
	}
	if is := c.course(); is != nil && is.twin != nil {
		return is.twin.made()
	}
	return nil
}}
