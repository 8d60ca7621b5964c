package catalog

// ObjectName is a name as the server makes it for what has none: name1,
// name2 and a label joined by underscores ("t", "a_b", "key" give "t_a_b_key"),
// the longer of both names cut until it fits into 63 bytes.
func ObjectName(name1, name2, label string) string { return objectName(name1, name2, label) }

// EachType calls f for every user-defined type, in no order, until f returns
// false. It costs what there is: for rare statements only.
func (c *Catalog) EachType(f func(*UserType) bool) {
	for _, t := range c.types.all() {
		if !f(t) {
			return
		}
	}
}
