package onward

// Code says whose queries are meant.
type Code string

// The two that share the database during a deploy.
const (
	OldCode Code = "old" // the deployed code
	NewCode Code = "new" // the code that comes with the release
)

// FurtherPrefix begins the [Code] of a further version that runs during the release; its name follows: "also:v1.3".
const FurtherPrefix = "also:"

// VerdictKind is how a recorded query breaks.
type VerdictKind string

// The kinds of verdicts.
const (
	VerdictFails       VerdictKind = "fails"            // the server refuses to prepare or to plan it
	VerdictResultShape VerdictKind = "result-shape"     // it gives other columns than before
	VerdictRequired    VerdictKind = "required-column"  // it leaves out a column that has to have a value
	VerdictConflict    VerdictKind = "conflict-target"  // its ON CONFLICT has no unique index any more
	VerdictRejected    VerdictKind = "may-be-rejected"  // a new constraint may refuse what it writes
	VerdictUnreadable  VerdictKind = "unreadable-value" // it may return a value that the code does not know
	VerdictPermission  VerdictKind = "permission"       // its role may not do it any more
	VerdictLostIndex   VerdictKind = "lost-index"       // it reads a big table whole that it read through an index
	VerdictHiddenRows  VerdictKind = "hidden-rows"      // row-level security may hide rows from its role
	VerdictOtherResult VerdictKind = "other-result"     // executed with its values, it has another result
)

// Verdict says how a recorded query breaks, and from where on.
type Verdict struct {
	// Query is its text, without values, and ID its fingerprint in the recording.
	Query string `json:"query"`
	ID    string `json:"id"`
	Code  Code   `json:"code"`
	// Calls is how often it was recorded; Sender who sends it, the most frequent first.
	Calls  int64  `json:"calls"`
	Sender string `json:"sender"`
	// Consumers are the programs that send it, if the recordings name them.
	Consumers []string `json:"consumers,omitempty"`
	// After is the statement with whose commit it begins; without a migration for
	// what does not work at the base. Point is the index in [Verification.Points].
	After VerdictPlace `json:"after"`
	Point int          `json:"point"`
	// Until is the statement with whose commit it ends, and UntilPoint that point; nil
	// and 0 when it lasts to the end of the release.
	Until      *VerdictPlace `json:"until,omitempty"`
	UntilPoint int           `json:"until_point,omitempty"`
	Kind       VerdictKind   `json:"kind"`
	// Severity is Error if the query surely breaks, Warning if that depends on values or on the code that reads its
	// result.
	Severity Severity `json:"severity"`
	// SQLState is the server's error; "" where the server refuses nothing.
	SQLState string `json:"sqlstate,omitempty"`
	// Message has the server's words.
	Message string `json:"message"`
	// Test is the test that sent a replayed query; "" if it is unknown.
	Test string `json:"test,omitempty"`
	// Replayed: the query was executed with its recorded values. Otherwise it was prepared and planned.
	Replayed bool `json:"replayed,omitempty"`
	// MadeValues: the query was recorded without values, and executed with made ones.
	MadeValues bool `json:"made_values,omitempty"`
	// Values are those that a replayed query was sent with, as literals, in the order of its parameters. Recorded values are listed on request only,
	// made ones always.
	Values []string `json:"values,omitempty"`
}

// VerdictPlace is a statement of the release.
type VerdictPlace struct {
	Migration string `json:"migration"`
	Path      string `json:"path"`
	Line      int    `json:"line"`
}

