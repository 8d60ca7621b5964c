package trigger

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// demanding is a body that raises first of all where a column is NULL, whatever
// else it looks at: IF NEW.a IS NULL OR … THEN RAISE.
var demanding = lazyregexp.New(`(?is)^\s*(?:<<\w+>>\s*)?(?:declare\b(?:[^']|'[^']*')*?)?\bbegin\s+if\s+\(?\s*new\s*\.\s*"?(\w+)"?\s+is\s+null\s*\)?\s*(?:\bor\b[^;]*?)?\bthen\s+raise\s+(?:exception\b|'|sqlstate\b|using\b)`)

// findDemandedColumn is the column that a trigger refuses to see NULL in, and that is NULL
// in each row whose INSERT leaves it out: nothing else fills it.
func findDemandedColumn(c *catalog.Catalog, old, r *catalog.Relation, t *catalog.Trigger) *catalog.Column {
	fn := analysis.TriggerFunction(c, t)
	if fn == nil || !t.Row || !t.IsFor("insert") || !analysis.MentionsWord(strings.ToLower(fn.Body), "raise") {
		return nil
	}
	name, body := "", comments.ReplaceAllString(fn.Body, " ")
	if t.When != nil {
		if raising.MatchString(body) {
			name = findNullColumn(t.When)
		}
	} else if m := demanding.FindStringSubmatch(body); m != nil {
		name = m[1]
	}
	col := r.Column(name)
	if col == nil {
		col = r.Column(strings.ToLower(name))
	}
	if col == nil || col.NotNull || old.Inferred || old.Partial || col.Default != nil || col.Identity != "" || col.Generated != "" {
		return nil
	}
	fills := lazyregexp.New(`(?i)\bnew\s*\.\s*"?` + regexp.QuoteMeta(col.Name) + `"?\s*:?=|\binto\s+new\b`)
	for _, other := range r.Triggers {
		if other.ID == t.ID || other.Timing != "before" {
			continue
		}
		if fn := analysis.TriggerFunction(c, other); fn == nil || fills.MatchString(fn.Body) {
			return nil
		}
	}
	return col
}

// findNullColumn is the column whose NULL alone fulfils a condition: NEW.a IS NULL OR ….
func findNullColumn(condition *pgparse.Node) string {
	switch m := pgparse.Unwrap(condition).(type) {
	case *pgparse.BoolExpr:
		if m.GetBoolop() == pgparse.BoolExprType_OR_EXPR {
			for _, n := range m.GetArgs() {
				if name := findNullColumn(n); name != "" {
					return name
				}
			}
		}
	case *pgparse.NullTest:
		if name, row := parseFieldRef(m.GetArg()); m.GetNulltesttype() == pgparse.NullTestType_IS_NULL && row == "new" {
			return name
		}
	}
	return ""
}

// alwaysRaises reports whether a trigger always fails, by its author's will: it has no
// condition, and its function begins with RAISE.
func alwaysRaises(c *catalog.Catalog, t *catalog.Trigger) bool {
	fn := analysis.TriggerFunction(c, t)
	return fn != nil && t.When == nil && len(t.Columns) == 0 && analysis.MentionsWord(strings.ToLower(fn.Body), "raise") &&
		raising.MatchString(comments.ReplaceAllString(fn.Body, " "))
}
