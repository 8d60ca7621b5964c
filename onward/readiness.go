package onward

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
