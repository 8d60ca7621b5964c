package column

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddRequired flags a new column that every INSERT has to name.
// https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN
var AddRequired = &rule.Rule{
	ID:       "column-add-required",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a new NOT NULL column without a default makes every INSERT of the deployed code fail",
	Harm: "The deployed code does not know the column and leaves it out, so each of its INSERTs fails with \"null value in column violates not-null " +
		"constraint\". Frameworks that add the column with a default and drop the default at once leave the same state. " +
		"Without any default the statement itself fails if the table has rows.",
	Instead: "Keep a default in the database until no old code runs any more, or add the column nullable and make it NOT NULL in a later release.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN"},
	Commit:  checkAddRequired,
}

// demandedColumn is a new column that INSERTs have to name, and the statement that
// makes it so: the one that drops its default, or that sets NOT NULL.
type demandedColumn struct {
	*rule.Delta
	gone, bound *rule.Stmt
}

func checkAddRequired(p *rule.Pass, t *rule.Tx) {
	var all []demandedColumn
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if isRequiredUnderNewName(p, t, d) {
			u := p.UsesTable(d)
			p.Report(d, rule.Report{
				Fact: "column " + d.Old.Name + " of " + d.Before.Name.String() + " is renamed to " + d.New.Name + ", and is NOT NULL though another column takes its name",
				Harm: "every INSERT of the deployed code writes " + d.Old.Name + ", leaves " + d.New.Name + " out and fails: null value in column \"" + d.New.Name +
					"\" violates not-null constraint",
				Instead:  "let it be null, or give it a default, in the same transaction:\n" + recipe.DropNotNull(d.TableName(), d.New.Name) + ";",
				Severity: lowerSeverityByUse(severityIfFilled(t.After, d.After, d.New.Name), u),
				Evidence: u.InsertPlaces(),
			})
			continue
		}
		if d.Kind != catalog.ColumnAdded || !p.IsDeployed(d) || d.Before.View != nil || d.Before.Kind == catalog.CompositeType ||
			d.Before.Column(d.New.Name) != nil || !isInsertRequired(t.After, d.New) || isFilledByTriggers(p, t.After, d, d.New.Name) {
			continue
		}
		if u := p.Code.FindUses(d.Before.Name, d.New.Name); u.Used && u.Sure && !u.Defaulted {
			continue // the deployed models have the column: it is the migration that is late
		}
		dropStmt, bindingStmt := findDefaultDrop(t, d), findBindingStatement(t, d)
		if (dropStmt != nil || bindingStmt != d.By) && analysis.IsSetByTrigger(t.After, d.After, d.New.Name) {
			continue // a trigger speaks for the deployed code
		}
		all = append(all, demandedColumn{d, dropStmt, bindingStmt})
	}
	type key struct {
		by, gone, bound *rule.Stmt
		table           catalog.OID
	}
	for _, list := range analysis.GroupByKey(all, func(x *demandedColumn) key { return key{x.By, x.gone, x.bound, x.OID} }) {
		reportRequiredColumns(p, t.After, list)
	}
}

// isRequiredUnderNewName reports whether INSERTs have to name a column under a name that the
// deployed code does not know, while another has taken the one that it knows.
func isRequiredUnderNewName(p *rule.Pass, t *rule.Tx, d *rule.Delta) bool {
	return d.Kind == catalog.ColumnRenamed && p.IsDeployed(d) && d.Before.Kind.IsTable() && !p.NewColumn(d, d.Old) &&
		d.Before.Column(d.New.Name) == nil && d.After.Column(d.Old.Name) != nil && isInsertRequired(t.After, d.New)
}

