package workload

// Schema is the name and number of the stored format. Within one number fields
// are added, and none gets another meaning.
const Schema = "onward.workload/1"

// Workload is what was recorded. Its lists are sorted: the same queries give the
// same text, but for the times.
type Workload struct {
	Schema string `json:"schema"`
	// Revision is the commit whose code was recorded; "" where nobody said, or where
	// parts of several were merged.
	Revision string `json:"revision,omitempty"`
	// Postgres is the major version that it was recorded on; 0 where that is not known.
	Postgres int `json:"postgres,omitempty"`
	// Sources say where it is from, sorted: "record", "pg_stat_statements", "csvlog".
	Sources []string `json:"sources"`
	// Queries are sorted by ID.
	Queries []Query `json:"queries"`
	// Sequences are sorted by their steps.
	Sequences []Sequence `json:"sequences,omitempty"`
	// Notes are sentences on what was not recorded, or not understood.
	Notes []string `json:"notes,omitempty"`
}

// Kind is what a statement does.
type Kind string

// The kinds of statements.
const (
	Select Kind = "select"
	Insert Kind = "insert" // with ON CONFLICT, too
	Update Kind = "update"
	Delete Kind = "delete"
	Merge  Kind = "merge"
	Copy   Kind = "copy"
	Call   Kind = "call"
	DDL    Kind = "ddl"     // changes the schema; TRUNCATE, GRANT
	Other  Kind = "other"   // of the session or its transaction: SET, LISTEN, BEGIN
	Broken Kind = "unknown" // the parser does not take it
)

// Mark says why a query is none of the code's own.
type Mark string

// The marks. Queries without one are code.
const (
	Code          Mark = ""
	Migration     Mark = "migration"     // it changes the schema, or ran between statements that do
	Fixture       Mark = "fixture"       // rows that a suite lays in before its tests, or takes away
	Introspection Mark = "introspection" // it reads the catalogs only
	Session       Mark = "session"       // it is about the session: SET, BEGIN, LISTEN, DEALLOCATE
)

// Query is a distinct query.
type Query struct {
	// ID is the fingerprint: 16 hexadecimal digits of the text, the search path and the role.
	ID string `json:"id"`
	// SQL is the text without comments and superfluous white space, each literal a
	// parameter.
	SQL  string `json:"sql"`
	Kind Kind   `json:"kind"`
	Mark Mark   `json:"mark,omitempty"`
	// Params are the types of $1, $2 …, as Postgres writes them ("integer", "text[]");
	// "unknown" for one that the server is to find out.
	Params []string `json:"params,omitempty"`
	// Columns are those of the result.
	Columns []Column `json:"columns,omitempty"`
	// Uses are the relations that it reads and writes, as Postgres resolved them, sorted
	// by name; Functions and Types are what else of the schema it needs, schema-qualified.
	Uses      []Use    `json:"uses,omitempty"`
	Functions []string `json:"functions,omitempty"`
	Types     []string `json:"types,omitempty"`
	// Resolved says who told what it uses: "server", or "text" where the server could
	// not, or was not asked; "" where nobody could.
	Resolved string `json:"resolved,omitempty"`
	// Postgres is the major version that the query was recorded on, where it is not that of
	// the workload.
	Postgres int `json:"postgres,omitempty"`
	// Disputed: recordings that were put together do not agree on its result or on what
	// it uses.
	Disputed bool `json:"disputed,omitempty"`
	// SearchPath is that of the session; "" is the default one.
	SearchPath string `json:"search_path,omitempty"`
	// Role is who sent it; "" for the owner of a throwaway database.
	Role string `json:"role,omitempty"`
	// Named: it was prepared under a name, so its plan is kept: a change of its result's
	// shape makes it fail.
	Named bool `json:"named,omitempty"`
	// Unread is the server's or the parser's word where nobody understands it.
	Unread string `json:"unread,omitempty"`
	// Calls, Rows and MS are sums: executions, rows returned or touched, milliseconds
	// from the message to the server's answer. MostRows is the largest of one call.
	Calls    int64   `json:"calls"`
	Rows     int64   `json:"rows,omitempty"`
	MostRows int64   `json:"most_rows,omitempty"`
	MS       float64 `json:"ms,omitempty"`
	// Parents is, summed like Rows, how many different values the result's first column
	// had, where two or more tables are joined.
	Parents int64 `json:"parents,omitempty"`
	// Errors are how often the server refused it, by SQLSTATE. Their texts hold values.
	Errors map[string]int64 `json:"errors,omitempty"`
	// Senders are sorted.
	Senders []Sender `json:"senders,omitempty"`
	// Values are examples of what its parameters were, as texts, null for NULL: only in a
	// recording that was asked for values.
	Values [][]*string `json:"values,omitempty"`
}

// Column is one of a result.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Of is the column of a table that it is, "public.users.email"; "" for an expression.
	Of string `json:"of,omitempty"`
}

// Use is a relation that a query works on.
type Use struct {
	// Relation is schema-qualified and unquoted: "public.users".
	Relation string `json:"relation"`
	// Reads and Writes are its columns, sorted. A row that is removed, or locked, is
	// written without columns.
	Reads  []string `json:"reads,omitempty"`
	Writes []string `json:"writes,omitempty"`
	// Star: all columns are read by a *, which takes in new ones.
	Star bool `json:"star,omitempty"`
	// Lock is the mode that the query takes, as pg_locks.mode spells it.
	Lock string `json:"lock,omitempty"`
}

// Sender is who sent a query. Its fields are "" where nobody says.
type Sender struct {
	// Database is the one that it was sent to, without the number that a runner of
	// parallel tests appends.
	Database    string `json:"database,omitempty"`
	Application string `json:"application,omitempty"` // application_name
	// Place is what a comment in the query says of its place in the code: a controller
	// and action, a route, a file and line.
	Place string `json:"place,omitempty"`
	// Test is the name of the test that ran.
	Test  string `json:"test,omitempty"`
	Calls int64  `json:"calls"`
}

// Sequence is an order in which queries were sent: inside one transaction, or by
// one request outside of one.
type Sequence struct {
	// Transaction is "commit" or "rollback" for how it ended; "" where there was none.
	Transaction string `json:"transaction,omitempty"`
	// Steps are the queries in their order, repetitions put together.
	Steps []Step `json:"steps"`
	// Count is how often it was seen.
	Count int64 `json:"count"`
	// MS is the sum of its times, IdleMS that of the times in which the transaction was
	// open and nothing ran; MostIdleMS is the longest of one.
	MS         float64  `json:"ms,omitempty"`
	IdleMS     float64  `json:"idle_ms,omitempty"`
	MostIdleMS float64  `json:"most_idle_ms,omitempty"`
	Senders    []Sender `json:"senders,omitempty"`
}

// Step is a query of a sequence, sent once or several times in a row.
type Step struct {
	// Query is its ID.
	Query string `json:"query"`
	// Times is how often it was sent in a row, the most that was seen; left out for once.
	Times int64 `json:"times,omitempty"`
	// Depends: a value that it was given had come in the result of an earlier step.
	Depends bool `json:"depends,omitempty"`
}

// IsCode reports whether a query is the code's own, and works on the database.
func (q *Query) IsCode() bool {
	return q.Mark == Code && q.Kind != Other && q.Kind != DDL
}
