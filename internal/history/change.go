// Package history is what a migration tool makes of its migrations: what it does around
// each ([Runner], [Tool]), what it refuses in them ([Refusal]), and what became of those
// that the base already has ([Change]).
package history

import "github.com/onward-sql/onward/onward"

// Refusal is something that the runner refuses, ignores or misreads: a marker
// in the wrong place, a statement that its splitter cuts in two.
type Refusal struct {
	Line, Column           int
	Message, Harm, Instead string
	// Severity lowers the finding's where the file runs all the same; Off
	// keeps it an error.
	Severity onward.Severity
}

// Place is a place in a repository that is looked for when a finding first asks
// for it: Find gives "deploy/migrate.yaml:14", or "" for nowhere.
type Place struct{ Find func() string }

// String is the place.
func (p *Place) String() string {
	if p == nil {
		return ""
	}
	return p.Find()
}

// Change is something that happened to the history of migrations.
type Change struct {
	Kind Kind
	// Migration is the ID, Path where it is (or was); Line 1 unless known.
	Migration, Path string
	// Other names the second migration of a duplicate or disorder, or the
	// directory in which a deleted one goes on.
	Other string
	Line  int
	// Detail is a sentence on what differs. Where a directory goes on, it is the
	// last migration that repeats what it had; Repeats is how many do.
	Detail  string
	Repeats int
	// Cosmetic: an edit that changes no SQL; Unlike: of more than comments and white space.
	Cosmetic, Unlike bool
	// Runner is what the migration tool does about it, in a clause; "" where
	// it depends.
	Runner string
	// Directory: no migration is left of its directory.
	Directory bool
	// Ended: nor is anything left of the module that it belonged to.
	Ended bool
	// App is the app of which the head has none, although it has others.
	App string
	// Guessed: the tool follows from the names of files only.
	Guessed bool
	// Instead is the way out in the tool's own words; "" for none.
	Instead string
	// Refusal goes with Refused.
	Refusal *Refusal
}

// Kind is a kind of change to the history.
type Kind string

// The kinds of history changes.
const (
	Edited     Kind = "edited"     // the base has it with other content
	Deleted    Kind = "deleted"    // the base has it, the head does not
	RenamedID  Kind = "renamed"    // same content, another ID
	Duplicate  Kind = "duplicate"  // two migrations of one version
	OutOfOrder Kind = "outoforder" // sorts before one that the base has
	Conflict   Kind = "conflict"   // several leaves of one app
	Refused    Kind = "refused"    // a file that the runner refuses or passes over
	Mapped     Kind = "mapped"     // the models of the head have a column, which is Other, that those of the base do not
	Uncleared  Kind = "uncleared"  // the mapper at the base clears a column, which is Other, where a row that it points at goes; the models of the head leave it out
	Unwritten  Kind = "unwritten"  // an INSERT of the head leaves out a column, which is Other, that those of the same file at the base name
	Unmapped   Kind = "unmapped"   // the models of the head leave out a column, which is Other, that those of the base have
)
