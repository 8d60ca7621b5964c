package history

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Runner is how the migration tool runs a migration.
type Runner struct {
	// LockTimeout and StatementTimeout are set by the tool, its connection string or the role:
	// milliseconds, 0 for none.
	LockTimeout, StatementTimeout int
	// LockTimeoutAt is where the repository sets a lock_timeout, probably for the tool's
	// sessions; nil if it need not be searched.
	LockTimeoutAt *Place
	// TimeZone is the session's time zone, "" if unknown.
	TimeZone string
	// Guessed is set if neither a setting nor the files say how the tool sends the statements. The guess
	// is statement by statement, as psql does, or as the project's own program does.
	Guessed bool
	// Otherwise is how the statements are sent if the guess is wrong: with or without a transaction
	// around a file; "" if there is no other possibility.
	Otherwise onward.Transaction
	// Conditional is set if the file is a template with conditions. It is read as if they were
	// true; Otherwise is the form in which they are false.
	Conditional bool
	// Marker is the line of a file in a new directory that hides a part of it, if the directory's tool is what its files look like: nothing
	// deployed proves that. Otherwise is then the whole file.
	Marker string
	// Rerun is set if the tool runs the whole file again after a migration without a transaction
	// failed halfway.
	Rerun bool
	// OwnSession is set if each file has a session of its own.
	OwnSession bool
	// Resumes is set if it continues at the failed statement.
	Resumes bool
	// AfterDeploy is set if the migration says that it runs after the new code has replaced the
	// old code everywhere, and the tool follows that.
	AfterDeploy bool
	// HeldBy is the tool that delays the migration until then, for a sentence.
	HeldBy string
	Tool
}

// Tool has the facts about a migration tool that rules need. Adapters pass it with each
// migration, so that no rule checks for a tool by name. The zero value is psql, or an unknown
// runner.
type Tool struct {
	// Name is its name in a sentence. Unit is the unit that gets one transaction; "" for the file.
	Name, Unit string
	// Apart is the place for statements that cannot run in a transaction: "a file of its own
	// that …". "" if that is not known.
	Apart string
	// OutsideBeside is set if a migration without a transaction runs on a second connection, while the transaction of the others is
	// open, and is recorded in that.
	OutsideBeside bool
	// Ended is the tool's error if a file ended its transaction, after all of the file has run;
	// "" if it does not notice.
	Ended string
	// Begin and End are the lines around a statement with a ';' in it; "" for a tool that needs
	// none.
	Begin, End string
	// KeepsSession is set if all its files run in one session.
	KeepsSession bool
	// WaitsFor is the call in which a second process of the tool waits for the advisory lock that the first one's session
	// holds; "" if there is none, or if it only tries to take the lock.
	WaitsFor string
	// RowTable is how the tool finds the table of its own row, which it writes in a file's transaction, after the file.
	RowTable RowTable
	// Renderer is set if the SQL is rendered from operations; nil if authors write it.
	Renderer *Renderer
}

// RowTable is how a tool finds a table in a transaction whose search_path a migration has set.
type RowTable int

const (
	QualifiedRow   RowTable = iota // by its schema, or on a path of its own; or it writes no row there
	BareRow                        // by its bare name
	FirstSchemaRow                 // in the first schema of the path, if there is one
)

// NonTransactionalFileAdvice says where statements must be that cannot run in a transaction, even if the tool's
// words for it are not known. Lines after the first are SQL comments.
func (t Tool) NonTransactionalFileAdvice() string {
	first, rest, more := strings.Cut(cmp.Or(t.Apart, "a file of its own that runs without a transaction"), "\n")
	if !more {
		return first
	}
	for line := range strings.SplitSeq(rest, "\n") {
		if !strings.HasPrefix(line, "--") {
			line = "-- " + line
		}
		first += "\n" + line
	}
	return first
}

// Renderer is a framework that renders SQL from operations, and maps rows to objects.
type Renderer struct {
	// Write returns the text of a fix for an operation; "" if it is SQL.
	Write func(op script.Operation, way advice.Way) string
	// LeavesKeys is set if its models leave the values of keys to the database.
	LeavesKeys bool
	// Upserts is its only call that produces ON CONFLICT, followed by the columns that the code
	// names: "bulk_create of the deployed code with …".
	Upserts string
}
