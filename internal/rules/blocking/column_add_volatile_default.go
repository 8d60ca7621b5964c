package blocking

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnAddVolatileDefault flags ADD COLUMN with a default that has another value in
// each row. Since Postgres 11 the value of any other default is stored once,
// in the catalog: now() is STABLE and does not rewrite.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ColumnAddVolatileDefault = &rule.Rule{
	ID:       "column-add-volatile-default",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD COLUMN with a volatile default rewrites the table while nobody can read it",
	Harm: "A volatile default (gen_random_uuid(), random(), clock_timestamp(), nextval()) is computed for every row, " +
		"so the table and all its indexes are rewritten. The ACCESS EXCLUSIVE lock is held for all of it: every query waits.",
	Instead: "Add the column without a default, which is instant. Set the default for new rows, fill the old ones in batches, then add NOT NULL without a scan.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
		"https://www.postgresql.org/docs/current/xfunc-volatility.html",
	},
	Kinds:     rule.AlterTable,
	Statement: checkAddVolatileDefault,
}

func checkAddVolatileDefault(p *rule.Pass, s *rule.Stmt) {
	var w sharedWork
	var worst *effect.Effect
	value := "the default"
	for a, e := range listRewrites(p, s, fromDefault) {
		if worst == nil || worst.Unsure && !e.Unsure {
			worst = e
		}
		w.add(a.Command, e, a.column.Name, a.fillSQL(s))
		value = a.defaultText()
	}
	if worst == nil {
		return
	}
	fact := "adding column " + w.names[0] + " with a volatile default"
	if len(w.names) > 1 {
		fact, value = "adding columns "+prose.EnumerateNames(w.names)+" with volatile defaults", "the default"
	}
	r := newWaitReport(worst, fact+" rewrites "+worst.Name.String(), "while "+value+" is computed for each row",
		"add it without the default, then fill it in batches:\n"+strings.Join(w.steps, "\n"))
	r.Steps = w.steps
	if r.Severity = analysis.UnsureSeverity(worst); worst.Unsure {
		r.Harm = worst.Why + ": if it is, " + r.Harm
	}
	p.Report(w.at, r)
}

// defaultText is the default as written.
func (a *newColumn) defaultText() string {
	if a.column.DefaultText == "" {
		return "the default"
	}
	return a.column.DefaultText
}

// fillSQL is the SQL that gives a column its default without a rewrite.
func (a *newColumn) fillSQL(s *rule.Stmt) string {
	_, column := a.sqlNames()
	out := recipe.FilledColumn{Table: a.table.Name, Column: column, Type: a.typ, Default: a.defaultText(), Value: a.defaultText()}.Statements()
	if a.column.NotNull {
		out += "\n" + requireNotNullSQL(a.table.Name, a.column.Name)
	}
	return out + a.followingConstraintsSQL(s)
}
