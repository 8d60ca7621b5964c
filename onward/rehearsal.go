package onward

// Rehearsal is one run of a release on a throwaway server: what was locked,
// by which statement, for how long, and who waited. All times are milliseconds
// from the moment at which the first statement was sent: one axis for the
// statements, the locks and the traffic.
type Rehearsal struct {
	// Postgres is the major version, Version the whole one: "17.11".
	Postgres int    `json:"postgres"`
	Version  string `json:"version"`
	// Chosen is the reason for this version if the user named none.
	Chosen string `json:"chosen,omitempty"`
	// Superuser: the migrations ran as a superuser, because that was asked for.
	Superuser bool `json:"superuser,omitempty"`
	// Seed is what the rows were generated from.
	Seed uint64        `json:"seed"`
	Base RehearsalBase `json:"base"`
	// Tables are the relations that had rows when the release began.
	Tables []RehearsedTable `json:"tables"`
	// Transactions and Statements are in the order in which they ran.
	Transactions []RehearsedTransaction `json:"transactions"`
	Statements   []RehearsedStatement   `json:"statements"`
	// Traffic is nil when there was none.
	Traffic *Traffic `json:"traffic,omitempty"`
	// Differences are places where the model said something else than the
	// server did: faults of onward.
	Differences []Difference `json:"differences"`
	// Notes are sentences about the rehearsal itself: what was not rehearsed,
	// which extension was missing, which role was made.
	Notes []string `json:"notes"`
	// DurationMS is how long the release ran; ServerMS how long the server took
	// to be ready.
	DurationMS float64 `json:"duration_ms"`
	ServerMS   float64 `json:"server_ms"`
}

// RehearsalBase says how the schema of the deployed release came to be.
type RehearsalBase struct {
	// From is "migrations", "schema" (a file) or "dump" (a file with rows).
	From string `json:"from"`
	// Migrations is how many were run.
	Migrations int `json:"migrations"`
	// Cached: an earlier rehearsal had made it.
	Cached     bool    `json:"cached"`
	DurationMS float64 `json:"duration_ms"`
}

// RehearsedTable is a relation with rows.
type RehearsedTable struct {
	Relation string `json:"relation"`
	Rows     int64  `json:"rows"`
	Bytes    int64  `json:"bytes"`
}

// RehearsedTransaction is the time from the first statement of a transaction to
// its end, which is as long as its locks are held.
type RehearsedTransaction struct {
	// Migration is the index in [Report.Migrations].
	Migration  int     `json:"migration"`
	FromMS     float64 `json:"from_ms"`
	UntilMS    float64 `json:"until_ms"`
	RolledBack bool    `json:"rolled_back,omitempty"`
}

// RehearsedStatement is a statement as it ran.
type RehearsedStatement struct {
	// Migration is the index in [Report.Migrations], Statement the index in its
	// Statements.
	Migration int     `json:"migration"`
	Statement int     `json:"statement"`
	FromMS    float64 `json:"from_ms"`
	UntilMS   float64 `json:"until_ms"`
	// WaitedMS is how long the statement itself waited for locks.
	WaitedMS float64 `json:"waited_ms,omitempty"`
	// Rows is what the server says it touched.
	Rows int64 `json:"rows,omitempty"`
	// WALBytes is the WAL that the server wrote meanwhile, including the WAL of the traffic.
	WALBytes int64      `json:"wal_bytes,omitempty"`
	Observed []Observed `json:"observed"`
	// Nested are the statements that it ran by way of functions, DO blocks,
	// triggers and dynamic SQL, in order.
	Nested []NestedStatement `json:"nested,omitempty"`
	// Failed is the server's refusal; nil when it went through.
	Failed *ServerError `json:"failed,omitempty"`
	// StallMS is the longest time for which a query of the traffic waited because of the statement. Waited is the
	// number of such queries.
	StallMS float64 `json:"stall_ms,omitempty"`
	Waited  int     `json:"waited,omitempty"`
	// Estimate is how long the statement would take in production; nil when
	// nothing is known of its size, or the statement does nothing that grows.
	Estimate *Estimate `json:"estimate,omitempty"`
}

