package deployed

import (
	"github.com/onward-sql/onward/internal/analysis"
)

// findSetting answers the question whether the code sets a setting of a session. It is not known
// if the code builds a setting's name.
func (u *Code) findSetting(q question) analysis.Usage {
	uses, unknown := u.indexFor(q).Setting(q.Name.Name)
	return analysis.Usage{Known: len(uses) > 0 || !unknown && u.ReadFiles().err == nil, Used: len(uses) > 0, Evidence: u.makeEvidence(uses, maxEvidence)}
}
