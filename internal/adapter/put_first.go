package adapter

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// FirstWriter is an adapter of programs that can put a statement before all others of a migration.
type FirstWriter interface {
	// PutFirst returns the text of a migration of a tree with the statement first; "" if its place is not known.
	PutFirst(t Tree, m *Migration, sql string) string
}

// PutFirst returns the text of a migration of SQL with a statement before all others, or why that is not possible.
func (f *Form) PutFirst(m *Migration, sql string) (text, reason string) {
	if f == nil || f.Program != nil {
		return "", "how its tool reads a statement with a ';' in it is not known"
	}
	if f.Cuts {
		return "", f.Name + " cuts its files at each ';', and the guard has some"
	}
	if text = m.Source.Written; text == "" {
		text = m.Source.Text
	}
	offset := -1
	for i := range m.Source.Parts {
		p := &m.Source.Parts[i]
		if cut, err := pgparse.SplitText(p.SQL); err == nil && len(cut.Stmts) > 0 {
			if p.Start >= 0 {
				offset = p.Start + cut.Stmts[0].Start
			}
			break
		}
	}
	if offset < 0 {
		return "", "it has no statement, or no text of its own"
	}
	offset = strings.LastIndexByte(text[:offset], '\n') + 1
	for before := strings.TrimRight(text[:offset], " \t\r\n"); f.Begin != "" && strings.HasSuffix(before, strings.TrimSpace(f.Begin)); before = text[:offset] {
		offset = strings.LastIndexByte(before, '\n') + 1
	}
	return text[:offset] + f.Begin + sql + ";\n" + f.End + text[offset:], ""
}
