package adapter

import (
	"errors"

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
	return &script.Source{Text: f.Text, Mode: m.Source.Mode, LineComment: "--"}, nil
}
