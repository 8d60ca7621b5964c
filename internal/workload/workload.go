// Package workload is the recording of what a release's code sends to its
// database: each distinct query once, without its values, with how often it was
// sent, by whom, and in which order inside a transaction.
//
// A Workload is made by the proxy (internal/wire), or from what a server or a
// project has kept (import.go), is stored as JSON (codec.go) and put together from
// parts (merge.go). Nothing of it holds a literal or a parameter's value.
package workload

// Schema is the name and number of the stored format. Under one number, fields may be added,
// but no field changes its meaning.
const Schema = "onward.workload/1"

// Workload is a recording. Its lists are sorted: equal queries give equal files, except for
// the times.
type Workload struct {
	Schema string `json:"schema"`
	// Revision is the commit whose code was recorded; "" if it is unknown, or if recordings
	// of several commits were merged.
	Revision string `json:"revision,omitempty"`
	// Postgres is the major version that it was recorded on; 0 if unknown.
	Postgres int `json:"postgres,omitempty"`
	// Sources are where the recording comes from, sorted: "record", "pg_stat_statements",
	// "csvlog".
	Sources []string `json:"sources"`
	// Queries are sorted by ID.
	Queries []Query `json:"queries"`
	// Sequences are sorted by their steps.
	Sequences []Sequence `json:"sequences,omitempty"`
	// Folds are the families of schemas and databases that count as one.
	Folds []Fold `json:"folds,omitempty"`
	// Transcripts are the files with all messages and their values, if they were asked for; sorted.
	Transcripts []TranscriptFile `json:"transcripts,omitempty"`
	// Notes are sentences about what was not recorded or not understood.
	Notes []string `json:"notes,omitempty"`
}

// TranscriptFile is the file of a transcript, beside the recording.
type TranscriptFile struct {
	// File is its name, without a directory.
	File string `json:"file"`
	// SHA256 is of the file's bytes, in hexadecimal digits.
	SHA256 string `json:"sha256"`
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
	Broken Kind = "unknown" // the parser cannot read it
)

// Mark is the reason why a query is not part of the deployed code.
type Mark string

// The marks. A query without a mark is code.
const (
	Code          Mark = ""
	Migration     Mark = "migration"     // it changes the schema, or ran between statements that do
	Fixture       Mark = "fixture"       // rows that a test suite inserts before its tests, or removes
	Introspection Mark = "introspection" // it reads the catalogs only
	Session       Mark = "session"       // it is about the session: SET, BEGIN, LISTEN, DEALLOCATE
)

// Query is a distinct query.
type Query struct {
	// ID is the fingerprint: 16 hexadecimal digits of the text, the search path and the role.
	ID string `json:"id"`
	// SQL is the text without comments and superfluous white space. Each literal is a
	// parameter.
	SQL  string `json:"sql"`
	Kind Kind   `json:"kind"`
	Mark Mark   `json:"mark,omitempty"`
	// Params are the types of $1, $2 …, as Postgres writes them ("integer", "text[]");
	// "unknown" if the server has to determine the type.
	Params []string `json:"params,omitempty"`
	// Columns are the columns of the result.
	Columns []Column `json:"columns,omitempty"`
	// Uses are the relations that it reads and writes, as Postgres resolved them, sorted by
	// name. Functions and Types are the other objects that it needs, schema-qualified.
	Uses      []Use    `json:"uses,omitempty"`
	Functions []string `json:"functions,omitempty"`
	Types     []string `json:"types,omitempty"`
	// Resolved is the origin of the uses: "server", or "text" if the server could not resolve
	// them or was not asked; "" if neither could.
	Resolved string `json:"resolved,omitempty"`
	// Postgres is the major version that the query was recorded on, if it differs from the
	// workload's.
	Postgres int `json:"postgres,omitempty"`
	// Disputed: merged recordings disagree on its result or its uses.
	Disputed bool `json:"disputed,omitempty"`
	// SearchPath is the session's search path; "" for the default.
	SearchPath string `json:"search_path,omitempty"`
	// Role is the role that sent it; "" for the owner of a throwaway database.
	Role string `json:"role,omitempty"`
	// Named: it was prepared under a name, so its plan is kept. It fails after the shape of
	// its result changes.
	Named bool `json:"named,omitempty"`
	// Folded: its text or search path named a schema that was folded into another one (Workload.Folds).
	Folded bool `json:"folded,omitempty"`
	// Unread is the error of the server or the parser if neither understands the query.
	Unread string `json:"unread,omitempty"`
	// Names are the objects and enum labels that literals of the text named, by parameter.
	Names []Name `json:"names,omitempty"`
	// Calls, Rows and MS are sums: executions, rows returned or touched, milliseconds
	// from the message to the server's answer. MostRows is the largest of one call.
	Calls    int64   `json:"calls"`
	Rows     int64   `json:"rows,omitempty"`
	MostRows int64   `json:"most_rows,omitempty"`
	MS       float64 `json:"ms,omitempty"`
	// Parents is the number of different values in the result's first column, summed like
	// Rows, for queries that join two or more tables.
	Parents int64 `json:"parents,omitempty"`
	// Errors counts by SQLSTATE how often the server refused it. The messages are not kept,
	// because they hold values.
	Errors map[string]int64 `json:"errors,omitempty"`
	// Senders is sorted.
	Senders []Sender `json:"senders,omitempty"`
	// Values are examples of its parameters' values, as texts, null for NULL. A recording has
	// them only if values were requested.
	Values [][]*string `json:"values,omitempty"`
}

