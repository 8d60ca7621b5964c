package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
)

// A runner may record the parts of a file separately (Liquibase's changesets). A new part
// of a deployed file then runs, and is no edit.

// partTexts maps the recorded names of a migration's parts to their texts; nil if it is
// recorded as a whole.
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

// hasUnchangedParts reports whether all deployed parts of a migration are unchanged, or configured
// to run again.
func hasUnchangedParts(old, m *adapter.Migration) bool {
	was, is := partTexts(old), partTexts(m)
	if was == nil || is == nil || len(was)+len(is) == 0 {
		return false
	}
	for _, p := range m.Source.Parts {
		if then, known := was[p.Name]; known && then != is[p.Name] && !p.Again && p.Sum != "" {
			return false
		}
	}
	return true
}

// onlyNewParts returns a migration with only the parts that are new or changed. The other parts
// of its text are blank.
func onlyNewParts(old, m *adapter.Migration) *adapter.Migration {
	was, is := partTexts(old), partTexts(m)
	out := *m
	text := []byte(m.Source.Text)
	for i, b := range text {
		if b != '\n' {
			text[i] = ' '
		}
	}
	out.Source.Parts = nil
	for _, p := range m.Source.Parts {
		if then, known := was[p.Name]; !known || then != is[p.Name] && p.Again {
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
