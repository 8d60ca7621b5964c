package sql

import (
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
)

// Down returns the down migration: the text below its tool's marker, or its second file
// (down.sql, NAME.down.sql, NAME_down.sql), which is sent as the up migration is.
func (Adapter) Down(t adapter.Tree, s adapter.Source, m *adapter.Migration) (*script.Source, error) {
	if s.Options.Own != nil {
		return newConfiguredRunner(s.Options.Own).readDownSource(t, s, m)
	}
	lines := findHintedLines(m.Source.Text)
	if r := toolByMarkers(lines); r != nil && r.name == m.Runner.Name {
		return r.marks.downSource(m.Source.Text, lines, s.Options), nil
	}
	return readDownFile(t, m)
}

// readDownFile returns a migration's second file; nil if it has none.
func readDownFile(t adapter.Tree, m *adapter.Migration) (*script.Source, error) {
	down, err := adapter.ReadDown(t, m)
	if down == nil || err != nil {
		return nil, err
	}
	if p := adapter.TrimmedPart(down.Text, 0, len(down.Text)); p.SQL != "" {
		p.Message = len(m.Source.Parts) > 0 && m.Source.Parts[0].Message
		down.Parts = []script.Part{p}
	}
	return down, nil
}

// downSource returns the text below the markers of the down migration; nil for none.
func (t *marks) downSource(text string, lines []line, o adapter.Options) *script.Source {
	out := &script.Source{Text: text, Mode: t.mode, LineComment: "--"}
	first := slices.IndexFunc(lines, func(l line) bool { return t.down.MatchString(l.text) })
	if first >= 0 && matchesLine(t.offDown, lines[first:]) || t.offFile && matchesLine(t.off, lines) {
		out.Mode = t.none
	}
	whole := t.isOneMessage(out.Mode)
	_, regions := t.splitUpAndDown(lines, len(text))
	for _, r := range regions {
		if p := adapter.TrimmedPart(text, r[0], r[1]); p.SQL != "" {
			p.Message = whole
			out.Parts = append(out.Parts, p)
		}
	}
	if len(out.Parts) == 0 {
		return nil
	}
	if o.Transaction != "" {
		out.Mode = o.Transaction
	}
	return out
}
