package audit

import (
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/internal/script"
)

// inferMinVersion infers the version in production from a deployed migration: it is at least the
// oldest one that can run all of its statements. Statements in a block under a condition
// do not count, because they may be for another version.
func (j *judge) inferMinVersion(m *adapter.Migration, s *script.Script) {
	if !j.known.isVersionUnknown(j.settings) || m.Path == "" {
		return
	}
	versions := j.settings.Versions()
	for _, st := range s.Statements {
		if st.Node == nil || st.Parent >= 0 || st.In != "" {
			continue
		}
		if major := refusal.ReadableFrom(st.Node, versions); major > max(j.since.Major, versions[0]) {
			j.since = adapter.Oldest{Major: major, Path: fmt.Sprintf("%s:%d", m.Path, st.Line)}
		}
	}
}

// excludeVersions excludes the versions that cannot have run the deployed migrations.
func (j *judge) excludeVersions(since adapter.Oldest) {
	if since.Major <= j.config.Versions[0] {
		return
	}
	if list := since.Since(j.config.Versions); len(list) < len(j.config.Versions) {
		j.config.Versions, j.report.Postgres, j.report.PostgresFrom = list, list, since.Path
	}
}
