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

// HowSet is a set of what code does.
type HowSet uint16

// NewHowSet returns a set.
func NewHowSet(list ...How) (s HowSet) {
	for _, h := range list {
		s |= 1 << h
	}
	return s
}

// Has reports whether a set has an element.
func (s HowSet) Has(h How) bool { return s&(1<<h) != 0 }

// IsWithin reports whether a set has elements, all of which are in another set.
func (s HowSet) IsWithin(other HowSet) bool { return s != 0 && s&^other == 0 }

// What inserts no rows into the table, and what reads none of it. A declaration for a mapper, or a name in a text, may do anything.
var (
	InsertsNothing = NewHowSet(Reads, Updates, Deletes, Exports, Truncates, Locks)
	ReadsNothing   = NewHowSet(Deletes, Truncates, Inserts, Copies, Locks)
)
