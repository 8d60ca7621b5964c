package onward

import "time"

// RolloutSchema is the name and number of the JSON of a release on many targets.
const RolloutSchema = "onward.rollout/1"

// Rollout says how far a release is on its targets.
type Rollout struct {
	Schema string `json:"schema"`
	// Release is the user's name of it.
	Release string       `json:"release"`
	State   RolloutState `json:"state"`
	// Waves are its parts, in order.
	Waves []RolloutWave `json:"waves"`
	// Targets are all of them, in order.
	Targets []RolloutTarget `json:"targets"`
	// Duplicates are sentences about targets that were listed more than once.
	Duplicates []string `json:"duplicates,omitempty"`
	// Drift are the differences between the schemas of the targets, the most frequent first.
	Drift []RolloutDrift `json:"drift,omitempty"`
	// Readiness says which code may be deployed now on all targets.
	Readiness []Readiness `json:"readiness,omitempty"`
	// Why says why the release is not done on all targets.
	Why string `json:"why,omitempty"`
}

// RolloutState is the state of a release, of a wave or of a target.
type RolloutState string

// The states. RolloutStopped and RolloutPaused are states of a release only.
const (
	RolloutPending     RolloutState = "pending"     // not begun
	RolloutRunning     RolloutState = "running"     // a process works on it
	RolloutInterrupted RolloutState = "interrupted" // its process ended before it was done
	RolloutUnreachable RolloutState = "unreachable" // its database cannot be read or written
	RolloutFailed      RolloutState = "failed"
	RolloutGone        RolloutState = "gone"    // it was dropped
	RolloutSkipped     RolloutState = "skipped" // somebody gave a reason to leave it out
	RolloutDone        RolloutState = "done"
	RolloutStopped     RolloutState = "stopped" // more targets failed than a wave may have
	RolloutPaused      RolloutState = "paused"  // somebody paused it
)

// RolloutWave is how far a wave is.
type RolloutWave struct {
	Number int `json:"number"`
	// Name is "canary", or the part of the targets that have the release after this wave: "25 %".
	Name  string       `json:"name"`
	State RolloutState `json:"state"`
	// Targets is how many it has, and Counts how many of them have each state.
	Targets int                  `json:"targets"`
	Counts  map[RolloutState]int `json:"counts"`
}

// RolloutTarget is how far a target is.
type RolloutTarget struct {
	Name string `json:"name"`
	// Database is HOST:PORT/NAME, without user and password. DatabaseSchema is the target's schema; "" if the whole
	// database is the target.
	Database       string            `json:"database"`
	DatabaseSchema string            `json:"database_schema,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	// Wave is its number; 0 if it belongs to none.
	Wave     int          `json:"wave,omitempty"`
	State    RolloutState `json:"state"`
	Attempts int          `json:"attempts,omitempty"`
	// ExitCode is the exit code of its last command.
	ExitCode int `json:"exit_code,omitempty"`
	// Note says why it is not done, or why it was skipped.
	Note  string     `json:"note,omitempty"`
	Began *time.Time `json:"began,omitempty"`
	Ended *time.Time `json:"ended,omitempty"`
}

// RolloutDrift is a difference between the schema of some targets and the expected one.
type RolloutDrift struct {
	// Targets have the difference, by name.
	Targets []string `json:"targets"`
	// Missing are statements that create what these targets lack, and Extra describe what only they have.
	Missing []string `json:"missing,omitempty"`
	Extra   []string `json:"extra,omitempty"`
	// Fix are the statements that remove the difference. Those for a tenant's schema run in that schema.
	Fix []string `json:"fix,omitempty"`
}

// DeploysSchema is the name and number of the JSON of an order of deploys.
const DeploysSchema = "onward.deploys/1"

// DeployOrder is a range of commits, split into the deploys that it needs.
type DeployOrder struct {
	Schema string `json:"schema"`
	// Base and Head name the two revisions.
	Base string `json:"base"`
	Head string `json:"head"`
	// Deploys are in order. Each begins when no process of the code before the previous one is left.
	Deploys []Deploy `json:"deploys"`
}

// Deploy is a part of a range that is deployed at once: its migrations run, and then its code is rolled out.
type Deploy struct {
	// From is the commit whose code runs before, and Commit the one that is rolled out; each as an abbreviated id, or as the range names it.
	From   string `json:"from"`
	Commit string `json:"commit"`
	// Subject and Date describe the commit.
	Subject string `json:"subject"`
	Date    string `json:"date"`
	// Migrations are the new ones, in order.
	Migrations []PlannedMigration `json:"migrations"`
	// Steps are for migrations that cannot run as they are written; nil if they can.
	Steps *DeploySteps `json:"steps,omitempty"`
	// Why says why the next migration cannot come with this deploy, in sentences; nothing for the last one.
	Why []string `json:"why,omitempty"`
}

// DeploySteps counts the steps of a plan that replace the migrations of a deploy.
type DeploySteps struct {
	// Expand and Backfill are run before the code is rolled out, Contract after no process of the code before it is left.
	Expand   int `json:"expand"`
	Backfill int `json:"backfill"`
	Contract int `json:"contract"`
	// Proven: the plan is proven. Tried: a proof was made.
	Proven bool `json:"proven"`
	Tried  bool `json:"tried"`
	// Missing are the reasons why it is not proven.
	Missing []string `json:"missing,omitempty"`
	// Why are the findings for which the migrations cannot run as they are written.
	Why []string `json:"why"`
}

// Readiness is the state of a release that a plan makes in steps: what is done, what comes next, and which code may run.
type Readiness struct {
	// Plan is the name of a plan in the repository, or the ID of a plan in the ledger.
	Plan string `json:"plan"`
	// NewCode: the new code may be deployed. OldCode: the deployed code may still run.
	NewCode bool `json:"new_code"`
	OldCode bool `json:"old_code"`
	// Migrate: the migrations' own tool may run what is pending.
	Migrate bool `json:"migrate"`
	// NextStep is the first step that is not done and that no file runs; "" if there is none.
	NextStep string `json:"next_step,omitempty"`
	// DeployAfter is the last step before the new code, and GoneBefore the first one that the deployed code does not survive; "" if
	// there is none.
	DeployAfter string `json:"deploy_after,omitempty"`
	GoneBefore  string `json:"gone_before,omitempty"`
	// UnderWay: the ledger of the database has the plan.
	UnderWay bool `json:"under_way,omitempty"`
	// Text says it in sentences.
	Text string `json:"text"`
}
