package rule

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// Value is asked for in the place of a schema by KnowsOnly.
var Value = catalog.Name{Name: "="}

// KnowsOnly asks whether the deployed code knows a value of a column, and not the one
// that takes its place: it is Used where that is so, with the places as evidence.
func (p *Pass) KnowsOnly(t *catalog.Relation, column, old, now string) Usage {
	name := t.Name
	if r := p.Release.Deployed.Relation(t.OID); r != nil {
		name = r.Name
	}
	return p.Uses(catalog.Name{Schema: Value.Name, Name: name.Name}, column+valueMark+old+valueMark+now)
}

// SettingName is asked for in the place of a schema by Sets.
var SettingName = catalog.Name{Name: "set"}

// Sets asks whether the deployed code names a setting of a session, app.tenant: it
// is Known where that can be told, and Used where it does.
func (p *Pass) Sets(name string) Usage {
	return p.Uses(catalog.Name{Schema: SettingName.Name, Name: name}, "")
}

// valueMark stands between what KnowsOnly asks for; no text of Postgres has it.
const valueMark = "\x00"

// CutValue takes the question of KnowsOnly apart.
func CutValue(s string) (column, old, now string) {
	column, s, _ = strings.Cut(s, valueMark)
	old, now, _ = strings.Cut(s, valueMark)
	return column, old, now
}
