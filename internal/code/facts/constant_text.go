package facts

// A mapper's call may get the name of its table from a constant of this or another file: knex(USERS).

// ConstantText is a constant of a file whose text may be the name of a relation.
type ConstantText struct {
	Name, Text string
	// Alias is the constant that it gets its text from; "" if it has the text itself.
	Alias string
}
