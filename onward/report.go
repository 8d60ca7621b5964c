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
