package alembic

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var upgrade = lazyregexp.New(`(?m)^def upgrade\(\)[^\n]*:[ \t]*(?:#.*)?\r?\n`)

// PutFirst puts a statement before all others of a revision.
func (*Adapter) PutFirst(_ adapter.Tree, m *adapter.Migration, sql string) string {
	text := m.Source.Text
	place := upgrade.FindStringIndex(text)
	if place == nil {
		return ""
	}
	return text[:place[1]] + formatExecuteCalls(sql, 1) + text[place[1]:]
}
