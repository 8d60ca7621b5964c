package catalog

// ObjectName returns the server's name for an object without one. It joins name1,
// name2 and a label by underscores ("t", "a_b", "key" give "t_a_b_key"), and
// shortens the longer of both names until the whole fits into 63 bytes.
func ObjectName(name1, name2, label string) string { return objectName(name1, name2, label) }

// EachType calls f for every user-defined type, in no order, until f returns
// false. It visits all types, so only rare statements call it.
func (c *Catalog) EachType(f func(*UserType) bool) {
	for _, t := range c.types.all() {
		if !f(t) {
			return
		}
	}
}
