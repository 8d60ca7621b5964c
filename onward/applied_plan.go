package onward

import "time"

// AppliedSchema is the name and number of the JSON of what was applied.
const AppliedSchema = "onward.applied/1"

// Applied says how far a plan is on a database.
type Applied struct {
	Schema string `json:"schema"`
	// Plan is its ID in the ledger, and Name what the user calls it.
	Plan string `json:"plan"`
	Name string `json:"name,omitempty"`
	// Base and Head are the plan's.
	Base string `json:"base"`
	Head string `json:"head"`
	// State is the state of the plan.
	State ApplyState `json:"state"`
	// Steps are the plan's steps, in order.
	Steps []AppliedStep `json:"steps"`
	// Readiness says which code may be deployed now: for the plan, or for the plans in onward/plans whose files are among the migrations
	// that were run.
	Readiness []Readiness `json:"readiness,omitempty"`
	// Next is the command that goes on, or says what is due later; "" for nothing.
	Next string `json:"next,omitempty"`
	// Why says what keeps it from being done.
	Why string `json:"why,omitempty"`
	// StayChanged names the columns and tables whose rows the plan has changed, and an abort does not give back: "users.note".
	StayChanged []string `json:"stay_changed,omitempty"`
}

// ApplyState is the state of a plan, or of a step, on a database.
type ApplyState string

// The states.
const (
	ApplyPending   ApplyState = "pending"   // not begun
	ApplyRunning   ApplyState = "running"   // begun; somebody is at work, or was killed
	ApplyWaiting   ApplyState = "waiting"   // others were in its way for as long as was given
	ApplyFailed    ApplyState = "failed"    // the server refused it
	ApplyDone      ApplyState = "done"      // committed
	ApplyAborting  ApplyState = "aborting"  // being taken back
	ApplyAbandoned ApplyState = "abandoned" // taken back
)

// AppliedStep is how far a step is.
type AppliedStep struct {
	ID    string    `json:"id"`
	Phase PlanPhase `json:"phase"`
	Class StepClass `json:"class"`
	// Why says what it is for, and Head is the beginning of its SQL.
	Why      string     `json:"why"`
	Head     string     `json:"head"`
	State    ApplyState `json:"state"`
	Attempts int        `json:"attempts,omitempty"`
	// Rows are those that a backfill has passed.
	Rows int64 `json:"rows,omitempty"`
	// Of is how many rows the table of a backfill has, as the server estimates; 0 if it does not know.
	Of int64 `json:"of,omitempty"`
	// Compared counts the rows that the last pass has compared with their expected values. Verified is when the pass
	// found all of them right; nil for not yet.
	Compared int64      `json:"compared,omitempty"`
	Verified *time.Time `json:"verified,omitempty"`
	// Quarantined are rows that it has passed over, because their change fails; the query Find finds them.
	Quarantined int64  `json:"quarantined,omitempty"`
	Find        string `json:"find,omitempty"`
	// Failed are rows with a value that cannot be converted to the new column's type, up to 10,000, and FailedKey is the key of one. The query
	// FindFailed finds them; without a number, they were not counted.
	Failed     int64  `json:"failed,omitempty"`
	FailedKey  string `json:"failed_key,omitempty"`
	FindFailed string `json:"find_failed,omitempty"`
	// WaitedMS is for how long others were in its way.
	WaitedMS int64      `json:"waited_ms,omitempty"`
	Began    *time.Time `json:"began,omitempty"`
	Ended    *time.Time `json:"ended,omitempty"`
	Note     string     `json:"note,omitempty"`
}