// reportRequiredColumns reports the columns that one statement adds, for one reason.
func reportRequiredColumns(p *rule.Pass, after *catalog.Catalog, list []demandedColumn) {
	d, n := list[0], len(list)
	u := p.UsesTable(d.Delta)
	every := "every INSERT of the deployed code leaves "
	if u.ShowsNoInsert() {
		every = "nothing in the deployed code that was seen INSERTs into it; an INSERT elsewhere leaves "
	}
	table := analysis.QuoteTable(d.TableName())
	var names, added []string
	for _, x := range list {
		names = append(names, x.New.Name)
		added = append(added, recipe.AddColumn(d.TableName(), x.New.Name, analysis.QuoteType(x.New.Type)+" NOT NULL DEFAULT …;\n"))
	}
	pronoun := prose.PickForm(n, "it", "them")
	r := rule.Report{
		Fact: prose.EnumerateColumns(names) + prose.PickForm(n, " is", " are") + " added to " + d.Before.Name.String() + " as NOT NULL without a default",
		Harm: every + prose.EnumerateNames(names) + " out and fails: null value in column \"" + d.New.Name + "\" violates not-null constraint" +
			describeFiller(after, d.After, names...),
		Severity: severityIfFilled(after, d.After, names...),
		Cause:    "and %d more on " + d.Before.Name.String() + " are too",
		Instead: "give " + pronoun + " " + prose.PickForm(n, "a default", "defaults") + " that " + prose.PickForm(n, "stays", "stay") +
			" until no old code runs any more:\n" + strings.Join(added, "") +
			"or add " + pronoun + " nullable now and NOT NULL a release later",
	}
	if n == 1 {
		r.Way = advice.AddDefault{Table: table, Column: pgparse.QuoteIdent(d.New.Name)}
	}
	switch {
	case d.gone != nil:
		r.Fact += ": the default is dropped at " + d.gone.RelativePlace(d.By)
		r.Evidence = append([]onward.Evidence{d.gone.NewEvidence("drops the default")}, u.InsertPlaces()...)
		r.Severity = lowerSeverityByUse(r.Severity, u)
		r.Instead = "leave the default in place (take out " + d.gone.RelativePlace(d.By) + ") until no old code runs any more, and drop it a release later"
	case d.bound != d.By:
		r.Fact += ": " + prose.PickForm(n, "it is", "they are") + " NOT NULL since " + d.bound.RelativePlace(d.By)
		r.Evidence = append([]onward.Evidence{d.bound.NewEvidence("sets NOT NULL")}, u.InsertPlaces()...)
		r.Severity = lowerSeverityByUse(r.Severity, u)
		r.Instead = "leave " + pronoun + " nullable (take out " + d.bound.RelativePlace(d.By) + "), and set NOT NULL a release later, when no old code runs any more"
	default:
		r.Evidence = u.InsertPlaces()
		r.Harm = "on a table with rows the statement fails: column \"" + d.New.Name + "\" contains null values; on an empty one " + r.Harm
	}
	p.Report(d, r)
}

// lowerSeverityByUse returns a severity, or what the deployed code's use of the table makes of
// it: no INSERT of code that does not use the table fails.
func lowerSeverityByUse(s onward.Severity, u analysis.Usage) onward.Severity {
	if (u.IsOnlyNamed() || u.ShowsNoInsert()) && (s == onward.Off || s > onward.Warning) {
		s = onward.Warning // nothing shows an INSERT
	}
	if s == onward.Off || u.DropSeverity() < s {
		return u.DropSeverity()
	}
	return s
}

// findBindingStatement finds the statement that made a new column NOT NULL: the one that added
// it, or a later one.
func findBindingStatement(t *rule.Tx, d *rule.Delta) *rule.Stmt {
	for _, x := range t.Changes(d.Key) {
		if x.New != nil && x.New.NotNull {
			return x.By
		}
	}
	return d.By
}

// findDefaultDrop finds the statement that took the default of a new column
// away again.
func findDefaultDrop(t *rule.Tx, d *rule.Delta) *rule.Stmt {
	for _, x := range t.Changes(d.Key) {
		if x.Kind == catalog.ColumnDefaultChanged && x.New.Default == nil {
			return x.By
		}
	}
	return nil
}
