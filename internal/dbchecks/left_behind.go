package dbchecks

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

var indexInvalid = &Check{Rule: rule.Rule{
	ID:       "index-invalid",
	Category: onward.ReleaseOrder, Severity: onward.Warning,
	Summary: "A concurrent build that failed left an invalid index",
	Harm: "No query uses it, and every write still pays for it; a unique one is not enforced for rows that were there before. " +
		"The migration that builds it fails the next time, because the name exists, or skips it with IF NOT EXISTS, and the index never becomes valid.",
	Instead: "Drop it with DROP INDEX CONCURRENTLY and build it again; REINDEX INDEX CONCURRENTLY does both. " +
		"The index of a running build is invalid until the build ends, and is not reported.",
	Manual: []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
}, Scope: onward.ScopeDatabase, Metric: "indexes_invalid", Help: "Indexes that a failed build left.", Look: checkInvalidIndexes}

// An index of a partitioned table is invalid until each partition has a matching index. It
// is usually still being built, so it has its own message.
const invalidIndexesSQL = `
SELECT n.nspname, c.relname, t.relname, c.relkind = 'I', i.indisready,
	EXISTS (SELECT FROM pg_stat_progress_create_index b WHERE c.oid = b.index_relid OR t.oid = b.relid),
	EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = current_database()
		AND l.relation = t.oid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND @user
ORDER BY 1, 2`

func checkInvalidIndexes(p *Pass) error {
	var schema, name, table string
	var partitioned, ready, building, locked bool
	n := 0
	err := p.Each(invalidIndexesSQL, nil, []any{&schema, &name, &table, &partitioned, &ready, &building, &locked}, func() {
		if building {
			return
		}
		shown, sql, qualified := formatRelation(schema, name)
		if locked && !p.stats {
			p.AddOpaque("whether invalid index "+shown+" is being built", explainMissingRight(p, "what other roles build"))
			return
		}
		n++
		switch {
		case partitioned:
			p.AddFinding(onward.Warning, qualified, "index "+shown+" of the partitioned table "+table+" is not valid: a partition has none that belongs to it",
				"queries on that partition have no index, and a unique one is not enforced across partitions",
				"build one on each partition CONCURRENTLY, and attach it:\nALTER INDEX "+sql+" ATTACH PARTITION …;")
		default:
			cost := "no query uses it"
			if ready {
				cost += ", and every write to " + table + " pays for it"
			}
			p.AddFinding(onward.Warning, qualified, "index "+shown+" of "+table+" is invalid: its build failed",
				cost+"; building it again fails because the name exists, or skips it with IF NOT EXISTS",
				"drop it, and build it again:\nDROP INDEX CONCURRENTLY "+sql+";")
		}
	})
	p.AddMeasure("", float64(n))
	return err
}

var constraintLeftNotValid = &Check{Rule: rule.Rule{
	ID:       "constraint-left-not-valid",
	Category: onward.ReleaseOrder, Severity: onward.Warning,
	Summary: "A constraint was added NOT VALID, and nobody has validated it",
	Harm: "It holds for rows that are written later; older rows may contradict it, nothing reports them, and the planner does not use it. " +
		"SET NOT NULL that relies on such a CHECK reads the whole table under its lock. A constraint that is NOT ENFORCED is not reported.",
	Instead: "VALIDATE CONSTRAINT: it reads the table, and lets others read and write meanwhile.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT"},
}, Scope: onward.ScopeDatabase, Metric: "constraints_not_valid", Help: "Constraints that are enforced and not validated.", Look: checkUnvalidatedConstraints}

const notValidSQL = `
SELECT n.nspname, t.relname, c.conname, c.contype::text
FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE NOT c.convalidated AND c.conparentid = 0 AND c.coninhcount = 0 AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) AND @user ORDER BY 1, 2, 3`

func checkUnvalidatedConstraints(p *Pass) error {
	var schema, table, name, kind string
	n := 0
	err := p.Each(notValidSQL, nil, []any{&schema, &table, &name, &kind}, func() {
		n++
		shown, sql, qualified := formatRelation(schema, table)
		kindName := map[string]string{"f": "foreign key", "c": "check constraint", "n": "not-null constraint"}[kind]
		p.AddFinding(onward.Off, qualified+"."+name, fmt.Sprintf("%s %s of %s is not valid", kindName, name, shown),
			"older rows may contradict it, and the planner believes nothing of it", "validate it; nobody is kept from reading or writing:\nALTER TABLE "+sql+
				" VALIDATE CONSTRAINT "+quoteName(name)+";")
	})
	p.AddMeasure("", float64(n))
	return err
}

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
