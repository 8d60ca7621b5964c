package onward

// Transaction says how a runner sends a migration to the server.
type Transaction string

const (
	// TransactionFile: the runner opens a transaction, sends the migration
	// and commits.
	TransactionFile Transaction = "file"
	// TransactionMessage: the runner sends the whole file as one simple-query
	// message, which Postgres runs as one implicit transaction
	// (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT).
	TransactionMessage Transaction = "message"
	// TransactionPipeline: the runner sends the statements of a file in one pipeline of the extended protocol, which
	// is one implicit transaction, too. A command that refuses transactions may be first: it commits by itself
	// (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING).
	TransactionPipeline Transaction = "pipeline"
	// TransactionNone: each statement is sent, and commits, by itself.
	TransactionNone Transaction = "none"
)

// Status says how a migration differs between base and head.
type Status string

// The states of a migration within a release.
const (
	StatusNew      Status = "new"
	StatusModified Status = "modified"
	StatusRenamed  Status = "renamed"
	StatusDeleted  Status = "deleted"
	// StatusReplaced: a plan is under way on the database, and makes its changes.
	StatusReplaced Status = "replaced"
)

// Migration is one step of a release as its framework names it.
type Migration struct {
	// ID is the framework's name of the migration: "00042_display_name",
	// "shop.0007_nickname".
	ID string `json:"id"`
	// Path is relative to the repository's root, with forward slashes.
	Path      string `json:"path"`
	Framework string `json:"framework"`
	// Tool is the runner: "Flyway", "src/migrate.ts"; "" if it is not known.
	Tool        string      `json:"tool,omitempty"`
	Status      Status      `json:"status,omitempty"`
	Transaction Transaction `json:"transaction"`
	// Changes says in words what the schema looks like afterwards.
	Changes    []Change    `json:"changes"`
	Statements []Statement `json:"statements"`
	// Verdict is "ok", or the worst severity of the migration's findings.
	Verdict string `json:"verdict"`
}

// Statement is one SQL statement of a migration, in the order of execution.
type Statement struct {
	SQL string `json:"sql"`
	// Line and Column are the start of the statement in the migration's file, from 1; the column counts characters.
	// SQL that a framework rendered has the position of its operation.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Start is the byte of the file at which it begins, as [Edit] counts; -1 for SQL that is not
	// written there.
	Start int `json:"start"`
	// Transaction numbers the transactions of a migration from 1: statements
	// with the same number commit together. 0: the statement commits alone.
	Transaction int `json:"transaction"`
	// Effects has one entry for each locked relation.
	Effects []Effect `json:"effects"`
	// Duration is "instant", "grows" (with the table) or "waits" (for other
	// transactions, holding no lock that blocks them).
	Duration string `json:"duration,omitempty"`
	// Note says why the statement could not be judged, when it could not.
	Note string `json:"note,omitempty"`
	// Observed is what the first of [Report.Rehearsals] observed. StallMS is for how long its traffic waited.
	Observed []Observed `json:"observed,omitempty"`
	StallMS  float64    `json:"stall_ms,omitempty"`
	// Waiting are the recorded queries that its locks block; nil if that was not checked, or there are none.
	Waiting *Waiting `json:"waiting,omitempty"`
}

// Change is one sentence of the changelog.
type Change struct {
	// Object is what changed: "users", "type mood".
	Object string `json:"object"`
	// Text says how: "adds column nickname text, nullable".
	Text string `json:"text"`
	// Kind is "add", "change" or "drop".
	Kind string `json:"kind"`
	// New marks an object that this release created.
	New bool `json:"new,omitempty"`
}

// Runner is who runs the migrations of a directory, and how that is known.
type Runner struct {
	// Dir is relative to the repository's root; "" for the root.
	Dir       string `json:"dir"`
	Framework string `json:"framework"`
	// Locations are the directories in Dir that the tool merges into one history; omitted if it reads Dir itself.
	Locations []string `json:"locations,omitempty"`
	// Database numbers the databases, from 1, if the directories of the repository belong to several; directories of one number share it.
	Database int `json:"database,omitempty"`
	// Tool is the runner: "Flyway", "src/migrate.ts"; "" if it is not known.
	Tool string `json:"tool,omitempty"`
	// ToldBy is the evidence for Tool: a file, or the names of the files; "" for none.
	ToldBy string `json:"told_by,omitempty"`
	// Transaction is how a file is sent that says nothing else; "" where each
	// migration says it.
	Transaction Transaction `json:"transaction,omitempty"`
	// Assumed: Transaction is a guess.
	Assumed bool `json:"assumed,omitempty"`
	// Overrides is an ignored setting for how files are sent, such as "--transaction": the
	// files of the framework say it themselves.
	Overrides string `json:"overrides,omitempty"`
	// Proof is what a deployed migration runs that the server refuses in a transaction;
	// nil where Transaction does not follow from one.
	Proof *Proof `json:"proof,omitempty"`
}

// Proof is a statement of a deployed migration.
type Proof struct {
	Command string `json:"command"`
	Path    string `json:"path"`
	Line    int    `json:"line"`
}
