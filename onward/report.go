// Package onward is the vocabulary of the project: one word per thing, and
// the JSON protocol in which the things are reported.
//
// A release brings new migrations. While it is deployed, old code and new
// code share one database. The types here say what a migration is, what its
// statements do to other sessions ([Effect]), what it changes for other code
// ([Change]), and what follows ([Finding]). They carry no logic beyond their
// own spelling; every other package imports this one, and this one imports
// the standard library only.
//
// The reports that the commands print with --format json are a [Report],
// marked with [ReportSchema]. Within one schema number fields are added but
// never renamed, removed or given another meaning.
package onward

// ReportSchema is the name and number of the JSON protocol.
const ReportSchema = "onward.report/1"

// Report is the outcome of one run: what the release does, and what was found.
type Report struct {
	Schema string `json:"schema"`
	// Postgres lists the major versions that the release was judged for.
	Postgres []int `json:"postgres"`
	// PostgresFrom is the file of the repository from which the oldest of them was inferred, with the line of a deployed
	// migration that older ones cannot read. It is "" if they are configured, the server's own, or all that are
	// supported.
	PostgresFrom string `json:"postgres_from,omitempty"`
	// Base and Head name the two revisions; "" when files were given by name.
	Base string `json:"base"`
	Head string `json:"head"`
	// Ahead is set if the base has commits that the head lacks: the release is judged as after a merge.
	Ahead *Ahead `json:"ahead,omitempty"`
	// Weakened lists settings, files and comments of the branch that may take findings out.
	Weakened []Weakening `json:"weakened,omitempty"`
	// Unconfined are sentences about what the sandbox of the project's own program could not confine on this machine.
	Unconfined []string `json:"unconfined,omitempty"`
	// Runners are who runs the migrations, and how that is known: one for each
	// directory that was read.
	Runners []Runner `json:"runners,omitempty"`
	// Migrations are in the order in which the runner will run them.
	Migrations []Migration `json:"migrations"`
	Findings   []Finding   `json:"findings"`
	// Opaque lists what could not be judged, and why.
	Opaque []Opaque `json:"opaque"`
	// BuiltQueries counts the places of the deployed code that build queries by calls; nil if there are none, if
	// recordings have its queries, or if no judgement needed the code.
	BuiltQueries *BuiltQueries `json:"built_queries,omitempty"`
	Summary      Summary       `json:"summary"`
	// Sizes says what the estimates rest on; nil when there are none.
	Sizes *Sizes `json:"sizes,omitempty"`
	// Rehearsals has a run for each version of Postgres that the release was
	// rehearsed on, the newest first.
	Rehearsals []Rehearsal `json:"rehearsals,omitempty"`
	// Verdicts are the recorded queries that break, in the order of the points at which
	// they begin to; Verification is the rest of what was seen of them, nil when no
	// recording was given.
	Verdicts     []Verdict     `json:"verdicts,omitempty"`
	Verification *Verification `json:"verification,omitempty"`
}

// Ahead counts what was merged into the base after the head branched off.
type Ahead struct {
	// Migrations counts those that only the base has.
	Migrations int `json:"migrations"`
}

