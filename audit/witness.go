package audit

import (
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/script"
)

// witness takes in what a deployed migration tells of the version in production: the
// oldest that reads all of its statements. What a block does under a condition may be
// for another version.
func (j *judge) witness(m *adapter.Migration, s *script.Script) {
	if !j.known.asks(j.settings) || m.Path == "" {
		return
	}
	versions := j.settings.Versions()
	for _, st := range s.Statements {
		if st.Node == nil || st.Parent >= 0 || st.In != "" {
			continue
		}
		if major := answer.ReadableFrom(st.Node, versions); major > max(j.since.Major, versions[0]) {
			j.since = adapter.Oldest{Major: major, Path: fmt.Sprintf("%s:%d", m.Path, st.Line)}
		}
	}
}

// narrow leaves out the versions that cannot have run what is deployed.
func (j *judge) narrow(since adapter.Oldest) {
	if since.Major <= j.config.Versions[0] {
		return
	}
	if list := since.Since(j.config.Versions); len(list) < len(j.config.Versions) {
		j.config.Versions, j.report.Postgres, j.report.PostgresFrom = list, list, since.Path
	}
}
