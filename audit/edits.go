package audit

import (
	"slices"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
)

// Edits are texts of the working tree that are not saved yet, by path; nil for a deleted file.
type Edits = gitrange.Edits

// Holds reports whether a file is in a directory of migrations of the release, at its head or its base.
func (r *Release) Holds(path string) bool {
	return slices.ContainsFunc(r.pairs, func(p pair) bool {
		return isInSource(p, path) || p.base != nil && slices.ContainsFunc(p.base.Migrations, func(m *adapter.Migration) bool { return m.Path == path })
	})
}

// Settings are the settings by which the release is judged.
func (r *Release) Settings() *config.Config { return r.a.Settings }
