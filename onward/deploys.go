package onward

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
