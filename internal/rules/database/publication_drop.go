package database

import (
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PublicationDrop flags a publication that goes, and existing tables that leave one.
// https://www.postgresql.org/docs/current/sql-droppublication.html
var PublicationDrop = &rule.Rule{
	ID:       "publication-drop",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "subscribers stop getting what a publication, or a table of it, sends",
	Harm: "Replicas, warehouses and change data capture read a publication by its name. " +
		"When it is gone, decoding stops at the next change, also when a publication of the name is made later, " +
		"and the replication slot keeps the WAL until the disk is full; 18 passes over the changes instead, which never arrive. " +
		"A table that leaves a publication fails nowhere: its changes no longer arrive.",
	Instead: "End the subscriptions first. To change what is published use ALTER PUBLICATION, or drop and create it in one transaction.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-droppublication.html", "https://www.postgresql.org/docs/current/sql-alterpublication.html"},
	Commit:  checkPublicationDrop,
}

func checkPublicationDrop(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.OldObject == nil || d.OldObject.Kind != "publication" || p.Release.Deployed.Object("publication", d.OldObject.Name) == nil {
			continue
		}
		name := d.OldObject.Name.Name
		now := t.After.Object("publication", d.OldObject.Name)
		if now == nil {
			p.Report(d, rule.Report{
				Fact: "publication " + name + " is dropped",
				Harm: "subscriptions to it stop at the next change (publication \"" + name +
					"\" does not exist), and their replication slots keep the WAL until the disk is full; 18 leaves out the changes instead",
				Instead: "end the subscriptions first; to change what is published use ALTER PUBLICATION, or drop and create it in one transaction",
			})
			continue
		}
		var removedTables []string
		for _, oid := range d.OldObject.Tables {
			if r := t.After.Relation(oid); r != nil && p.InUse(r) && r.Parent == 0 && !slices.Contains(t.After.ListPublications(r), now) &&
				slices.Contains(t.Before.ListPublications(t.Before.Relation(oid)), d.OldObject) {
				removedTables = append(removedTables, r.Name.String())
			}
		}
		if len(removedTables) == 0 {
			continue
		}
		leaves := " leaves"
		if len(removedTables) > 1 {
			leaves = " leave"
		}
		p.Report(d, rule.Report{
			Fact:    prose.EnumerateNames(removedTables) + leaves + " publication " + name,
			Harm:    "what is written there from now on does not reach its subscribers, and nothing fails",
			Instead: "see that no subscriber needs it first",
		})
	}
}
