package database

import (
	"cmp"
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
	Summary:  "a changed column of a published table stops subscriptions unless the subscriber is changed in the right order",
	Harm: "Logical replication sends rows, not DDL. When a row comes with a column that the subscriber does not have, or lacks one that is NOT NULL there, " +
		"apply stops with \"logical replication target relation is missing replicated column\" and tries again for ever; " +
		"the publisher meanwhile keeps all its WAL. Programs that read changes (Debezium and others, " +
		"known by the publication's name or the code) have no such tables: a new column is no finding there, and another change is a note.",
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
		publication := findSendingPublication(p, t, d)
		if publication == nil {
			continue
		}
		name := publication.Name.Name
		r := rule.Report{
			Fact: d.Before.Name.String() + ", which publication " + name + " publishes, " + act,
			Harm: "a subscription to it stops at the first row that does not fit, and the publisher keeps all WAL until it goes on; " +
				"programs that read changes get the row in its new form",
			Instead: instead,
			Cause:   "and %d other changes of its tables follow",
		}
		switch reading := findReaders(p, t.After, publication); {
		case reading.program && d.Kind == catalog.ColumnAdded:
			continue
		case reading.program:
			r.Severity, r.Evidence = onward.Info, reading.evidence
			r.Harm = "the programs that read its changes get the rows in their new form from the commit on"
			r.Instead = "see that what they feed does not need the old form"
		case reading.subscription != "":
			r.Harm = "subscription " + reading.subscription + " stops at the first row that does not fit, and the publisher keeps all WAL until it goes on"
		}
		reportedTables[d.OID] = true
		p.Report(d, r)
	}
}

// findSendingPublication returns a publication that was deployed and sends the column: those with a list of columns
// send no other. One that only programs read comes last.
func findSendingPublication(p *rule.Pass, t *rule.Tx, d *rule.Delta) (found *catalog.Object) {
	for _, o := range p.Release.Deployed.ListPublications(d.Before) {
		if t.After.Object("publication", o.Name) == nil {
			continue
		}
		l := o.ListFor(d.OID)
		sent := cmp.Or(d.New, d.Old)
		if isListed := l != nil && l.Columns != nil; !isListed && (sent.Generated == "" || sent.Generated == "stored" && o.SendsStored) ||
			isListed && d.Old != nil && slices.Contains(l.Columns, d.Old.Attnum) {
			if found = o; !findReaders(p, t.After, o).program {
				return o
			}
		}
	}
	return found
}
