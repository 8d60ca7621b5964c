package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropDefault flags a column that loses what filled it: a NOT NULL one its default,
// identity or generation expression, any the numbers of its sequence.
// https://www.postgresql.org/docs/current/sql-altertable.html
var DropDefault = &rule.Rule{
	ID:       "column-drop-default",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "dropping the default of a NOT NULL column makes INSERTs that leave it out fail",
	Harm: "Deployed code that leaves the column out of its INSERTs relies on the default. " +
		"Without it each of them fails with \"null value in column violates not-null constraint\". " +
		"For a column that this release added, that is every INSERT of the deployed code.",
	Instead: "Drop the default a release after the code that names the column in every INSERT, when no older code runs any more.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:  checkDropDefault,
}

func checkDropDefault(p *rule.Pass, t *rule.Tx) {
	var all []undefaultedColumn
	for i := range t.Deltas {
		d := &t.Deltas[i]
		x := undefaultedColumn{Delta: d}
		switch d.Kind {
		case catalog.ColumnDefaultChanged:
			x.what = "default"
		case catalog.ColumnIdentityChanged:
			x.what = "identity"
		case catalog.ColumnGeneratedChanged:
			x.what = "generation expression"
		default:
			continue
		}
		if p.IsDeployed(d) && judgeUnnumbered(p, t, d) {
			continue
		}
		if isDroppedWithSequence(d) {
			continue // table-drop-cascade
		}
		if !p.IsDeployed(d) || d.Before.View != nil || !d.Old.NotNull && !d.Old.Inferred || isInsertRequired(t.Before, d.Old) && !d.Old.Inferred ||
			!isInsertRequired(t.After, d.New) {
			continue
		}
		if x.judgeUndefaulted(p, t.After) {
			x.severity = p.UsesTable(d).LowerSeverity(x.severity)
			all = append(all, x)
		}
	}
	type key struct {
		by         *rule.Stmt
		table      catalog.OID
		what, harm string
		severity   onward.Severity
	}
	for _, list := range analysis.GroupByKey(all, func(x *undefaultedColumn) key { return key{x.By, x.OID, x.what, x.harm, x.severity} }) {
		reportDroppedDefaults(p, t, list)
	}
}

// reportDroppedDefaults reports columns of one table that one statement takes the default
// of, and that are a hazard for one reason.
func reportDroppedDefaults(p *rule.Pass, t *rule.Tx, list []undefaultedColumn) {
	d := list[0]
	if d.IsColumnReplaced() {
		p.Report(d, rule.Report{
			Fact:     describeTakenName(d.Delta) + ", which is NOT NULL and has no default (it was " + describeOrigin(d.Old) + ")",
			Harm:     d.harm,
			Instead:  adviseRefill(t, d.Delta),
			Severity: d.severity,
			Evidence: d.uses.Evidence,
		})
		return
	}
	var names []string
	var uses []analysis.Usage
	for _, x := range list {
		names, uses = append(names, x.New.Name), append(uses, x.uses)
	}
	p.Report(d, rule.Report{
		Fact: prose.PickForm(len(list), "the "+d.what, "the "+d.what+"s") + " of " + prose.EnumerateColumns(names) + " of " + d.Before.Name.String() +
			prose.PickForm(len(list), ", which is NOT NULL, is", ", which are NOT NULL, are") + " dropped",
		Harm:     d.harm,
		Instead:  prose.PickForm(len(list), "drop it", "drop them") + " a release later, when no old code runs any more",
		Way:      adviseKeepDefault(p, d.Delta),
		Severity: d.severity,
		Evidence: analysis.MergeUsages(uses).Evidence,
		Cause:    "and so are %d others",
	})
}

// adviseKeepDefault returns the fix for a framework that adds the column with a default and drops
// the default in a second transaction. Such a framework has no later release for the
// second part.
func adviseKeepDefault(p *rule.Pass, d *rule.Delta) advice.Way {
	if !p.NewColumn(d, d.Old) {
		return nil
	}
	return advice.KeepDefault{Table: analysis.QuoteTable(d.TableName()), Column: pgparse.QuoteIdent(d.Old.Name)}
}

// isNumberedKey reports whether a column was a primary key that the server fills
// in: mappers, too, leave it out.
func isNumberedKey(d *rule.Delta) bool {
	return (d.Old.Identity != "" || d.Old.Sequence != 0) && slices.ContainsFunc(d.Before.Constraints, func(c *catalog.Constraint) bool {
		return c.Kind == catalog.PrimaryKey && len(c.Columns) == 1 && c.Columns[0] == d.Old.Attnum
	})
}

// isDroppedWithSequence reports whether a default went with the sequence of a table or column
// that was dropped.
func isDroppedWithSequence(d *rule.Delta) bool {
	if d.Kind != catalog.ColumnDefaultChanged || d.Old.Takes == 0 || d.By.After.Relation(d.Old.Takes) != nil ||
		d.By.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_SEQUENCE {
		return false
	}
	return d.By.Node.GetDropStmt() != nil || slices.ContainsFunc(d.By.Node.GetAlterTableStmt().GetCmds(), func(n *pgparse.Node) bool {
		return n.GetAlterTableCmd().GetSubtype() == pgparse.AlterTableType_AT_DropColumn
	})
}
