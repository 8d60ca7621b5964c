package trigger

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
)

var (
	// guarding matches a body that raises an exception under one condition, before it does anything else.
	guarding = lazyregexp.New(`(?is)^\s*(?:<<\w+>>\s*)?begin\s+if\s+([^;]+?)\s+then\s+raise\s+(?:exception\b|'|sqlstate\b|using\b)`)
	// currentSetting matches the value of a session's setting. It is NULL while nothing has set it.
	currentSetting = lazyregexp.New(`(?i)\b(?:pg_catalog\s*\.\s*)?current_setting\s*\(\s*'(\w+\.[\w.]+)'\s*,\s*(?:true|'t(?:rue)?')\s*\)`)
)

// findGuardSetting returns the one setting of a session that a trigger's function asks for before it raises an exception, and the results of that
// condition while the setting is unset. It returns "" for every other function.
func findGuardSetting(c *catalog.Catalog, t *catalog.Trigger) (name string, unset predicate.Outcomes) {
	fn := analysis.TriggerFunction(c, t)
	if fn == nil || fn.Language != "plpgsql" || t.When != nil || countRaises(fn.Body) != 1 {
		return "", 0
	}
	guard := guarding.FindStringSubmatch(comments.ReplaceAllString(fn.Body, " "))
	if guard == nil {
		return "", 0
	}
	for _, m := range currentSetting.FindAllStringSubmatch(guard[1], -1) {
		if name != "" && name != strings.ToLower(m[1]) {
			return "", 0
		}
		name = strings.ToLower(m[1])
	}
	condition := pgparse.ParseExpression(currentSetting.ReplaceAllString(guard[1], "NULL"))
	if name == "" || condition == nil {
		return "", 0
	}
	return name, new(predicate.Row).Evaluate(condition)
}

// isSettingNeverSet reports whether neither the deployed code nor another function of the schema sets the setting that a trigger asks for.
func isSettingNeverSet(p *rule.Pass, c *catalog.Catalog, t *catalog.Trigger, setting string) bool {
	if u := p.Code.FindSettings(setting); !u.Known || u.Used {
		return false
	}
	isNamed := false
	c.EachFunction(func(f *catalog.Function) bool {
		isNamed = f.Name != t.Function && strings.Contains(strings.ToLower(f.Body), setting)
		return !isNamed
	})
	return !isNamed
}
