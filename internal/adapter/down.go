package adapter

import (
	"errors"
	"strings"

	"github.com/onward-sql/onward/internal/script"
)

// ReadDown reads a migration's second file, the one that undoes it, and gives
// its text without parts, sent as the migration itself is. nil: it has none.
func ReadDown(t Tree, m *Migration) (*script.Source, error) {
	if m.DownPath == "" {
		return nil, nil
	}
	f := ReadFile(t, m.DownPath)
	if f.Failed != "" {
		return nil, errors.New(f.Failed)
	}
	if m.unqualified() {
		f.unqualify()
	}
	return &script.Source{Text: f.Text, Mode: m.Source.Mode, LineComment: "--"}, nil
}

// unqualified reports whether what the runner fills in as a schema was left out of a
// migration.
func (m *Migration) unqualified() bool {
	all := tokens(m.Source.Written)
	return len(all) > 0 && strings.TrimSpace(m.Source.Text[all[0].start:all[0].end]) == ""
}
