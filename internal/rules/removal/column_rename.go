package removal

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnRename flags RENAME COLUMN while deployed code may use the old name.
// https://www.postgresql.org/docs/current/sql-altertable.html
var ColumnRename = &rule.Rule{
	ID:       "column-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "RENAME COLUMN breaks deployed code that knows the column by its old name",
	Harm: "No moment suits old and new code both: before the rename the new code fails, after it the old. " +
		"Every query that names the old column fails with \"column does not exist\" until the last instance of the old code is gone. Views follow the rename; " +
		"the bodies of functions keep the old name, and fail.",
	Instead: "Add a column of the new name, write both, copy the old values in batches, read the new one, and drop the old column a release later.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:  checkColumnRename,
}

func checkColumnRename(p *rule.Pass, t *rule.Tx) {
	reportReusedName(p, t)
	for d := range p.DeployedChanges(t, catalog.ColumnRenamed) {
		if p.NewColumn(d, d.Old) {
			continue
		}
		if deployedColumn, known := p.DeployedColumn(d.OID, d.Old.Attnum); known && deployedColumn != nil && deployedColumn.Name != d.Old.Name {
			continue // it has lost its name before, in this release
		}
		table, from, to := d.Before.Name, d.Old.Name, d.New.Name
		if heir := t.After.Lookup(table.Schema, table.Name); heir != nil && heir.OID != d.OID && heir.Column(from) != nil {
			continue // another has the table's name at commit, and the column: a view of the old names
		}
		u := p.UsesOfTaken(t, d, d.Old)
		if d.After.Column(from) != nil {
			reportNameTaken(p, t, d, u)
			continue
		}
		words := describeDeprecated(p, droppedColumn{d, u})
		fact := "column " + from + " of " + table.String() + words + " is renamed to " + to
		way, severity := adviseRename(d, from, to), u.DropSeverity()
		if d.Before.Column(to) != nil && d.Before.Kind.IsTable() {
			fact += ", which was another column's"
			way = "exchange the columns, so that " + from + " stays a column of the table, and drop it a release later"
			if u.IsIdle() && len(u.Functions) == 0 {
				severity = onward.Info // a column that was made to take the other's place
			}
		}
		if isKnownUnused(p, d, u) {
			severity = u.FunctionSeverity()
		}
		fact += u.StillUsedClause("it")
		r := rule.Report{
			Fact:     fact,
			Harm:     u.DescribeBreak("\"" + from + "\""),
			Unused:   table.String() + "." + from,
			Instead:  u.FixBeforeRename(to, way),
			Way:      advice.KeepColumnName{Column: from},
			Severity: severity,
			Evidence: u.AllEvidence(),
		}
		if laterTable := t.Migration.After().Relation(d.OID); laterTable != nil && laterTable.Column(from) != nil {
			r.Harm += "; from the next transaction on, it silently reads a new column of the same name instead"
			r.Instead, r.Way = adviseOwnName(from), nil
		}
		if words != "" {
			r.Harm = u.DescribeUnneeded(r.Harm, "\""+from+"\"")
		}
		if u.IsUsedByFunctionsOnly() {
			r.Way = nil
		}
		p.Report(d, r)
	}
}

// reportNameTaken reports a column whose name another column takes in the same transaction. An older column may hold the same values, kept by
// code that nobody sees. A new one is empty, so that it counts even if no code is known to use it.
func reportNameTaken(p *rule.Pass, t *rule.Tx, d *rule.Delta, u analysis.Usage) {
	from, to := d.Old.Name, d.New.Name
	u.Functions = nil // functions find the other column
	reader, severity := "the deployed code", u.DropSeverity()
	taker := d.After.Column(from)
	isNew := d.Before.Attr(taker.Attnum) == nil
	if severity < onward.Error {
		reader = "deployed code that uses the column"
		if severity < onward.Warning || !isNew {
			return
		}
	}
	if !u.Used || !isNew || taker.GeneratedExpr != nil {
		severity = onward.Warning
	}
	if mayHoldSameValues(p, t, d) {
		return
	}
	p.Report(d, rule.Report{
		Fact:     "column " + from + " of " + d.Before.Name.String() + " is renamed to " + to + ", and another column takes its name",
		Harm:     reader + " finds the new column under the name" + u.FirstPlace() + ": what is stored is in " + to + ", and does not reach it",
		Instead:  adviseOwnName(from),
		Severity: severity,
		Evidence: u.Evidence,
	})
}

// adviseOwnName returns what to do if a new column takes the name of a renamed one.
func adviseOwnName(from string) string {
	return "give the new column a name of its own, keep both in step, and drop " + from + " a release later"
}

func adviseRename(d *rule.Delta, from, to string) string {
	switch {
	case d.Before.View != nil:
		return "give the view both names for one release:\nCREATE OR REPLACE VIEW " + analysis.QuoteTable(d.TableName()) + " AS SELECT …, " +
			pgparse.QuoteIdent(from) + " AS " + pgparse.QuoteIdent(to) + " FROM …;"
	case !d.Before.Kind.IsTable():
		return "make a new one with the new name, and drop the old one a release later"
	}
	typ := analysis.QuoteType(d.Old.Type)
	if typ == "" {
		typ = "…"
	}
	return "add " + to + ", keep both in step, and drop " + from + " a release later:\n" + recipe.AddColumn(d.TableName(), to, typ) + ";"
}
