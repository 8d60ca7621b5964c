package dbchecks

import (
	"maps"
	"slices"
	"time"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// columnPastSunset checks in the database what the rule of the same name checks in
// migrations. It reads the existing comments, whoever wrote them. It uses that rule's
// page.
var columnPastSunset = &Check{Rule: rule.Rule{
	ID:       "column-past-sunset",
	Category: onward.Configuration, Severity: onward.Error,
	Summary: "A deprecated column is still there after the day on which it was to go",
}, Scope: onward.ScopeDatabase, Look: checkOverdueColumns, shared: true}

const sunsetsSQL = `
WITH said AS (SELECT d.objoid, d.objsubid, d.description FROM pg_description d WHERE d.classoid = 'pg_class'::regclass AND d.objsubid > 0 AND d.description ILIKE '%onward:%')
SELECT n.nspname || '.' || c.relname, a.attname, coalesce(said.description, '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN said ON said.objoid = c.oid AND said.objsubid = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND @user
	AND (said.objoid IS NOT NULL OR n.nspname || '.' || c.relname || '.' || a.attname = ANY($1::text[]))
ORDER BY 1, 2`

func checkOverdueColumns(p *Pass) error {
	configured := map[string]deprecation.Deprecation{}
	for name, words := range p.Deprecated {
		d, err := deprecation.Parse(words)
		if err != nil {
			continue // reading onward.yaml has refused it
		}
		if d.Relation, d.Column, err = deprecation.SplitColumnName(name); err == nil {
			configured[d.Relation+"."+d.Column] = d
		}
	}
	today := p.Now.UTC().Format(time.DateOnly)
	var table, column, comment string
	return p.Each(sunsetsSQL, []any{slices.Sorted(maps.Keys(configured))}, []any{&table, &column, &comment}, func() {
		d, ok := configured[table+"."+column]
		if !ok {
			var err error
			if d, ok, err = deprecation.ParseComment(comment); err != nil {
				p.AddOpaque("when "+column+" of "+formatTables([]string{table})[0]+" is to go", "its comment cannot be read: "+err.Error())
				return
			}
		}
		if ok && d.IsOver(today) {
			p.AddFinding(onward.Off, table+"."+column, column+" of "+formatTables([]string{table})[0]+" was to be removed after "+d.RemoveAfter+", and is still there",
				"the promise is not kept, and every release carries the column on", "drop it when nothing uses it (onward record --deny-deprecated tells), "+
					"or write a later day, with the reason")
		}
	})
}
