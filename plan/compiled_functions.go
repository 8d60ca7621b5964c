package plan

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// recompileFunctions adds statements to a step that gives a column another type: PL/pgSQL functions that the sessions of
// the deployed code, or of the new code, have called would fail in them for good. Its undo gets them, too.
func recompileFunctions(s *onward.PlanStep, m *rule.Migration, touched map[string]*catalog.Relation) {
	const end = "COMMIT;\n"
	if len(m.Statements) == 0 || !strings.HasSuffix(s.SQL, end) {
		return
	}
	before, after := m.Statements[0].Before, m.Statements[len(m.Statements)-1].After
	if before == nil || after == nil {
		return
	}
	var add []string
	for _, deployed := range touched {
		old := before.Relation(deployed.OID)
		if old == nil {
			continue
		}
		fresh := after.Lookup(old.Name.Schema, old.Name.Name)
		if fresh == nil {
			continue
		}
		var columns []string
		old.EachColumnPair(fresh, func(c, current *catalog.Column) {
			if c != current && analysis.HasOtherType(c, current) {
				columns = append(columns, c.Name)
			}
		})
		if len(columns) > 0 {
			add = appendUnique(add, recipe.RecompileFunctions(after, fresh, columns))
		}
	}
	if len(add) == 0 {
		return
	}
	slices.Sort(add)
	text := strings.Join(add, ";\n") + ";\n"
	s.SQL = strings.TrimSuffix(s.SQL, end) + text + end
	switch {
	case s.Undo == "":
	case strings.HasSuffix(s.Undo, end):
		s.Undo = strings.TrimSuffix(s.Undo, end) + text + end
	default:
		s.Undo = wrapTransaction(s.Undo + text)
	}
}
