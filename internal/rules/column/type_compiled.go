package column

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeCompiled flags a column that gets another type while PL/pgSQL functions read it from a record.
// https://www.postgresql.org/docs/current/plpgsql-implementation.html#PLPGSQL-PLAN-CACHING
var TypeCompiled = &rule.Rule{
	ID:       "column-type-compiled",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "another column type breaks PL/pgSQL functions that sessions have compiled with the old one",
	Harm: "A session keeps what PL/pgSQL compiled, with the type of each field of a record: NEW.total in a trigger, r.total after SELECT * INTO r. " +
		"If a column of that name gets another type, each call fails with \"type of parameter … does not match that when preparing the plan\" (42804). " +
		"It fails in every session that had called the function before, until its connection is closed. Another length or precision does no harm.",
	Instead: "Make the sessions compile the function again, in the transaction of the change. ALTER ROUTINE … RESET of a debugging parameter " +
		"changes nothing else.",
	Manual: []string{"https://www.postgresql.org/docs/current/plpgsql-implementation.html#PLPGSQL-PLAN-CACHING"},
	Commit: checkTypeCompiled,
}

// compiledColumn is a retyped column, and the functions that read it.
type compiledColumn struct {
	*rule.Delta
	uses     []analysis.FunctionUse
	severity onward.Severity
}

func checkTypeCompiled(p *rule.Pass, t *rule.Tx) {
	var all []compiledColumn
	for d := range p.DeployedChanges(t, catalog.ColumnTypeChanged) {
		if d.After == nil || d.Before.View != nil || d.Old.Name != d.New.Name || p.NewColumn(d, d.Old) || !analysis.HasOtherType(d.Old, d.New) {
			continue
		}
		uses := p.FunctionBodies(t).FindCompiledReads(&analysis.RetypedColumn{
			Table: d.After, Deployed: d.Before, Old: d.Old, New: d.New, Before: t.Before, Last: t.Migration.After(),
		})
		table := p.UsesTable(d)
		uses = slices.DeleteFunc(uses, func(u analysis.FunctionUse) bool { return u.Row != nil && table.IsIdle() })
		if len(uses) == 0 {
			continue
		}
		severity := onward.Warning
		for i := range uses {
			if u := &uses[i]; u.Sure && !u.Maybe && !u.Caught && u.By != "" && (u.Row == nil || table.Used) {
				severity = onward.Error
			}
		}
		all = append(all, compiledColumn{d, uses, severity})
	}
	type key struct {
		by    *rule.Stmt
		table catalog.OID
	}
	for _, list := range analysis.GroupByKey(all, func(x *compiledColumn) key { return key{x.By, x.OID} }) {
		reportCompiled(p, list)
	}
}

// reportCompiled reports the columns of a table that one statement gives another type.
func reportCompiled(p *rule.Pass, list []compiledColumn) {
	d, first := list[0], list[0].uses[0]
	r := rule.Report{Severity: onward.Warning}
	var columns, functions, recompileSQL []string
	for _, x := range list {
		columns = append(columns, x.New.Name)
		if x.severity == onward.Error {
			r.Severity = onward.Error
		}
		for i := range x.uses {
			u := &x.uses[i]
			if name := u.Signature(); !slices.Contains(functions, name) {
				functions, recompileSQL = append(functions, name), append(recompileSQL, recipe.RecompileFunction(u.Function))
				r.Evidence = append(r.Evidence, u.Evidence())
			}
		}
	}
	r.Fact = prose.EnumerateColumns(columns) + " of " + d.Before.Name.String() +
		prose.PickForm(len(columns), " gets another type", " get other types") + ", and " +
		prose.EnumerateNames(functions) + prose.PickForm(len(functions), " reads ", " read ") + prose.PickForm(len(columns), "it", "them") + " from a record"
	each := "each call"
	if first.Fires != "" {
		each = "each " + first.Fires
	} else if first.By != "" {
		each += " by " + first.By + first.Code
	}
	if first.Maybe {
		each += " and comes there"
	}
	r.Harm = each + " fails in sessions that have called " + first.Signature() + " before, until they reconnect: " + first.Error
	r.Instead = "make the sessions compile " + prose.PickForm(len(functions), "the function", "the functions") + " again, in the same transaction:\n" +
		d.By.SQL + ";\n" + strings.Join(recompileSQL, ";\n") + ";"
	p.Report(d, r)
}
