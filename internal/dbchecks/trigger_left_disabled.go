package dbchecks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var triggerLeftDisabled = &Check{Rule: rule.Rule{
	ID:       "trigger-left-disabled",
	Category: onward.Data, Severity: onward.Warning,
	Summary: "A trigger is disabled; with DISABLE TRIGGER ALL so are foreign keys",
	Harm: "Nobody sees it: rows are written, and what the trigger would do or refuse does not happen. " +
		"A backfill that rests on it, or on a foreign key whose triggers are off, works on rows that contradict the schema. " +
		"Left over, as a rule, from a load or a backfill that was cut short.",
	Instead: "ENABLE TRIGGER, and look for the rows that came in meanwhile: a foreign key is checked again by dropping it and adding it anew.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER"},
}, Scope: onward.ScopeDatabase, Metric: "triggers_disabled", Help: "Triggers that are disabled, including the triggers of foreign keys.", Look: checkDisabledTriggers}

const disabledSQL = `
SELECT n.nspname, c.relname, coalesce(k.conname, ''), coalesce(t.tgname, '')
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint AND t.tgisinternal
WHERE t.tgenabled = 'D' AND @user AND (NOT t.tgisinternal OR k.contype = 'f') ORDER BY 1, 2, 3, 4`

func checkDisabledTriggers(p *Pass) error {
	var schema, table, key, name string
	n, reportedObjects := 0, map[string]bool{}
	err := p.Each(disabledSQL, nil, []any{&schema, &table, &key, &name}, func() {
		n++
		shown, sql, qualified := formatRelation(schema, table)
		if key == "" {
			p.AddFinding(onward.Off, qualified+"."+name, fmt.Sprintf("trigger %s of %s is disabled", name, shown),
				"what it would do or refuse does not happen, and nobody sees it", "if that is not meant:\nALTER TABLE "+sql+" ENABLE TRIGGER "+quoteName(name)+";")
			return
		}
		if object := qualified + "." + key; !reportedObjects[object] {
			reportedObjects[object] = true
			p.AddFinding(onward.Off, object, fmt.Sprintf("foreign key %s is not enforced: its triggers on %s are disabled", key, shown),
				"rows are written and deleted that contradict it, and nobody sees it", "enable them, and look for rows that contradict it:\nALTER TABLE "+sql+
					" ENABLE TRIGGER ALL;")
		}
	})
	p.AddMeasure("", float64(n))
	return err
}
