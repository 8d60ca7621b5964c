package adapter

import (
	"errors"
	"strings"

	"github.com/onward-sql/onward/internal/script"
)

// ReadDown reads a migration's second file, the one that undoes it. It returns the text
// without parts, sent as the migration itself is. It is nil if the migration has no such
// file.
func ReadDown(t Tree, m *Migration) (*script.Source, error) {
	if m.DownPath == "" {
		return nil, nil
	}
	f := ReadBeside(t, m, m.DownPath)
	if f.Failed != "" {
		return nil, errors.New(f.Failed)
	}
	return &script.Source{Text: f.Text, Mode: m.Source.Mode, LineComment: "--"}, nil
}

// ReadBeside reads another file that belongs to a migration. A schema that was left out of the migration's text is left out of it, too.
func ReadBeside(t Tree, m *Migration, path string) *File {
	f := ReadFile(t, path)
	if f.Failed == "" && m.lacksSchema() {
		f.removeSchemas()
	}
	return f
}

// lacksSchema reports whether a schema that the runner fills in was left out of a
// migration's text.
func (m *Migration) lacksSchema() bool {
	all := findTokens(m.Source.Written)
	return len(all) > 0 && strings.TrimSpace(m.Source.Text[all[0].start:all[0].end]) == ""
}
