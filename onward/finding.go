package onward

import "fmt"

// Severity says what happens, not how much it is disliked. The zero value
// means "off".
type Severity uint8

const (
	// Off: the finding is not reported.
	Off Severity = iota
	// Info: worth knowing, nothing to do.
	Info
	// Warning: it hurts depending on data, code or luck that cannot be seen
	// from here.
	Warning
	// Error: unchanged, it fails, breaks the deployed code, makes traffic wait for a time that grows with the table,
	// or loses data that nobody asked to lose.
	Error
)

var severityNames = [...]string{"off", "info", "warning", "error"}

// String is "off", "info", "warning" or "error".
func (s Severity) String() string { return severityNames[s] }

// MarshalText spells the severity as String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads String's spelling.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, name := range severityNames {
		if name == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q: it is one of error, warning, info, off", text)
}

// Category says who is hurt.
type Category string

// The categories of findings.
const (
	Locking       Category = "locking"       // someone waits
	Compatibility Category = "compatibility" // someone's code breaks
	DataLoss      Category = "data-loss"     // rows or values are gone
	InTransaction Category = "transaction"   // what runs together
	ReleaseOrder  Category = "release"       // order and history of migrations
	Idempotency   Category = "idempotency"   // a second run
	Data          Category = "data"          // changes of rows
	Design        Category = "design"
	Security      Category = "security"
	Queries       Category = "queries"       // how recorded code asks
	Suppression   Category = "suppression"   // the audit's own comments
	Configuration Category = "configuration" // the audit's own settings, and input it could not read
)

// Preset is a named set of rules.
type Preset string

// The presets. Recommended is on unless the configuration says otherwise.
const (
	Recommended Preset = "recommended"
	Strict      Preset = "strict"
	DesignSet   Preset = "design"
	SecuritySet Preset = "security"
)

// Finding is a rule's verdict on one place.
type Finding struct {
	// Rule is the rule's name: "index-create-blocking".
	Rule     string   `json:"rule"`
	Category Category `json:"category"`
	Severity Severity `json:"severity"`
	// Migration is the ID of the migration, "" for a finding on a file that
	// is none.
	Migration string `json:"migration"`
	// Path is relative to the repository's root, with forward slashes.
	Path string `json:"path"`
	// Line and Column count from 1; EndLine and EndColumn are where the place
	// ends (exclusive). Columns count characters.
	Line      int `json:"line"`
	Column    int `json:"column"`
	EndLine   int `json:"end_line"`
	EndColumn int `json:"end_column"`
	// Words are the parts of a statement that the finding is about, in the order of the text: subcommands of an
	// ALTER TABLE. It is empty if the finding is about the whole statement, or if the statement is not written in
	// the file.
	Words []Extent `json:"words,omitempty"`
	// Fact is what the statement does, in lower case and Postgres' words.
	Fact string `json:"fact"`
	// Harm is what the deploy will feel.
	Harm string `json:"harm"`
	// Instead is what to do instead, imperative, with SQL that can be pasted.
	Instead string `json:"instead"`
	// SafeIf is a condition under which the statement is harmless, if that is not known here: "no deployed code uses
	// users.age".
	SafeIf string `json:"safe_if,omitempty"`
	// ProbablySmall says why the table is probably small, so that what grows with its size is a warning and no error; ""
	// if that did not change the severity.
	ProbablySmall string `json:"probably_small,omitempty"`
	// After are the lines of earlier statements of the migration that fail, so that the server does not get to this one: the
	// finding counts once they are fixed.
	After []int `json:"after,omitempty"`
	// Evidence is what the finding rests on beside the statement itself.
	Evidence []Evidence `json:"evidence"`
	// Postgres lists the major versions that the finding holds for, when
	// these are not all the versions of the report.
	Postgres []int `json:"postgres,omitempty"`
	// Fix is an edit that makes the statement safe, if there is one.
	Fix []Edit `json:"fix,omitempty"`
	// Files are whole migrations, for the tool that runs the finding's migration, that do the same safely. They sort
	// after all existing migrations, and replace the migration of the finding. Later describes the part of the fix
	// that none of them has; "" for nothing.
	Files []File `json:"files,omitempty"`
	Later string `json:"later,omitempty"`
	// Fingerprint names the finding by content, not by line: it stays the
	// same when the file is moved or lines are added above.
	Fingerprint string `json:"fingerprint"`
	// Also lists the other places of a problem that has one cause and is reported once.
	Also []Place `json:"also,omitempty"`
}

// Extent is a part of a file. Lines and columns count from 1, columns characters; the end is
// exclusive.
type Extent struct {
	Line      int `json:"line"`
	Column    int `json:"column"`
	EndLine   int `json:"end_line"`
	EndColumn int `json:"end_column"`
}

// File is a file that is not on disk.
type File struct {
	// Path is relative to the repository's root, with forward slashes.
	Path string `json:"path"`
	Text string `json:"text"`
}

// Place is where something was found beside a finding's own place.
type Place struct {
	Migration string `json:"migration"`
	Path      string `json:"path"`
	Line      int    `json:"line"`
	// Fingerprint is what a finding there would have.
	Fingerprint string `json:"fingerprint"`
	// Fact is the fact of a finding there if the place is the finding's own: a statement of another round of the same
	// loop.
	Fact string `json:"fact,omitempty"`
}

