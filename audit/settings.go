package audit

import (
	"github.com/onward-sql/onward/internal/analysis"
)

// sets answers the question whether the code sets a setting of a session. It is not
// known where it puts the name of one together.
func (u *deployedCode) sets(q question) analysis.Usage {
	uses, unknown := u.bound(q).Setting(q.Name.Name)
	return analysis.Usage{Known: len(uses) > 0 || !unknown && u.code().err == nil, Used: len(uses) > 0, Evidence: u.evidence(uses, maxEvidence)}
}