// Verification is what recorded queries did at every commit point of the release.
type Verification struct {
	// Version is the server's: "17.5".
	Version string `json:"version"`
	// Points are the commit points, the base first.
	Points []VerifiedPoint `json:"points"`
	// Old and New count the two codes' queries; New is nil when no recording of
	// the new code was given.
	Old *Verified `json:"old,omitempty"`
	New *Verified `json:"new,omitempty"`
	// Also are the further versions of the code that run during the release.
	Also []VerifiedVersion `json:"also,omitempty"`
	// Phases say for each migration on which side of the code's deploy it belongs.
	Phases []Phase `json:"phases"`
	// Order is a sentence: in which order release and code can be deployed. Works is false if no order works.
	Order string `json:"order"`
	Works bool   `json:"works"`
	// Stopped says where the release ended before its end; nil: it did not.
	Stopped *Stopped `json:"stopped,omitempty"`
	// Asks are the problems of the recorded queries themselves, the worst first.
	Asks []QueryFinding `json:"asks,omitempty"`
	// Deprecated are the columns that are about to go, by name.
	Deprecated []DeprecatedColumn `json:"deprecated,omitempty"`
	// Roles are who the queries were asked as, the owner first.
	Roles []VerifiedRole `json:"roles,omitempty"`
	// Consumers are the programs that the recordings name, by name: what breaks for each.
	Consumers []VerifiedConsumer `json:"consumers,omitempty"`
	// NotJudged are the queries on which the evidence does not suffice for a verdict.
	NotJudged []NotJudged `json:"not_judged,omitempty"`
	// Replay is what was executed with recorded values; nil if nothing was.
	Replay *Replay `json:"replay,omitempty"`
	// MadeValues is what was executed with made values; nil if nothing was.
	MadeValues *MadeValues `json:"made_values,omitempty"`
	// Notes say what was not looked at, or otherwise than was asked.
	Notes []string `json:"notes,omitempty"`
	// DurationMS is for how long it took, in milliseconds.
	DurationMS float64 `json:"duration_ms"`
}

// Replay counts what was executed with the values that were recorded.
type Replay struct {
	// Sessions and Statements count what the transcripts have; Points counts the replays on the schema of a commit point.
	Sessions   int `json:"sessions"`
	Statements int `json:"statements"`
	Points     int `json:"points"`
	// Unlike counts the statements that the server answers otherwise on the deployed schema than when they were recorded. They prove nothing.
	Unlike int `json:"unlike,omitempty"`
	// Fixtures counts the different rows of tests on which the whole release ran.
	Fixtures int `json:"fixtures,omitempty"`
}

// MadeValues counts the queries that were recorded without values, and executed with made ones. They show what a release surely breaks. They do not
// show that the code's own values are accepted.
type MadeValues struct {
	// Queries were executed, Rowless of them without a row that they read or change. Executions counts their lists of values.
	Queries    int `json:"queries"`
	Rowless    int `json:"rowless,omitempty"`
	Executions int `json:"executions"`
	// Points counts the commit points at which they were executed.
	Points int `json:"points"`
	// Left are the queries that were not executed, by reason.
	Left []LeftOut `json:"left,omitempty"`
}

// CountLeft returns how many queries were not executed.
func (m *MadeValues) CountLeft() (n int) {
	for _, l := range m.Left {
		n += l.Queries
	}
	return n
}

// VerifiedConsumer counts the queries of one program among several that share the database.
type VerifiedConsumer struct {
	Consumer string `json:"consumer"`
	Code     Code   `json:"code"`
	Queries  int    `json:"queries"`
	// Broken are the queries that surely break, Warned those that may, NotJudged those without a verdict.
	Broken    int `json:"broken"`
	Warned    int `json:"warned"`
	NotJudged int `json:"not_judged"`
}

// VerifiedRole is a role as which queries were asked.
type VerifiedRole struct {
	// Role is "" for the owner of the schema.
	Role    string `json:"role"`
	Queries int    `json:"queries"`
}

// NotJudged is a query that is neither proven untouched nor checked.
type NotJudged struct {
	Query  string `json:"query"`
	ID     string `json:"id"`
	Code   Code   `json:"code"`
	Calls  int64  `json:"calls"`
	Sender string `json:"sender"`
	// Reason says what is not known.
	Reason string `json:"reason"`
}

// VerifiedPoint is a moment of the release at which other sessions see a new state of
// the schema: a row of the matrix.
type VerifiedPoint struct {
	// After is the statement that was committed; without a migration: the base.
	After VerdictPlace `json:"after"`
	// Statements are the indices of what was committed in the migration, whose index
	// is Migration; none at the base.
	Migration  int   `json:"migration"`
	Statements []int `json:"statements,omitempty"`
	// Window: old code and new code both run now, when the migrations run before
	// the code is deployed.
	Window bool `json:"window,omitempty"`
	Old    Cell `json:"old"`
	New    Cell `json:"new"`
	// Also has a cell for each of [Verification.Also].
	Also []Cell `json:"also,omitempty"`
	// Asked is how many queries the server was asked about again.
	Asked int `json:"asked"`
}

// Cell is the result of one code at a point.
type Cell struct {
	// Verdicts are indices in [Report.Verdicts].
	Verdicts []int `json:"verdicts,omitempty"`
	// Errors and Warnings count the queries.
	Errors   int `json:"errors,omitempty"`
	Warnings int `json:"warnings,omitempty"`
}