// LogEntry is a line of the audit trail that a database has of what was done there.
type LogEntry struct {
	Number int64     `json:"number"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Plan   string    `json:"plan"`
	Step   string    `json:"step,omitempty"`
	Event  string    `json:"event"`
	Detail string    `json:"detail,omitempty"`
	// Result is "done", "failed", "refused" or "waiting"; "" for an event without a result.
	Result string `json:"result,omitempty"`
	// Role is the database role of the session (session_user), OSUser and Host are the process's.
	Role   string `json:"role,omitempty"`
	OSUser string `json:"os_user,omitempty"`
	Host   string `json:"host,omitempty"`
	// Job is the job of a CI service, Link its page, and Commit what it had checked out.
	Job    string `json:"job,omitempty"`
	Link   string `json:"link,omitempty"`
	Commit string `json:"commit,omitempty"`
}

// ApplyEvent is something that happened while a plan was carried out.
type ApplyEvent struct {
	At time.Time `json:"at"`
	// Kind is "begun", "waits", "lost", "passed", "compared", "mended", "skipped", "throttled", "recovered", "undoing", "unchecked" or "finished" for a step, and
	// "held" while somebody else works on the database.
	Kind string `json:"kind"`
	Step string `json:"step,omitempty"`
	// Rows counts the rows of a batch, Total those of all batches, and Of the rows that the server estimates.
	Rows  int64 `json:"rows,omitempty"`
	Total int64 `json:"total,omitempty"`
	Of    int64 `json:"of,omitempty"`
	// TookMS is for how long it went on, and Words say more.
	TookMS int64  `json:"took_ms,omitempty"`
	Words  string `json:"words,omitempty"`
}

// NoticeSchema is the schema of a [Notice].
const NoticeSchema = "onward.notice/1"

// Notice is the message to a webhook about a run of onward apply, backfill, contract or abort: how it ended, or that it has waited
// for long. onward verify --deprecations sends one for each column whose last day is near or over. It has no value of a row and no
// password.
type Notice struct {
	Schema string    `json:"schema"` // NoticeSchema
	At     time.Time `json:"at"`
	// Command is what ran, without its flags.
	Command string        `json:"command"`
	Outcome NoticeOutcome `json:"outcome"`
	// Database is HOST:PORT/NAME; "" for a deprecated column.
	Database string `json:"database,omitempty"`
	// Column is the deprecated column that the notice is about; nil for a run.
	Column *DeprecatedColumn `json:"column,omitempty"`
	// Plan is the plan's ID in the ledger, Name the user's name for it, and State its state; "" if it was not begun.
	Plan  string     `json:"plan,omitempty"`
	Name  string     `json:"name,omitempty"`
	State ApplyState `json:"state,omitempty"`
	// Step is the one that waits, or is held back.
	Step string `json:"step,omitempty"`
	// Why says what keeps it from being done: of one that was refused or is not finished, in the words of its last message.
	Why string `json:"why,omitempty"`
	// Next is the single command that goes on, or says what is due later; "" for nothing.
	Next string `json:"next,omitempty"`
}

// NoticeOutcome says what a [Notice] is about.
type NoticeOutcome string

// The outcomes. NoticeWaits and NoticeThrottled are sent while the command continues; the last two are about a deprecated column.
const (
	NoticeFinished   NoticeOutcome = "finished"   // all that was asked for is done
	NoticeRefused    NoticeOutcome = "refused"    // it must not be carried out, or not yet
	NoticeUnfinished NoticeOutcome = "unfinished" // Next goes on
	NoticeWaits      NoticeOutcome = "waits"      // others have been in the way of a step for long
	NoticeThrottled  NoticeOutcome = "throttled"  // a backfill has been held back for long
	NoticeSunsetNear NoticeOutcome = "sunset-near"
	NoticeSunsetPast NoticeOutcome = "sunset-past"
)

// StepEstimate is what a step of a plan costs on the deployed database, computed from the sizes of its tables. All
// numbers are rough: docs/stats.md has the formulas.
type StepEstimate struct {
	// Rows is the number of rows that the step goes along, and Runs the number of batches of a backfill.
	Rows int64 `json:"rows"`
	Runs int64 `json:"runs,omitempty"`
	// RowsPerSecond is the rate of a backfill, with its pauses.
	RowsPerSecond int64 `json:"rows_per_second,omitempty"`
	// MS is how long the step takes, in milliseconds, with the pauses of onward apply, and WALBytes how much WAL it writes, if the
	// entries of all indexes come in the order of the backfill's key. MaxMS and MaxWALBytes are for entries that come in
	// no order: then nearly each of them reads and writes a full page.
	MS          int64 `json:"ms"`
	MaxMS       int64 `json:"max_ms,omitempty"`
	WALBytes    int64 `json:"wal_bytes,omitempty"`
	MaxWALBytes int64 `json:"max_wal_bytes,omitempty"`
	// DiskBytes is by how much the table and its indexes grow if autovacuum frees dead rows as often as its threshold asks
	// for. MaxDiskBytes is for a vacuum that frees none. TempBytes are temporary files, while an index is sorted.
	DiskBytes    int64 `json:"disk_bytes,omitempty"`
	MaxDiskBytes int64 `json:"max_disk_bytes,omitempty"`
	TempBytes    int64 `json:"temp_bytes,omitempty"`
	// Vacuum is what autovacuum does meanwhile; nil if the step leaves no dead rows.
	Vacuum *VacuumEstimate `json:"vacuum,omitempty"`
}

// VacuumEstimate is what autovacuum does while a step runs.
type VacuumEstimate struct {
	// DeadRows is how many dead rows the step leaves.
	DeadRows int64 `json:"dead_rows"`
	// Off: autovacuum is off for the server or the table.
	Off bool `json:"off,omitempty"`
	// Assumed: the settings of autovacuum are not known, so the defaults count.
	Assumed bool `json:"assumed,omitempty"`
	// Threshold is the number of dead rows from which autovacuum works on the table, FirstMS is after which time of the step
	// it is reached, and Runs is how often.
	Threshold int64 `json:"threshold,omitempty"`
	FirstMS   int64 `json:"first_ms,omitempty"`
	Runs      int64 `json:"runs,omitempty"`
	// ReadBytes is what each run reads: the pages with dead rows, and all indexes.
	ReadBytes int64 `json:"read_bytes,omitempty"`
}

// PlanReplacement is a relation or a column that takes the place of another one. A database may know more of the old
// one than the plan does: privileges, comments, settings. Whoever runs the step gives them to the new one.
type PlanReplacement struct {
	Kind ReplacementKind `json:"kind"`
	// Old and New are the relations, as SQL writes them. Of a column both are its table.
	Old string `json:"old"`
	New string `json:"new"`
	// OldColumn and NewColumn are the names of columns, without quotes.
	OldColumn string `json:"old_column,omitempty"`
	NewColumn string `json:"new_column,omitempty"`
	// Sets are the properties that the release itself changes, so that nobody takes them from the old one: "owner",
	// "comment", "settings", "default", "SELECT to reporting". [CommentOn] is before a column of a table, as are "storage of "
	// and "compression of ".
	Sets []string `json:"sets,omitempty"`
	// Known is what was on the old relation when the plan was made: "trigger t", "view sales.v", "index users_email_idx".
	Known []string `json:"known,omitempty"`
}

// CommentOn is before the name of a column whose comment the release changes, in [PlanReplacement.Sets], and before "index i", "constraint c",
// "trigger t", "statistics s".
const CommentOn = "comment on "

// FormOf is before the name of an index or a constraint that the release itself drops, makes or alters, in [PlanReplacement.Sets].
const FormOf = "form of "

// ReplacementKind says what takes the place of something.
type ReplacementKind string

// The kinds of replacements.
const (
	ReplacementView   ReplacementKind = "view"   // under the old name of a renamed table
	ReplacementColumn ReplacementKind = "column" // of the same table
	ReplacementTable  ReplacementKind = "table"
)

// CachedPlans says which prepared statements a server refuses after a step of a plan: "cached plan must not change result
// type" (SQLSTATE 0A000). They are right again as soon as they are prepared again.
type CachedPlans struct {
	// Columns have another type or collation after the step: "orders.id". Statements that return them are refused.
	Columns []string `json:"columns,omitempty"`
	// Queries are queries of the code that a server found to return other columns after the step, such as SELECT *.
	Queries []string `json:"queries,omitempty"`
}
