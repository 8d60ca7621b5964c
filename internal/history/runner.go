package history

import (
	"cmp"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Runner is what the migration tool does around a migration.
type Runner struct {
	// LockTimeout and StatementTimeout are what the tool, its connection
	// string or the role sets: milliseconds, 0 for none.
	LockTimeout, StatementTimeout int
	// LockTimeoutAt is where the repository sets a lock_timeout for what seem to
	// be its sessions; nil when it need not be looked for.
	LockTimeoutAt *Place
	// TimeZone of the session, "" when unknown.
	TimeZone string
	// Retries: the tool runs a migration again when it hits a lock timeout.
	Retries bool
	// Guessed: nobody said how the files are sent, and nothing in them tells:
	// statement by statement, as psql does, or as a program seems to.
	Guessed bool
	// Otherwise is how they are sent where the guess is wrong: with a transaction around
	// a file, or without; "" where nothing else can be.
	Otherwise onward.Transaction
	// Conditional: the file is a template with conditions, and is read as it is where they
	// hold; otherwise is where they do not.
	Conditional bool
	// Rerun says what happens to a migration without a transaction that
	// failed halfway: the tool runs the whole file again.
	Rerun bool
	// OwnSession: each file has a session to itself.
	OwnSession bool
	// Resumes: it goes on at the statement that failed.
	Resumes bool
	// AfterDeploy: the migration says that it runs when the new code has taken the
	// old code's place everywhere, and the tool keeps to it.
	AfterDeploy bool
	Tool
}

// Tool is the migration tool as rules ask for it: adapters hand it in with each
// migration, so that no rule knows one by its name. The zero value is psql, or whoever
// sends the files.
type Tool struct {
	// Name is what it is called in a sentence, Unit what it opens a transaction around,
	// "" for the file.
	Name, Unit string
	// Apart is where what cannot run in a transaction has to stand: "a file of
	// its own that …". "" where that is not known.
	Apart string
	// Ended is what it fails with where a file ended its transaction, once all of the file
	// has run; "" where it does not notice.
	Ended string
	// KeepsSession: one session goes through all its files.
	KeepsSession bool
	// Renderer is there where the SQL is rendered from operations; nil where authors
	// write it.
	Renderer *Renderer
}

// OwnFile is where what cannot run in a transaction has to stand, also where the tool's
// words for it are not known.
func (t Tool) OwnFile() string {
	return cmp.Or(t.Apart, "a file of its own that runs without a transaction")
}

// Renderer is a framework that renders SQL from operations, and maps rows to objects.
type Renderer struct {
	// Write is how a way out is written for an operation; "" where it is SQL, too.
	Write func(op script.Operation, way advice.Way) string
	// LeavesKeys: its models leave the values of keys to the database.
	LeavesKeys bool
	// Upserts is the one thing of its that says ON CONFLICT, with the columns that the
	// code names: "bulk_create of the deployed code with …".
	Upserts string
}