// VerifiedVersion is a further version of the code, which runs during the release: the release before the deployed one, a canary. A
// query of it that works at the base must work at each point.
type VerifiedVersion struct {
	// Name is its revision, or the name of its recording.
	Name string `json:"name"`
	Verified
}

// Verified counts the queries of one code.
type Verified struct {
	Queries int   `json:"queries"`
	Calls   int64 `json:"calls"`
	// Checked were asked about again at a point or more, Untouched use nothing that
	// changed. Unfit do not fit the schema that they should be right for.
	Checked   int `json:"checked"`
	Untouched int `json:"untouched"`
	Unfit     int `json:"unfit"`
	// Unjudged are in [Verification.NotJudged].
	Unjudged int `json:"unjudged,omitempty"`
	// Unplanned are prepared only: the server plans no such statement.
	Unplanned int `json:"unplanned,omitempty"`
	// Passed is what of the recording is no code: migrations, fixtures, sessions.
	Passed int `json:"passed,omitempty"`
	// Broken and Warned are queries with a verdict.
	Broken int `json:"broken"`
	Warned int `json:"warned"`
	// Parsed describes the source of queries that were read from the code itself; nil: they were recorded. For
	// parsed queries, Calls is 0: it is not known how often they are sent.
	Parsed *Parsed `json:"parsed,omitempty"`
}

// Parsed says how much of a code its queries cover that were read from it.
type Parsed struct {
	// Revision is the code, for people: "main".
	Revision string `json:"revision"`
	// Files is how many were read.
	Files int `json:"files"`
	// Texts counts the queries that are written in the code as SQL, Implied those that follow from Models models of
	// its mappers.
	Texts   int `json:"texts"`
	Implied int `json:"implied"`
	Models  int `json:"models"`
	// Open are statements that the program puts together as it runs; Built places that build
	// queries by calls of a mapper or a query builder; Bare models that do not say their columns. No query is made of them.
	Open  int `json:"open"`
	Built int `json:"built"`
	Bare  int `json:"bare"`
	// BuiltIn are the files of Built, those with the most places first.
	BuiltIn []BuiltFile `json:"built_in,omitempty"`
}

// BuiltQueries counts the places of a code that build queries by calls of a mapper or a query builder. Onward cannot
// read these queries: it finds only the names of tables and columns in the code.
type BuiltQueries struct {
	// Revision is the code, for people: "main".
	Revision string `json:"revision"`
	Places   int    `json:"places"`
	// Files are those with the most places first.
	Files []BuiltFile `json:"files"`
}

// BuiltFile is a file of the code that builds queries by calls, at so many places. They were not read.
type BuiltFile struct {
	Path   string `json:"path"`
	Places int    `json:"places"`
}

// Belongs says on which side of the code's deploy a migration belongs.
type Belongs string

// The sides.
const (
	BelongsBefore  Belongs = "before"  // the new code needs it
	BelongsAfter   Belongs = "after"   // the deployed code fails with it
	BelongsEither  Belongs = "either"  // neither
	BelongsNowhere Belongs = "nowhere" // both: no order works
)

// Phase says where a migration belongs.
type Phase struct {
	Migration int     `json:"migration"` // index in [Report.Migrations]
	Belongs   Belongs `json:"belongs"`
	// OldFails and NewNeeds count the queries that say so.
	OldFails int `json:"old_fails,omitempty"`
	NewNeeds int `json:"new_needs,omitempty"`
	// AlsoFails counts the queries of further versions that fail with it. They do not change Belongs: no process of these versions may be
	// left when the migration runs.
	AlsoFails int `json:"also_fails,omitempty"`
	// Advice is what to do, in a sentence.
	Advice string `json:"advice"`
}

// Stopped is where a release ended before its end.
type Stopped struct {
	After   VerdictPlace `json:"after"`
	Message string       `json:"message"`
}

// Waiting is which recorded queries a statement's locks make wait.
type Waiting struct {
	Relations []string `json:"relations"`
	Queries   int      `json:"queries"`
	Calls     int64    `json:"calls"`
	// Share is Calls as a part of the calls of the whole recording, 0 to 1.
	Share float64 `json:"share"`
	// Examples are queries and who sends them, the most frequent first.
	Examples []WaitingQuery `json:"examples"`
}

// WaitingQuery is one of them.
type WaitingQuery struct {
	ID     string `json:"id"`
	Query  string `json:"query"`
	Sender string `json:"sender,omitempty"`
	Calls  int64  `json:"calls"`
}
