package database

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PublicationTableColumn flags changes to the columns of a published table.
// https://www.postgresql.org/docs/current/logical-replication-restrictions.html
var PublicationTableColumn = &rule.Rule{
	ID:       "publication-table-column",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a changed column of a published table stops replication unless the subscriber is changed in the right order",
	Harm: "Logical replication sends rows, not DDL. When a row comes with a column that the subscriber does not have, or lacks one that is NOT NULL there, " +
		"apply stops with \"logical replication target relation is missing replicated column\" and tries again for ever; the publisher meanwhile keeps all its WAL.",
	Instead: "Add a column at the subscribers first, and drop it there last. For a rename add the new column on both sides.",
	Manual:  []string{"https://www.postgresql.org/docs/current/logical-replication-restrictions.html"},
	Commit:  checkPublishedColumn,
}

func checkPublishedColumn(p *rule.Pass, t *rule.Tx) {
	reportedTables := map[catalog.OID]bool{}
	for d := range p.DeployedChanges(t) {
		var act, instead string
		switch d.Kind {
		case catalog.ColumnAdded:
			act, instead = "gets column "+d.New.Name, "add it at the subscribers first"
		case catalog.ColumnDropped:
			act, instead = "loses column "+d.Old.Name, "let the subscribers do without it first (nullable, or with a default), and drop it there last"
		case catalog.ColumnRenamed:
			act, instead = "calls column "+d.Old.Name+" "+d.New.Name+
				" from now on", "add the new column on both sides, the subscribers first, and drop the old one a release later"
		case catalog.ColumnTypeChanged:
			act, instead = "has another type for column "+d.New.Name, "change it at the subscribers first"
		default:
			continue
		}
		if reportedTables[d.OID] || !d.Before.Kind.IsTable() {
			continue
		}
		pub := findSendingPublication(p, t, d)
		if pub == "" {
			continue
		}
		reportedTables[d.OID] = true
		p.Report(d, rule.Report{
			Fact:    d.Before.Name.String() + ", which publication " + pub + " publishes, " + act,
			Harm:    "replication to its subscribers stops at the first row that does not fit, and the publisher keeps all WAL until it goes on",
			Instead: instead,
			Cause:   "and %d other changes of its tables follow",
		})
	}
}

// findSendingPublication names the first publication that was deployed and sends the
// column: those with a list of columns send no other.
func findSendingPublication(p *rule.Pass, t *rule.Tx, d *rule.Delta) string {
	for _, o := range p.Release.Deployed.ListPublications(d.Before) {
		if t.After.Object("publication", o.Name) == nil {
			continue
		}
		l := o.ListFor(d.OID)
		if l == nil || l.Columns == nil || d.Old != nil && slices.Contains(l.Columns, d.Old.Attnum) {
			return o.Name.Name
		}
	}
	return ""
}
