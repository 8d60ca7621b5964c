package column

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddVolatileDefault flags ADD COLUMN with a default that has another value in
// each row. Since Postgres 11 the value of any other default is stored once,
// in the catalog: now() is STABLE and does not rewrite.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var AddVolatileDefault = &rule.Rule{
	ID:       "column-add-volatile-default",
	Category: onward.Locking,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "ADD COLUMN with a volatile default rewrites the table while nobody can read it",
	Harm: "A volatile default (gen_random_uuid(), random(), clock_timestamp(), nextval()) is computed for every row, " +
		"so the table and all its indexes are rewritten. The ACCESS EXCLUSIVE lock is held for all of it: every query waits.",
	Instead: "Add the column without a default, which is instant. Set the default for new rows, fill the old ones in batches, then add NOT NULL without a scan.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
		"https://www.postgresql.org/docs/current/xfunc-volatility.html",
	},
	Kinds:     rule.AlterTable,
	Statement: addVolatileDefault,
}

func addVolatileDefault(p *rule.Pass, s *rule.Stmt) {
	// The table is written once, however many columns ask for it.
	var found []addition
	var at rule.Commands
	var names, steps []string
	var worst *effect.Effect
	for _, a := range listAdditions(p, s) {
		e := a.findRewrite(p)
		if a.origin != fromDefault || e == nil {
			continue
		}
		if worst == nil || worst.Unsure && !e.Unsure {
			worst = e
		}
		found, at = append(found, a), append(at, a.Command)
		names = append(names, a.column.Name)
		steps = append(steps, a.fillSQL())
	}
	if len(found) == 0 {
		return
	}
	fact, value := "adding column "+names[0]+" with a volatile default", found[0].defaultText()
	if len(found) > 1 {
		fact, value = "adding columns "+prose.EnumerateNames(names)+" with volatile defaults", "the default"
	}
	harm := analysis.DescribeWaiting(worst) + " waits while " + value + " is computed for each row, and the time grows with the table"
	if worst.Unsure {
		harm = worst.Why + ": if it is, " + harm
	}
	p.Report(at, rule.Report{
		Fact:     fact + " rewrites " + worst.Name.String(),
		Harm:     harm,
		Grows:    worst.Name,
		Severity: analysis.UnsureSeverity(worst),
		Instead:  "add it without the default, then fill it in batches:\n" + strings.Join(steps, "\n"),
	})
}

// defaultText is the default as written.
func (a *addition) defaultText() string {
	if a.column.DefaultText == "" {
		return "the default"
	}
	return a.column.DefaultText
}

// fillSQL is the SQL that gives a column its default without a rewrite.
func (a *addition) fillSQL() string {
	_, column := a.sqlNames()
	out := recipe.FilledColumn{Table: a.table.Name, Column: column, Type: a.typ, Default: a.defaultText(), Value: a.defaultText()}.Statements()
	if a.column.NotNull {
		out += "\n" + proveNotNullSQL(a.table, []string{a.column.Name})
	}
	return out
}
