package removal

import (
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableRename flags ALTER TABLE … RENAME TO while deployed code may use the old
// name. https://www.postgresql.org/docs/current/sql-altertable.html
var TableRename = &rule.Rule{
	ID:       "table-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "renaming a table breaks deployed code that knows it by its old name",
	Harm: "Before the rename the new code fails, after it the old. Every query on the old name fails with \"relation does not exist\" until the last " +
		"instance of the old code is gone. Views follow the rename; the bodies of functions keep the old name, and fail.",
	Instead: "Create a view of the old name in the same transaction: a plain SELECT of the columns takes INSERT, UPDATE and DELETE as well. " +
		"Drop the view a release later.",
	Manual: []string{"https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS"},
	Commit: checkTableRename,
}

func checkTableRename(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RelationRenamed) {
		if d.Before.Name.Schema != d.After.Name.Schema || !d.Before.Kind.IsTable() && d.Before.Kind != catalog.ForeignTable {
			continue
		}
		reportTableMove(p, t, d, "is renamed to "+d.After.Name.Name)
	}
}

// reportTableMove judges a table that has another name or schema at commit.
func reportTableMove(p *rule.Pass, t *rule.Tx, d *rule.Delta, act string) {
	from, to := d.Before.Name, d.After.Name
	u := p.UsesOfTaken(t, d, nil)
	r := describeMove("table", from, act, u)
	r.Severity, r.Way = u.DropSeverity(), advice.KeepTableName{Table: from.Name}
	r.Instead = "create a view of the old name, in the same transaction, and drop it a release later:\n" +
		"CREATE VIEW " + analysis.QuoteTable(from) + " AS SELECT * FROM " + analysis.QuoteTable(to) + ";"
	if now := findSuccessor(t, from); now != nil {
		r.Way = nil
		r.Instead = "let a view have the old name for one release, as a plain SELECT of all columns: it takes INSERT, UPDATE and DELETE, too"
		missingColumns := analysis.MissingColumns(d.Before, now)
		columns, uc := findLostColumns(p, t, d, missingColumns)
		switch {
		case columns != "":
			r.Fact += ", and what takes its name has no " + columns
			r.Harm, r.Severity, r.Evidence = uc.DescribeBreak(columns), uc.DropSeverity(), uc.AllEvidence()
		case len(missingColumns) > 0:
			return
		case !isUpdatable(t.After, now):
			r.Fact += ", and the view of the old name takes no INSERT, UPDATE or DELETE"
			r.Harm = "writes of the deployed code on " + from.String() + " fail" + u.FirstPlace() + ": cannot insert into view \"" + from.Name + "\""
			r.Severity, r.Evidence = onward.Warning, u.Evidence
			for _, w := range [][2]string{{"insert", "insert into"}, {"update", "update"}, {"delete", "delete from"}} {
				if seen := u.WriteEvidence(w[0]); seen != nil {
					r.Harm = "the deployed code writes to " + from.String() + analysis.Usage{Evidence: seen}.FirstPlace() + ", and fails: cannot " + w[1] + " view \"" +
						from.Name + "\""
					r.Severity, r.Evidence = onward.Error, seen
					break
				}
			}
		case now.Kind == catalog.View && judgeViewRefusal(&r, u, from.Name, now):
		default:
			return
		}
	} else {
		r.Fact += u.StillUsedClause("it")
	}
	p.Report(d, r)
}

// judgeViewRefusal tells of what the deployed code does to a table and cannot do to
// the view that has its name: TRUNCATE and COPY; false when it does neither.
func judgeViewRefusal(r *rule.Report, u analysis.Usage, name string, view *catalog.Relation) bool {
	done, act, message := u.WriteEvidence("truncate"), "truncated", "\""+name+"\" is not a table"
	if done == nil && !slices.Contains(view.InsteadOf(), "insert") {
		done, act, message = u.WriteEvidence("copy"), "copied", "cannot copy to view \""+name+"\", or from it"
	}
	if done == nil {
		return false
	}
	r.Fact += ", and the view of the old name cannot be " + act
	r.Harm = "the deployed code does that" + analysis.Usage{Evidence: done}.FirstPlace() + ", and fails: " + message
	r.Severity, r.Evidence = onward.Error, done
	r.Instead = "release code that does without first: DELETE and INSERT go through the view, COPY (SELECT …) TO reads it; rename the table a release later"
	return true
}
