package dbchecks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

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
