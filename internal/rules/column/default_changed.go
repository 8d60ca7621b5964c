package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DefaultChanged mentions a default that becomes another one.
// https://www.postgresql.org/docs/current/sql-altertable.html
var DefaultChanged = &rule.Rule{
	ID:       "column-default-changed",
	Category: onward.Compatibility,
	Severity: onward.Info,
	Summary:  "another default changes what INSERTs of the deployed code mean",
	Harm: "Deployed code that leaves the column out gets the new value from the moment the migration commits, though it was written for the old one. " +
		"Rows that are there keep what they have.",
	Instead: "Where the deployed code depends on the old value, let it write the value itself first.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:  checkDefaultChanged,
}

func checkDefaultChanged(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.ColumnDefaultChanged) {
		if p.NewColumn(d, d.Old) ||
			d.Old.Default == nil || d.New.Default == nil || !d.IsColumnReplaced() && isAlsoRetyped(t, d) ||
			isSameDefault(d.Old.Default, d.New.Default) || isUnrelatedReplacement(p, t, d) || repeatsValue(t, d) {
			continue
		}
		if d.IsColumnReplaced() {
			if u := p.UsesColumn(d, d.Old); u.IsIdle() {
				continue // one that only keeps the other's values
			}
		}
		p.Report(d, rule.Report{
			Fact:    "the default of column " + d.New.Name + " of " + d.Before.Name.String() + " becomes " + d.New.DefaultText + " (was " + d.Old.DefaultText + ")",
			Harm:    "INSERTs of the deployed code that leave " + d.New.Name + " out get the new value from now on",
			Instead: "if the deployed code depends on the old value, let it write that value itself first",
		})
	}
}

// isAlsoRetyped reports whether the transaction changes the column's type, too.
func isAlsoRetyped(t *rule.Tx, d *rule.Delta) bool {
	return t.FindChange(catalog.ColumnTypeChanged, func(o *rule.Delta) bool { return o.Key == d.Key }) != nil
}

// isSameDefault reports whether two defaults give the same: casts do not count,
// the spellings of the transaction's time are one, and so are sequences.
func isSameDefault(a, b *pgparse.Node) bool {
	a, b = pgparse.StripCasts(a), pgparse.StripCasts(b)
	return catalog.SameExpr(a, b) || fillingFunction(a) != "" && fillingFunction(a) == fillingFunction(b)
}

// fillingFunction names what fills a column: "now", "nextval" or a uuid.
func fillingFunction(n *pgparse.Node) string {
	if v := n.GetSqlvalueFunction(); v != nil {
		switch v.GetOp() {
		case pgparse.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP, pgparse.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP:
			return "now"
		}
		return ""
	}
	names := n.GetFuncCall().GetFuncname()
	if len(names) == 0 {
		return ""
	}
	switch name := pgparse.LastText(names); name {
	case "now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "timezone":
		return "now"
	case "nextval":
		return name
	case "gen_random_uuid", "uuid_generate_v4", "uuidv4", "uuidv7":
		return "uuid"
	}
	return ""
}
