package rails

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// forward matches the line that begins the method "up" or "change".
var forward = lazyregexp.New(`(?m)^([ \t]*)def (up|change)[ \t]*(?:#.*)?\r?\n`)

// PutFirst returns the text of a migration with a statement before all others; "" if it has none of these methods. In "change" it runs forward only.
func (Adapter) PutFirst(t adapter.Tree, m *adapter.Migration, sql string) string {
	text := m.Source.Text
	place := forward.FindStringSubmatchIndex(text)
	if place == nil || path.Ext(m.Path) != ".rb" {
		return ""
	}
	execute := "execute <<~'SQL'"
	if hasStrongMigrations(t, readProject(t, path.Dir(m.Path)).root) {
		execute = "safety_assured { " + execute + " }"
	}
	lines := []string{execute}
	for line := range strings.SplitSeq(sql, "\n") {
		lines = append(lines, "  "+line)
	}
	lines = append(lines, "SQL")
	if text[place[4]:place[5]] == "change" {
		for i := range lines {
			lines[i] = "    " + lines[i]
		}
		lines = append(append([]string{"reversible do |direction|", "  direction.up do"}, lines...), "  end", "end")
	}
	indent := text[place[2]:place[3]] + "  "
	return text[:place[1]] + indent + strings.Join(lines, "\n"+indent) + "\n" + text[place[1]:]
}