// Opaque is something that could not be judged. It is never silently "fine".
type Opaque struct {
	Migration string `json:"migration,omitempty"`
	Path      string `json:"path"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	// What is the thing: "EXECUTE of a variable", "RunPython forwards".
	What string `json:"what"`
	// Why it could not be judged, and what can be done about it.
	Why string `json:"why,omitempty"`
	// Usage marks that it is not known for want of this what the deployed code
	// uses, other than by a search of its text.
	Usage bool `json:"usage,omitempty"`
	// Failed marks input that should have been readable: it makes the exit
	// code 3 unless the configuration accepts it. Code that is opaque by its
	// nature (dynamic SQL, Python, Go) is counted but does not fail.
	Failed bool `json:"failed,omitempty"`
	// Database is the one that a directory's migrations are for, if it is not Postgres:
	// "ClickHouse". It says nothing about the release, and is not counted.
	Database string `json:"database,omitempty"`
}

// Sizes is what the estimates of a report rest on.
type Sizes struct {
	// Taken is when the sizes were read, in UTC.
	Taken string `json:"taken,omitempty"`
	// ReadPerSecond and WritePerSecond are the throughput, in bytes.
	ReadPerSecond  int64 `json:"read_per_second"`
	WritePerSecond int64 `json:"write_per_second"`
	// SmallBelow is the size in bytes, with indexes, below which tables are small: 0 if none is. Findings about work
	// that grows with a small table are left out.
	SmallBelow int64 `json:"small_below,omitempty"`
}

// Summary counts a report.
type Summary struct {
	Migrations int `json:"migrations"`
	Statements int `json:"statements"`
	Errors     int `json:"errors"`
	Warnings   int `json:"warnings"`
	Infos      int `json:"infos"`
	// Suppressed counts the findings that a comment or the baseline took out.
	Suppressed int `json:"suppressed"`
	// Baseline is what the baseline took out.
	Baseline Known `json:"baseline,omitzero"`
	// Opaque counts what could not be judged.
	Opaque int `json:"opaque"`
	// State is the verdict for the deploy. Conditions must be true if it is StateSafeIf: "no deployed code uses
	// users.age".
	State      State    `json:"state"`
	Conditions []string `json:"conditions,omitempty"`
	// Safe says that State is StateSafe.
	Safe bool `json:"safe"`
	// Withheld is the reason why no deploy was judged; "" if one was.
	Withheld Withheld `json:"withheld,omitempty"`
	// Verdict is the verdict in a sentence.
	Verdict string `json:"verdict"`
	// Readiness has the plans in onward/plans that are under way: which code may be deployed, and what comes next.
	Readiness []Readiness `json:"readiness,omitempty"`
	// Next is what to run next, one command a line.
	Next []string `json:"next,omitempty"`
}

// Known counts findings that a baseline knows.
type Known struct {
	Findings int `json:"findings"`
	Errors   int `json:"errors"`
}

// State is the verdict about the deploy.
type State string

// The states.
const (
	// StateSafe: nothing speaks against it, and everything was judged.
	StateSafe State = "safe"
	// StateSafeIf: nothing speaks against it if the conditions hold.
	StateSafeIf State = "safe-if"
	// StateNotSafe: there are errors.
	StateNotSafe State = "not-safe"
	// StateNone: there is no verdict, because it is withheld, or something could not be read that should have been.
	StateNone State = "none"
)

// Withheld is a reason for which a report says nothing about a deploy.
type Withheld string

// The reasons.
const (
	// WithheldHistory: files were judged as one release, and nothing is known to be
	// deployed: most of them may be.
	WithheldHistory Withheld = "history"
	// WithheldBaseline: there is no error but those that the baseline leaves out.
	WithheldBaseline Withheld = "baseline"
)

// StatsSchema is the name and number of the format of stored sizes.
const StatsSchema = "onward.stats/1"

// Stats is how big a database is and how busy: sizes, counts and rates, no
// row, no value, no name of a host or a user. Within one schema number fields
// are added but never renamed, removed or given another meaning.
type Stats struct {
	Schema string `json:"schema"`
	// Taken is when, in UTC: 2026-03-01T12:00:00Z.
	Taken string `json:"taken"`
	// Postgres is the server's version: "17.5"; Major its major version.
	Postgres string `json:"postgres"`
	Major    int    `json:"major"`
	// Settings are the settings of a session of this role, with their units: "lock_timeout": "5000ms".
	Settings map[string]string `json:"settings"`
	// CountedSeconds is for how long the server has counted writes and scans;
	// 0: not known.
	CountedSeconds int64           `json:"counted_seconds"`
	Relations      []RelationStats `json:"relations"`
}

// RelationStats is a table, a partitioned table or a materialised view. A
// partitioned table holds nothing itself: its partitions do.
type RelationStats struct {
	// Name is schema-qualified, unquoted: "public.users".
	Name string `json:"name"`
	// Kind is "table", "partitioned table" or "materialized view".
	Kind string `json:"kind"`
	// Parent is the partitioned table that it is a partition of.
	Parent string `json:"parent,omitempty"`
	// Rows is the planner's estimate; -1: the table was never analysed.
	Rows int64 `json:"rows"`
	// HeapBytes is the table's own file, ToastBytes what is kept beside it.
	HeapBytes  int64        `json:"heap_bytes"`
	ToastBytes int64        `json:"toast_bytes"`
	Indexes    []IndexStats `json:"indexes"`
	// Options are the table's storage parameters for autovacuum, and its fillfactor.
	Options map[string]string `json:"options,omitempty"`
	// Counts since the counters began: rows written, scans of the whole
	// table, scans through an index.
	Inserted   int64 `json:"inserted"`
	Updated    int64 `json:"updated"`
	Deleted    int64 `json:"deleted"`
	SeqScans   int64 `json:"seq_scans"`
	IndexScans int64 `json:"index_scans"`
	// WritesPerSecond and ScansPerSecond are the same as rates; 0 when it is
	// not known for how long was counted.
	WritesPerSecond float64 `json:"writes_per_second"`
	ScansPerSecond  float64 `json:"scans_per_second"`
}

// IndexStats is an index.
type IndexStats struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Scans int64  `json:"scans"`
}

// The major versions of Postgres that this release knows: OldestMajor, PreviewMajor, and all between them.
const (
	OldestMajor = 13
	// NewestMajor is the newest version with downloads. A project that names no version is judged on OldestMajor to NewestMajor.
	NewestMajor = 18
	// PreviewMajor is the newest version on which the proofs and the live commands have run. A project may name it.
	PreviewMajor = 19
)

// Throughput is how fast a server works, in bytes a second.
type Throughput struct {
	Read, Write int64
	// Rows is how many rows a backfill changes in a second, pauses included; 0 if it was not measured.
	Rows int64
}

// Weakening is a setting of the branch that may take findings out, a file that the settings name, a comment that suppresses a finding, or a
// step that has run as a plan says.
type Weakening struct {
	// Key is the setting, "rules.column-drop" or "fail_on"; or "suppression", or "plan".
	Key string `json:"key"`
	// Base and Head are its values; "" if it is not set.
	Base string `json:"base,omitempty"`
	Head string `json:"head,omitempty"`
	// Path is the file that has it. Line is 0 if the whole file is meant.
	Path string `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
}

// String returns "fail_on: error → never".
func (w Weakening) String() string {
	if w.Base == "" {
		return w.Key + ": " + w.Head
	}
	return w.Key + ": " + w.Base + " → " + w.Head
}