// Observed is what a statement was seen to do to one relation. A relation that
// the transaction had locked before is listed when the statement took a
// stronger lock on it or did work on it.
type Observed struct {
	Relation string   `json:"relation"`
	Lock     Lock     `json:"lock"`
	Work     Work     `json:"work"`
	Blocks   []string `json:"blocks"`
	// New marks a relation that the release created.
	New bool `json:"new,omitempty"`
	// HeldMS is how long the lock was held, to the end of the transaction;
	// WaitedMS how long it was waited for before.
	HeldMS   float64 `json:"held_ms"`
	WaitedMS float64 `json:"waited_ms"`
	// FromMS is when the lock was asked for, UntilMS when it was released.
	FromMS  float64 `json:"from_ms"`
	UntilMS float64 `json:"until_ms"`
	// HeldSince is the index in Rehearsal.Statements of an earlier statement whose lock on the
	// relation is at least as strong. Lock is then the mode that this statement added, or "",
	// and Blocks is empty, because nobody waits for the added mode.
	HeldSince *int `json:"held_since,omitempty"`
}

// NestedStatement is a statement that another one ran.
type NestedStatement struct {
	SQL        string  `json:"sql"`
	DurationMS float64 `json:"duration_ms,omitempty"`
}

// ServerError is an error of the server, in its own words.
type ServerError struct {
	// Code is the SQLSTATE: "42P07".
	Code    string `json:"code"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// Estimate is how long a statement would take at the size that a table has in
// production, from the throughput of the rehearsal.
type Estimate struct {
	Relation string  `json:"relation"`
	Rows     int64   `json:"rows"`
	LowMS    float64 `json:"low_ms"`
	HighMS   float64 `json:"high_ms"`
}

// Traffic is the load that ran beside the release, and how it fared.
type Traffic struct {
	// Source is "schema": made up from the tables; or "workload": recorded. Where a table
	// of the release is in no recorded query, Recorded names it, and its part is made up.
	Source string `json:"source"`
	// Recorded is how the recordings were used; nil if there was none.
	Recorded *RecordedTraffic `json:"recorded,omitempty"`
	// Waiters are the senders of recorded queries that waited for a lock, the longest wait first.
	Waiters []Waiter `json:"waiters,omitempty"`
	// Queries counts the queries that ended; Waited those that waited for a lock; Failed those that the server
	// refused.
	Queries int     `json:"queries"`
	Waited  int     `json:"waited"`
	Failed  int     `json:"failed"`
	WorstMS float64 `json:"worst_ms"`
	// UsualMS is the median latency.
	UsualMS float64 `json:"usual_ms"`
	// SlotMS is the width of a slot of Slots, which begin at 0.
	SlotMS   float64          `json:"slot_ms"`
	Slots    []TrafficSlot    `json:"slots"`
	Stalls   []Stall          `json:"stalls"`
	Failures []TrafficFailure `json:"failures"`
	// LongTransaction is the time of the long-running transaction, when one was
	// part of the scene.
	LongTransaction *Span `json:"long_transaction,omitempty"`
}

// RecordedTraffic describes how recordings were used as traffic.
type RecordedTraffic struct {
	// Queries is the number of distinct queries of the code in the recordings. Run is how many were part of the
	// load, and Touching how many of them work on a table of the release.
	Queries  int `json:"queries"`
	Run      int `json:"run"`
	Touching int `json:"touching"`
	// Sent is how many of Touching were sent while the release ran: a short release leaves no time for all. Tried
	// also counts those that were sent after it ended.
	Sent  int `json:"sent"`
	Tried int `json:"tried"`
	// Transactions is the number of distinct recorded transactions that ran as transactions.
	// Unwrapped is set if those that were rolled back ran as single statements. That happens
	// if most were rolled back: a test suite wraps each test in a transaction.
	Transactions int  `json:"transactions"`
	Unwrapped    bool `json:"unwrapped,omitempty"`
	// Left are the queries that were no part of the load, by why.
	Left []LeftOut `json:"left_out,omitempty"`
	// MadeUp are tables of the release that no recorded query works on.
	MadeUp []string `json:"made_up,omitempty"`
}

// LeftOut are recorded queries that were no part of the load for one reason.
type LeftOut struct {
	// Why says it, with the queries as its subject: "are refused by the deployed schema".
	Why     string `json:"why"`
	Queries int    `json:"queries"`
	// Calls is how often they were recorded.
	Calls int64 `json:"calls"`
	// Examples are some of them.
	Examples []LeftQuery `json:"examples"`
}

// LeftQuery is a recorded query that was no part of the load.
type LeftQuery struct {
	// ID is the recording's.
	ID    string `json:"id"`
	Query string `json:"query"`
	// Sender is "" if it is not known.
	Sender string `json:"sender,omitempty"`
	// Error is the server's error at the base; nil if the query was not sent there.
	Error *ServerError `json:"error,omitempty"`
}

// Waiter is a sender that waited for locks: a place in the code or a test with all its queries, or a query
// without a known sender.
type Waiter struct {
	// Sender is the place, test or application; "" if it is not known.
	Sender string `json:"sender,omitempty"`
	// Queries are the distinct ones that waited, Waits how often they did.
	Queries int `json:"queries"`
	Waits   int `json:"waits"`
	// WorstMS is the longest wait, for the statement with the index Statement in
	// [Rehearsal.Statements], or -1; Query is the text that waited, and ID the recording's.
	WorstMS   float64 `json:"worst_ms"`
	Statement int     `json:"statement"`
	Query     string  `json:"query"`
	ID        string  `json:"id"`
}

// TrafficSlot is a short time of the traffic.
type TrafficSlot struct {
	// WorstMS is the longest that a query which was under way in the slot had
	// lasted by the slot's end.
	WorstMS float64 `json:"worst_ms"`
	// Done counts the queries that ended in it.
	Done int `json:"done"`
}

// Span is a stretch of time.
type Span struct {
	FromMS  float64 `json:"from_ms"`
	UntilMS float64 `json:"until_ms"`
}

// Stall is a time for which the queries on a relation waited.
type Stall struct {
	Span
	Relation string `json:"relation"`
	// Statement is the index in [Rehearsal.Statements] of the statement that they waited for, directly or in its
	// queue; -1 if no statement explains it.
	Statement int `json:"statement"`
	// Kind is who waited: "read", "write" or "read and write".
	Kind string `json:"kind"`
	// Queries is how many waited, Query the text of the one that waited longest.
	Queries int    `json:"queries"`
	Query   string `json:"query"`
}

// TrafficFailure is a query of the traffic that started failing.
type TrafficFailure struct {
	Relation string      `json:"relation"`
	Query    string      `json:"query"`
	Error    ServerError `json:"error"`
	// AtMS is when it first failed; Count how often it did.
	AtMS  float64 `json:"at_ms"`
	Count int     `json:"count"`
	// Sender and ID are of a recorded query; "" for one that was made up.
	Sender string `json:"sender,omitempty"`
	ID     string `json:"id,omitempty"`
	// After is the index in [Rehearsal.Statements] of the last statement before the refusal; nil if it is not known.
	After *int `json:"after,omitempty"`
}

// Difference is a place where the model and the server disagree.
type Difference struct {
	// Statement is the index in [Rehearsal.Statements].
	Statement int    `json:"statement"`
	Relation  string `json:"relation"`
	// Model and Server say what each holds: "ShareLock, scan", "no lock".
	Model  string `json:"model"`
	Server string `json:"server"`
	// Report is the text of a bug report.
	Report string `json:"report"`
}
