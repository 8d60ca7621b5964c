package dbchecks

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var serverVersionOther = &Check{Rule: rule.Rule{
	ID:       "server-version-other",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "The server is of another major version than onward.yaml says, or newer than all on which this release was proven",
	Harm:    "What a statement locks and rewrites differs between major versions: the release was judged, and perhaps planned, for others.",
	Instead: "Write the server's version under postgres: in onward.yaml, and judge the release again.",
	Manual:  []string{"https://www.postgresql.org/support/versioning/"},
}, Scope: onward.ScopeServer, Look: checkVersion}

func checkVersion(p *Pass) error {
	switch {
	case p.major > onward.PreviewMajor:
		p.AddFinding(onward.Off, "", fmt.Sprintf("the server is Postgres %d, and this release of onward was proven on none newer than %d",
			p.major, onward.PreviewMajor),
			"what it says of locks may be wrong there", "use a newer release of onward")
	case len(p.Majors) > 0 && !slices.Contains(p.Majors, p.major):
		p.AddFinding(onward.Off, "", fmt.Sprintf("the server is Postgres %d, and onward.yaml does not name it under postgres:", p.major),
			"the release was judged for other versions, on which statements lock and rewrite other things", "write it there, and judge the release again: onward changelog")
	}
	return nil
}
