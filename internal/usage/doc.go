// Package usage tells what deployed code needs of the schema, as facts.
//
// [Read] reads one file of the code, whatever schema it works on: the SQL in its
// strings and query files is parsed, what it tells a mapper is read, and of both the
// names and places are noted, and no text. These are the [Facts] of the file, which
// may be kept. An [Index] puts the facts of all files and a schema together, and
// answers questions with places, best first.
//
// A [Grade] says how a use is known. A word that stands somewhere is none.
package usage

// Version is that of what Read gives: kept facts of another one are read anew.
const Version = "21"

// Grade is how a use is known.
type Grade uint8

// The grades, from nothing to sure.
const (
	// Unused: nothing says so.
	Unused Grade = iota
	// Named: an exact identifier in code that works on the relation.
	Named
	// Parsed: SQL that was parsed and bound to the schema, or what code tells its mapper.
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
	Maps  // a mapper is told of it
	Names // a string, or an identifier
)
