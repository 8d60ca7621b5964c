package onward

// PreflightSchema is the name and number of what onward preflight prints as JSON.
const PreflightSchema = "onward.preflight/1"

// Preflight says whether a running database is fit to be migrated now.
type Preflight struct {
	Schema string `json:"schema"`
	// Taken is when the server was asked, in UTC.
	Taken string `json:"taken"`
	// Postgres is the server's version as it says it itself: "17.5".
	Postgres string `json:"postgres"`
	// Database and Role are the database and the role of the session.
	Database string `json:"database"`
	Role     string `json:"role"`
	// Release names the two revisions whose migrations tell which tables are touched:
	// "main...feature"; "" when no repository was read.
	Release string `json:"release,omitempty"`
	// Touched are the tables that the release touches, by schema.name; nil when that is not known.
	Touched []string `json:"touched"`
	// Findings are the worst first.
	Findings []PreflightFinding `json:"findings"`
	// Opaque lists what the session cannot see. It never counts as fine.
	Opaque []PreflightOpaque `json:"opaque"`
	// Checks are all that were made, by name, with what they measured.
	Checks  []PreflightCheck `json:"checks"`
	Summary PreflightSummary `json:"summary"`
}

// PreflightScope is what a check looks at.
type PreflightScope string

// The scopes.
const (
	// ScopeConnection: the way from here to the server.
	ScopeConnection PreflightScope = "connection"
	// ScopeServer: the server with all its databases.
	ScopeServer PreflightScope = "server"
	// ScopeDatabase: the database that is migrated.
	ScopeDatabase PreflightScope = "database"
	// ScopeRole: the role that migrates, in this database.
	ScopeRole PreflightScope = "role"
	// ScopeTouched: the tables that the release touches; all tables if these are not known and the check is about
	// each table by itself.
	ScopeTouched PreflightScope = "touched"
)

// PreflightFinding is a check's verdict on one object.
type PreflightFinding struct {
	// Rule is the name of the check: "slot-inactive".
	Rule     string         `json:"rule"`
	Severity Severity       `json:"severity"`
	Scope    PreflightScope `json:"scope"`
	// Object is what it is about: the name of a slot, a table, a host with its port; "" for
	// the scope as a whole.
	Object string `json:"object"`
	// Fact, Harm and Instead are as in [Finding].
	Fact    string `json:"fact"`
	Harm    string `json:"harm"`
	Instead string `json:"instead"`
}

// PreflightOpaque is what a check did not see.
type PreflightOpaque struct {
	Rule string `json:"rule"`
	// What is not known, and Why, with what can be done about it.
	What string `json:"what"`
	Why  string `json:"why"`
}

// PreflightCheck is one check and its outcome.
type PreflightCheck struct {
	Rule  string         `json:"rule"`
	Scope PreflightScope `json:"scope"`
	State PreflightState `json:"state"`
	// Metric names what is measured, with its unit: "certificate_days_left"; "" when
	// nothing is. Help says it in words.
	Metric   string             `json:"metric,omitempty"`
	Help     string             `json:"help,omitempty"`
	Measured []PreflightMeasure `json:"measured,omitempty"`
}

// PreflightMeasure is one measured value.
type PreflightMeasure struct {
	Object string  `json:"object"`
	Value  float64 `json:"value"`
}

// PreflightState is the outcome of a check.
type PreflightState string

// The states, the worst last.
const (
	StateOK      PreflightState = "ok"
	StateInfo    PreflightState = "info"
	StateOpaque  PreflightState = "opaque" // something was not seen, and nothing worse than a note was found
	StateWarning PreflightState = "warning"
	StateError   PreflightState = "error"
)

// PreflightSummary counts.
type PreflightSummary struct {
	Checks   int `json:"checks"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Infos    int `json:"infos"`
	Opaque   int `json:"opaque"`
	// Verdict is the outcome in a sentence.
	Verdict string `json:"verdict"`
}
