package facts

// Grade says how a use is known.
type Grade uint8

// The grades, from nothing to sure.
const (
	// Unused: there is no evidence of a use.
	Unused Grade = iota
	// Named: an exact identifier in code that works on the relation.
	Named
	// Parsed: SQL that was parsed and bound to the schema, or a declaration for a mapper.
	Parsed
	// Observed: a server saw the query.
	Observed
)

// How is what code does with a relation or a column.
type How uint8

// What code does.
const (
	Reads How = iota
	Inserts
	Updates
	Deletes
	Copies  // COPY … FROM
	Exports // COPY … TO
	Truncates
	Locks
	Maps  // a declaration for a mapper
	Names // a string, or an identifier
)
