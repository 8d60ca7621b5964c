package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnTypeRewrite flags a change of a column's type that writes the table anew.
// Which changes do not (varchar to text, a longer varchar, …) is measured, see
// the effects. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ColumnTypeRewrite = &rule.Rule{
	ID:       "column-type-rewrite",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "a change of a column's type that converts or checks the values rewrites the table while nobody can read it",
	Harm: "Unless the old and the new type are stored alike, each value is converted: the table and all its indexes are rewritten under ACCESS EXCLUSIVE. " +
		"Every query waits.",
	Instead: "Add a column of the new type, keep both in step with a trigger, copy the old rows in batches, " +
		"and switch the code over before the old column goes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: checkTypeRewrite,
}

func checkTypeRewrite(p *rule.Pass, s *rule.Stmt) {
	// The table is written once, however many columns ask for it.
	var sure, perhaps []typeChange
	var surely, possibleEffect *effect.Effect
	for _, r := range listRetypings(p, s) {
		switch e := p.FindBlocked(p.EffectsAlone(r.Command), analysis.IsRewritten); {
		case e == nil:
		case e.Unsure && mayAvoidRewrite(r.to) && !computesValues(r.Def.GetColumnDef().GetRawDefault()):
			perhaps, possibleEffect = append(perhaps, r), e
		default:
			sure, surely = append(sure, r), e
		}
	}
	switch {
	case len(sure) > 0:
		p.Report(commandsOf(sure), newWaitReport(surely, "changing "+describeChanges(sure)+" rewrites "+surely.Name.String(),
			"while each row is rewritten",
			adviseAvoidingRewrite(&sure[0])+hintTimezone(&sure[0])+":\n"+replaceColumnsSQL(sure)))
	case len(perhaps) > 0:
		p.Report(commandsOf(perhaps), rule.Report{
			Fact: "changing " + describeChanges(perhaps) + " may rewrite " + possibleEffect.Name.String() + ": the old type is not known",
			Harm: "unless both types are stored alike, " + analysis.DescribeWaiting(possibleEffect) +
				" waits while each row is rewritten, and the time grows with the table",
			Severity: onward.Warning,
			Instead:  "if they are not, copy into a column of the new type while the old one stays in use:\n" + replaceColumnsSQL(perhaps),
		})
	}
}

// adviseAvoidingRewrite says how to get to a type without a rewrite.
func adviseAvoidingRewrite(r *typeChange) string {
	switch {
	case r.domain == nil:
		return "copy into a column of the new type while the old one stays in use"
	case r.domain.Base.IsSame(r.from):
		return "leave the column its type, and put what the domain checks on the table, validated in a later transaction"
	}
	return "copy into a column of the domain's base type while the old one stays in use"
}

// mayAvoidRewrite reports whether some common type can become this one without a
// rewrite, so that an old type that is not known decides.
func mayAvoidRewrite(to catalog.Type) bool {
	switch to.Name.Name {
	case "text", "varchar", "varbit", "numeric", "timestamp", "timestamptz", "time", "timetz", "interval", "inet", "citext", "oid":
		return to.Array == 0
	}
	return to.Name.Schema != "pg_catalog"
}

// computesValues reports whether a USING clause makes new values, whatever the type
// of the column: it is more than the column itself, or a cast of it.
func computesValues(using *pgparse.Node) bool {
	using = pgparse.StripCasts(using)
	return using != nil && using.GetColumnRef() == nil && using.GetCollateClause() == nil
}

// hintTimezone adds what makes a change between timestamp and timestamptz free.
func hintTimezone(r *typeChange) string {
	if r.Def.GetColumnDef().GetRawDefault() != nil {
		return "" // USING
	}
	a, b := r.from.Name.Name, r.to.Name.Name
	if a == "timestamp" && b == "timestamptz" || a == "timestamptz" && b == "timestamp" {
		if mod := r.to.Mods; len(mod) == 1 && mod[0] < 6 {
			return "" // every value is rounded to it
		}
		return " (in a session with TimeZone UTC only the indexes on the column are rebuilt; that the values are UTC must be true)"
	}
	return ""
}