// Evidence is a place that shows that a finding is true.
type Evidence struct {
	// Kind is "code" (a line of the deployed code), "model" (a field of the
	// deployed model), "function" (a place in the body of a function of the
	// schema), "statement" (another statement of the release), "schema" or
	// "query".
	Kind string `json:"kind"`
	Path string `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
	// Revision is where the place was read, when that is not the head.
	Revision string `json:"revision,omitempty"`
}

// Edit replaces the bytes [Start, End) of the file by New. The edits of one
// fix do not overlap.
type Edit struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	New   string `json:"new"`
}

// Effect is what running a statement does to other sessions at one relation:
// a table, index, sequence, view or materialised view. A statement has one
// Effect for each relation that it locks, with the strongest mode and the
// heaviest work on it.
type Effect struct {
	// Relation is the schema-qualified name, unquoted: "public.users".
	Relation string `json:"relation"`
	// Lock is the strongest mode held on the relation.
	Lock Lock `json:"lock"`
	// Work is the heaviest work done on the relation under a lock.
	Work Work `json:"work"`
	// Blocks says who has to wait: "read", "write".
	Blocks []string `json:"blocks"`
	// RowLocks: the statement writes rows that were there, and each stays locked against
	// whoever writes the same row until the transaction ends
	// (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS).
	RowLocks bool `json:"row_locks,omitempty"`
	// Emptied: the relation gets new storage without rows, which takes no time that grows:
	// TRUNCATE. Work is Rewrite then.
	Emptied bool `json:"emptied,omitempty"`
	// AtEnd: the statement takes the lock at its end only, for a moment, after its work and its waits
	// (https://www.postgresql.org/docs/current/sql-altertable.html, DETACH PARTITION … CONCURRENTLY).
	AtEnd bool `json:"at_end,omitempty"`
	// New marks a relation that this release created: nobody else uses it yet.
	New bool `json:"new,omitempty"`
	// Rows and Bytes are how big the relation is, with its partitions and
	// without its indexes; left out when that is not known, or nothing.
	Rows  int64 `json:"rows,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	// EstimateMS is for how long the work takes, in milliseconds, at the
	// throughput of [Report.Sizes]; left out when there is no work or no size.
	EstimateMS int64 `json:"estimate_ms,omitempty"`
}

// QueryFinding is a problem of recorded queries themselves: a rule's verdict on queries of a recording. It is
// never an error, and makes no release unsafe.
type QueryFinding struct {
	// Rule names what is wrong: "query-for-each-row".
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Queries are the recording's IDs of those that it is about; SQL is the text of the
	// first, without values.
	Queries []string `json:"queries"`
	SQL     string   `json:"sql"`
	// Sender is who sends it; "" if that is not known.
	Sender string `json:"sender,omitempty"`
	// Test is a test that shows it, the one with the largest size; "" if that is not known.
	Test string `json:"test,omitempty"`
	// Count is how often it was seen, Most the size that it had at most: messages,
	// rows or milliseconds, as Fact says.
	Count int64 `json:"count"`
	Most  int64 `json:"most"`
	// Relation is the table, schema-qualified; "" where the finding is not about one alone.
	Relation string `json:"relation,omitempty"`
	// Fact, Harm and Instead are as in [Finding].
	Fact    string `json:"fact"`
	Harm    string `json:"harm"`
	Instead string `json:"instead"`
	// Accepted: onward.yaml accepts it (accept_queries). Reports for people count it only.
	Accepted bool `json:"accepted,omitempty"`
}

// DeprecatedColumn is a column that is about to go, as a comment on it or onward.yaml says,
// and what a recording says of it.
type DeprecatedColumn struct {
	// Column is "public.users.nickname".
	Column string `json:"column"`
	// Since is when it was deprecated, RemoveAfter the last day on which it may be used, such as 2027-02-01; "" if
	// they are not given. Past: that day is over.
	Since       string `json:"since,omitempty"`
	RemoveAfter string `json:"remove_after,omitempty"`
	Past        bool   `json:"past,omitempty"`
	// RenamedTo is the column that replaces it; "" if it is not given.
	RenamedTo string `json:"renamed_to,omitempty"`
	// TableCalls is how often recorded queries on its table were sent, Queries and Calls are
	// those that use the column. Without TableCalls the recording says nothing of it.
	TableCalls int64 `json:"table_calls"`
	Queries    int   `json:"queries"`
	Calls      int64 `json:"calls"`
	// SQL is the query of these that is sent most, Sender who sends it.
	SQL    string `json:"sql,omitempty"`
	Sender string `json:"sender,omitempty"`
	// Near: its last day is not over, and is at most deprecation_notice_days of onward.yaml away.
	Near bool `json:"near,omitempty"`
	// Consumers are the programs that use it, those with the most calls first.
	Consumers []DeprecatedUse `json:"consumers,omitempty"`
}

// DeprecatedUse is one program's use of a deprecated column.
type DeprecatedUse struct {
	// Consumer is the program's name; "" if the recording does not name it.
	Consumer string `json:"consumer"`
	Queries  int    `json:"queries"`
	Calls    int64  `json:"calls"`
	// SQL is the query that is sent most, Sender who sends it.
	SQL    string `json:"sql"`
	Sender string `json:"sender,omitempty"`
}

// BoundQuery is a statement whose names were looked up in the two schemas of a release, without a server.
type BoundQuery struct {
	SQL  string `json:"sql"`
	Line int    `json:"line"`
	// Base has the result for the deployed schema, and Head for the schema after the release.
	Base Binding `json:"base"`
	Head Binding `json:"head"`
}

// Binding is what one schema says about a statement.
type Binding struct {
	// Refused are the server's messages if it refuses the statement, each with the versions that do.
	Refused []RefusedQuery `json:"refused,omitempty"`
	// Unknown are the relations of which the migrations do not tell everything: their names and columns were not checked.
	Unknown []string `json:"unknown,omitempty"`
	// Note says why the statement was not judged; "" if it was.
	Note string `json:"note,omitempty"`
}

// RefusedQuery is a message of the server.
type RefusedQuery struct {
	Postgres []int  `json:"postgres"`
	Message  string `json:"message"`
}
