package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
)

// A runner may record the parts of a file separately (Liquibase's changesets). A new part
// of a deployed file then runs, and is no edit.

// partTexts maps the recorded names of a migration's parts to the texts that the runner
// compares; nil if it is recorded as a whole.
func partTexts(m *adapter.Migration) map[string]string {
	out := map[string]string{}
	for _, p := range m.Source.Parts {
		if p.Name == "" {
			return nil
		}
		out[p.Name] += "\x00" + p.Sum
	}
	return out
}

// keepsDeployedParts reports whether all deployed parts of a migration are unchanged, or configured
// to run again.
func keepsDeployedParts(old, m *adapter.Migration) bool {
	oldTexts, newTexts := partTexts(old), partTexts(m)
	if oldTexts == nil || newTexts == nil || len(oldTexts)+len(newTexts) == 0 {
		return false
	}
	for _, p := range m.Source.Parts {
		if oldText, known := oldTexts[p.Name]; known && oldText != newTexts[p.Name] && !p.Again && p.Sum != "" {
			return false
		}
	}
	return true
}

// selectNewParts returns a migration with only the parts that are new or changed. The other parts
// of its text are blank.
func selectNewParts(old, m *adapter.Migration) *adapter.Migration {
	oldTexts, newTexts := partTexts(old), partTexts(m)
	out := *m
	text := []byte(m.Source.Text)
	for i, b := range text {
		if b != '\n' {
			text[i] = ' '
		}
	}
	out.Source.Parts = nil
	for _, p := range m.Source.Parts {
		if oldText, known := oldTexts[p.Name]; !known || oldText != newTexts[p.Name] && p.Again {
			out.Source.Parts = append(out.Source.Parts, p)
			copy(text[p.Start:], p.SQL)
		}
	}
	if out.Source.Written == "" {
		out.Source.Written = m.Source.Text
	}
	out.Source.Text = string(text)
	return &out
}
