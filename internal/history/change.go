// Package history has the types for a migration tool's view of its migrations: how it runs them
// ([Runner], [Tool]), which files it refuses ([Refusal]), and which existing migrations a release
// edited, deleted or renamed ([Change]).
package history

import "github.com/onward-sql/onward/onward"

// Refusal is a part of a migration that the runner refuses, ignores or misreads: a marker
// in the wrong place, a statement that its splitter cuts in two.
type Refusal struct {
	Line, Column           int
	Message, Harm, Instead string
	// Severity lowers the finding's severity if the file runs all the same; Off keeps it an
	// error.
	Severity onward.Severity
}

// Place is a place in a repository that is searched when a finding first needs it: Find
// returns "deploy/migrate.yaml:14", or "" for none.
type Place struct{ Find func() string }

// String is the place.
func (p *Place) String() string {
	if p == nil {
		return ""
	}
	return p.Find()
}

// Change is one change to the history of migrations between the base and the head: an edited file, a duplicate version.
type Change struct {
	Kind Kind
	// Migration is the ID, Path its current or former path; Line is 1 unless known.
	Migration, Path string
	// Other names the second migration of a duplicate or disorder, or the directory in
	// which a deleted history continues.
	Other string
	Line  int
	// Detail is a sentence on the difference. If the history continues in another
	// directory, it is the last migration that repeats an old one; Repeats is how many do. TakenOver are the settings by which databases take them
	// for applied; "" if nothing says so.
	Detail    string
	Repeats   int
	TakenOver string
	// Cosmetic is set for an edit that changes no SQL; Unlike for an edit of more than
	// comments and white space.
	Cosmetic, Unlike bool
	// Runner is the reaction of the migration tool, as a clause; "" if it depends on more than
	// the change. For the kind Unfilled it is a step's ID.
	Runner string
	// Directory is set if no migration is left in its directory.
	Directory bool
	// Ended is set if its whole module is gone, too.
	Ended bool
	// App is an app without migrations at the head, although the head has other apps.
	App string
	// Usual is set if the base already has such changes, so the tool tolerates them.
	Usual bool
	// Guessed is set if only the names of files identify the tool.
	Guessed bool
	// Instead is the fix in the tool's own words; "" for none.
	Instead string
	// Refusal is set for the kind Refused.
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
	Mapped     Kind = "mapped"     // the models have a column, which is Other, at the head and not at the base
	Uncleared  Kind = "uncleared"  // the base clears a column, which is Other, before it deletes the referenced row; the head omits it
	Unwritten  Kind = "unwritten"  // an INSERT omits a column, which is Other, that the same file's INSERTs at the base name
	Unfilled   Kind = "unfilled"   // a written plan adds a column, which is Other, and the step Runner that fills it has not run
	Filled     Kind = "filled"     // a written plan adds a column, which is Other, and the step that fills it has run
	Unmapped   Kind = "unmapped"   // the models have a column, which is Other, at the base and omit it at the head
)
