package audit

import "github.com/onward-sql/onward/internal/adapter"

// A runner may record the parts of a file by themselves (Liquibase's
// changesets). What is new in a file that is deployed runs then, and is no edit.

// recorded are the texts of a migration's parts by what they are recorded by;
// nil where it is recorded as a whole.
func recorded(m *adapter.Migration) map[string]string {
	out := map[string]string{}
	for _, p := range m.Source.Parts {
		if p.Name == "" {
			return nil
		}
		out[p.Name] += "\x00" + p.Sum
	}
	return out
}

// onlyAdds reports whether the parts of a migration that the base has are what
// they were, or made to run again.
func onlyAdds(old, m *adapter.Migration) bool {
	was, is := recorded(old), recorded(m)
	if was == nil || is == nil {
		return false
	}
	for _, p := range m.Source.Parts {
		if then, known := was[p.Name]; known && then != is[p.Name] && !p.Again && p.Sum != "" {
			return false
		}
	}
	return true
}

// added is a migration with the parts that the base does not have as they are.
// All else in its text is blank: nothing speaks for what runs no more.
func added(old, m *adapter.Migration) *adapter.Migration {
	was, is := recorded(old), recorded(m)
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