// Name is what literals named that one parameter stands for.
type Name struct {
	// Param is the number of the parameter.
	Param int `json:"param"`
	// Type is the parameter's type ("regclass", "mood"); "table" and "column" in a function that takes them as text.
	Type string `json:"type"`
	// Values are names of objects, or labels, that the schema had when the query was recorded; sorted.
	Values []string `json:"values,omitempty"`
	// Partial: there were other literals, which were not stored.
	Partial bool `json:"partial,omitempty"`
}

// Column is a column of a result.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Of is the table's column that it returns, "public.users.email"; "" for an expression.
	Of string `json:"of,omitempty"`
}

// Use is a relation that a query works on.
type Use struct {
	// Relation is schema-qualified and unquoted: "public.users".
	Relation string `json:"relation"`
	// Reads and Writes are its columns, sorted. A deleted or locked row counts as written,
	// without columns.
	Reads  []string `json:"reads,omitempty"`
	Writes []string `json:"writes,omitempty"`
	// Star: a * reads all columns, including columns added later.
	Star bool `json:"star,omitempty"`
	// Lock is the mode that the query takes, as pg_locks.mode spells it.
	Lock string `json:"lock,omitempty"`
}

// Sender is who sent a query. A field is "" if unknown.
type Sender struct {
	// Consumer is the program that the recording is of, as its team named it; "" if nobody did. Several programs may
	// share a database.
	Consumer string `json:"consumer,omitempty"`
	// Database is the database's name, without the number that a parallel test runner
	// appends.
	Database    string `json:"database,omitempty"`
	Application string `json:"application,omitempty"` // application_name
	// Place is the place in the code that a comment in the query names: a controller and
	// action, a route, a file and line.
	Place string `json:"place,omitempty"`
	// Test is the name of the test that ran.
	Test  string `json:"test,omitempty"`
	Calls int64  `json:"calls"`
}

// Sequence is an order in which queries were sent: inside one transaction, or by one request
// outside a transaction.
type Sequence struct {
	// Transaction is "commit" or "rollback", by how it ended; "" if there was none.
	Transaction string `json:"transaction,omitempty"`
	// Steps are the queries in order, with repetitions merged.
	Steps []Step `json:"steps"`
	// Count is how often it was seen.
	Count int64 `json:"count"`
	// MS is the sum of its times. IdleMS is the sum of the times in which the transaction was
	// open but idle; MostIdleMS is the longest such time.
	MS         float64  `json:"ms,omitempty"`
	IdleMS     float64  `json:"idle_ms,omitempty"`
	MostIdleMS float64  `json:"most_idle_ms,omitempty"`
	Senders    []Sender `json:"senders,omitempty"`
}

// Step is a query of a sequence, sent once or several times in a row.
type Step struct {
	// Query is its ID.
	Query string `json:"query"`
	// Times is how often it was sent in a row, the maximum seen; omitted for once.
	Times int64 `json:"times,omitempty"`
	// Depends: one of its values came from the result of an earlier step.
	Depends bool `json:"depends,omitempty"`
	// Trips is how many round trips of earlier steps had to end before it could be sent, the minimum seen; 0 if it does
	// not depend on them, or if the recording is an older one.
	Trips int `json:"trips,omitempty"`
}

// MergeTrips adds what another recording of a step says of the steps that it waits for.
func (s *Step) MergeTrips(other *Step) {
	s.Depends = s.Depends || other.Depends
	if s.Trips == 0 || other.Trips > 0 && other.Trips < s.Trips {
		s.Trips = other.Trips
	}
}

// IsCode reports whether a query was sent by the deployed code and works on data.
func (q *Query) IsCode() bool {
	return q.Mark == Code && q.Kind != Other && q.Kind != DDL
}
