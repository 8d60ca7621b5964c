package column

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeIncompatible flags a type that deployed code does not expect: what it
// reads means something else, or what it writes is refused. How long the
// change takes is column-type-rewrite's.
// https://www.postgresql.org/docs/current/sql-altertable.html
var TypeIncompatible = &rule.Rule{
	ID:       "column-type-incompatible",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "another column type breaks deployed code that reads, writes or compares the old one",
	Harm: "Deployed code binds parameters and decodes results by the type that it was written for. " +
		"Against another type comparisons fail with \"operator does not exist\", parameters are refused, longer or larger values no longer fit, " +
		"and a change between timestamp and timestamptz moves times by the session's time zone.",
	Instead: "Add a column of the new type, write both, copy the old values in batches, read the new one, and drop the old one a release later.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html", "https://www.postgresql.org/docs/current/typeconv.html"},
	Commit:  checkTypeIncompatible,
}

// retypedColumn is a column that gets another type, and what comes of it.
type retypedColumn struct {
	*rule.Delta
	analysis.Usage
	severity onward.Severity
	harm     string
}

func checkTypeIncompatible(p *rule.Pass, t *rule.Tx) {
	var all []retypedColumn
	for d := range p.DeployedChanges(t, catalog.ColumnTypeChanged) {
		if d.Before.View != nil || p.NewColumn(d, d.Old) || isReplacedEmpty(p, t, d) {
			continue
		}
		severity, harm := judgeTypeChange(t.After, baseType(t.Before, d.Old.Type), baseType(t.After, d.New.Type))
		if severity == onward.Off {
			continue
		}
		u := p.UsesColumn(d, d.Old)
		switch {
		case d.IsColumnReplaced() && analysis.IsSetByTrigger(t.Before, d.Before, d.Old.Name):
			continue // a trigger kept it for the exchange: what code writes there is lost
		case u.IsIdle() && (u.Sure || d.IsColumnReplaced()):
			continue
		case u.IsIdle():
			severity = onward.Info
		case severity == onward.Error && !d.IsColumnReplaced() && isRewritten(p, d):
			severity = onward.Warning // column-type-rewrite has the error
		case harm == milder[[2]string{"uuid", "text"}] && usesGoStrings(u.Evidence):
			severity, harm = onward.Info, "the deployed code keeps it as a string, which fits both types"
		}
		all = append(all, retypedColumn{d, u, u.LowerSeverity(severity), harm})
	}
	type key struct {
		by       *rule.Stmt
		table    catalog.OID
		severity onward.Severity
		harm     string
	}
	for _, list := range analysis.GroupByKey(all, func(x *retypedColumn) key { return key{x.By, x.OID, x.severity, x.harm} }) {
		reportRetypedColumns(p, list)
	}
}

// reportRetypedColumns reports the columns that one statement gives another type, to
// the same end.
func reportRetypedColumns(p *rule.Pass, list []retypedColumn) {
	d, n := list[0], len(list)
	var names, adds []string
	var uses []analysis.Usage
	sameTypes := true
	for _, x := range list {
		names, uses = append(names, x.Old.Name), append(uses, x.Usage)
		adds = append(adds, "ADD COLUMN "+pgparse.QuoteIdent(catalog.ObjectName(x.Old.Name, "", "new"))+" "+analysis.QuoteType(x.New.Type))
		sameTypes = sameTypes && x.New.Type.String() == d.New.Type.String() && x.Old.Type.String() == d.Old.Type.String()
	}
	u := analysis.MergeUsages(uses)
	fact := prose.EnumerateColumns(names) + " of " + d.Before.Name.String()
	if sameTypes {
		fact += prose.PickForm(n, " becomes ", " become ") + d.New.Type.String() + " (was " + d.Old.Type.String() + ")"
	} else {
		fact += " get other types, " + d.Old.Name + " " + d.New.Type.String() + " (was " + d.Old.Type.String() + ")"
	}
	instead := "add " + prose.PickForm(n, "a column", "columns") + " of the new type, keep both in step, and drop " +
		prose.PickForm(n, names[0], "the old ones") + " a release later:\nALTER TABLE " + analysis.QuoteTable(d.TableName()) + " " + strings.Join(adds,
		", ") + ";"
	if d.IsColumnReplaced() {
		instead = "release code that takes both types first, and exchange the columns a release later"
	}
	r := rule.Report{
		Fact:     fact,
		Harm:     d.harm + u.FirstPlace(),
		Instead:  instead,
		Severity: d.severity,
		Evidence: u.Evidence,
	}
	if sameTypes && (d.severity == onward.Info || isTimestamp(d.Old.Type) && isTimestamp(d.New.Type)) {
		// A schema may change one type in all its tables. Changes that fail at once are
		// reported separately, because each breaks other code.
		r.Cause = "and %d other changes from " + d.Old.Type.String() + " to " + d.New.Type.String() + " follow"
	}
	p.Report(d, r)
}

var (
	stringField = lazyregexp.New(`^\w+\s+(?:\*?string|sql\.NullString)\b`)
	uuidInCode  = lazyregexp.New(`(?i)uuid`)
)

// usesGoStrings reports whether the places that use a column are fields of Go that hold a string, and queries. Drivers of Go send
// and read such a value as text, whether its column is a uuid or a text.
func usesGoStrings(places []onward.Evidence) bool {
	found := false
	for _, e := range places {
		if !strings.HasSuffix(e.Path, ".go") || uuidInCode.MatchString(e.Text) {
			return false
		}
		found = found || stringField.MatchString(e.Text)
	}
	return found
}

func isTimestamp(t catalog.Type) bool { return strings.HasPrefix(t.Name.Name, "timestamp") }

func isRewritten(p *rule.Pass, d *rule.Delta) bool {
	if d.By.Result.Refused != nil {
		return true // release-statement-refused has told of it
	}
	return p.FindBlocked(&d.By.Result, func(e *effect.Effect) bool { return e.Rewrites }) != nil
}

// baseType returns the base type of a domain.
func baseType(c *catalog.Catalog, t catalog.Type) catalog.Type {
	for range 8 {
		u := c.Type(t.OID)
		if u == nil || u.Kind != catalog.Domain || t.Array > 0 {
			break
		}
		t = u.Base
	}
	return t
}
