// Package usage tells what deployed code needs of the schema, as facts.
//
// [Read] reads one file of the code, without knowing the schema. It parses the SQL in
// strings and query files, and reads what the file declares to a mapper. It records names
// and positions, but no text. These are the [Facts] of the file, which may be cached. An
// [Index] combines the facts of all files with a schema, and answers questions with
// positions in the code, the best evidence first.
//
// A [Grade] says how a use is known. A word somewhere in the code is no use.
package usage

// Version is the version of Read's results: cached facts of another version are read
// again.
const Version = "31"

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
