package database

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PublicationIdentityMissing flags UPDATE and DELETE of a published table whose rows have
// no replica identity, and what leads there.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
var PublicationIdentityMissing = &rule.Rule{
	ID:       "publication-identity-missing",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "UPDATE and DELETE fail on a published table without a replica identity",
	Harm: "A publication names the row that was changed by its primary key, or by what REPLICA IDENTITY says. " +
		"A table with neither takes INSERTs only: the server refuses every UPDATE and DELETE, even of no rows, " +
		"with \"cannot update table … because it does not have a replica identity and publishes updates\". " +
		"A deferrable primary key and a plain unique constraint do not count.",
	Instead: "Give the table a primary key, or ALTER TABLE … REPLICA IDENTITY FULL or USING INDEX, before it is published or written to.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/logical-replication-publication.html",
		"https://www.postgresql.org/docs/current/sql-altertable.html",
	},
	Migration: checkIdentityMissing,
}

func checkIdentityMissing(p *rule.Pass, m *rule.Migration) {
	if len(m.Statements) == 0 || !m.After().HasPublications() {
		return
	}
	refused := map[string]bool{}
	for _, s := range m.Statements {
		if s.RefusedRule() == p.Rule.ID {
			refused[reportRefused(p, s)] = true
		}
	}
	end := m.After()
	for _, d := range m.CreatedTables() {
		t := end.Relation(d.OID)
		if t == nil || findNeedingIdentity(end, t) == nil || refused[t.Name.Name] {
			continue
		}
		p.Report(&d, rule.Report{
			Severity: onward.Warning,
			Fact: "table " + t.Name.String() + " has no replica identity" + explainIdentity(t) + ", and publication " + findNeedingIdentity(end, t).Name.Name +
				" publishes it",
			Harm:    "code that updates or deletes rows of " + t.Name.String() + " fails: it does not have a replica identity",
			Instead: "give it a primary key, or, where its rows are changed all the same:\n" + recipe.SetReplicaIdentity(t.Name, "FULL") + ";",
			Cause:   "and so have %d other new tables none",
		})
	}
	for _, d := range m.EachChange() {
		switch {
		case d.NewObject != nil && d.NewObject.Kind == "publication":
			checkPublished(p, d, end)
		case d.Kind == catalog.RelationChanged && d.What == "replica identity" && p.IsDeployed(d):
			judgeLostIdentity(p, d, end)
		}
	}
}

// reportRefused says why the server refuses a statement; it gives the table's
// name.
func reportRefused(p *rule.Pass, s *rule.Stmt) string {
	name := s.Result.Refused.Objects[0]
	tableName, table := catalog.Name{Name: name}, name
	for _, w := range p.ListWrites(s) {
		if w.Table.Name.Name == name {
			tableName, table = w.Table.Name, w.Table.Name.String()
		}
	}
	r := rule.Report{
		Fact:    "the server refuses the statement: " + s.Result.Refused.Message(),
		Harm:    "the migration stops here, even when there are no rows; code that does the same to " + table + " fails, too",
		Instead: "give " + table + " a primary key, or say that whole rows are its identity:\n" + recipe.SetReplicaIdentity(tableName, "FULL") + ";",
		Stops:   true,
	}
	if s.IsOptional() {
		r.Severity, r.Stops = onward.Warning, false
	}
	p.Report(s, r)
	return name
}

// checkPublished flags a publication that is created or gets tables or actions, for
// deployed tables without a replica identity.
func checkPublished(p *rule.Pass, d *rule.Delta, end *catalog.Catalog) {
	o := end.Object("publication", d.NewObject.Name)
	if o == nil {
		return
	}
	var names []string
	var example catalog.Name
	p.Release.Deployed.EachRelation(func(before *catalog.Relation) bool {
		t := end.Relation(before.OID)
		if t == nil || t.Parent != 0 || findNeedingIdentity(end, t) == nil || !slices.Contains(end.ListPublications(t), o) ||
			d.OldObject != nil && findNeedingIdentity(p.Release.Deployed, before) != nil {
			return true
		}
		names = append(names, t.Name.String())
		if len(names) == 1 || analysis.QuoteTable(t.Name) < analysis.QuoteTable(example) {
			example = t.Name
		}
		return true
	})
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	verb := "has"
	if len(names) > 1 {
		verb = "have"
	}
	p.Report(d, rule.Report{
		Severity: onward.Warning,
		Fact:     "publication " + o.Name.Name + " publishes " + prose.EnumerateNames(names) + ", which " + verb + " no replica identity",
		Harm:     "deployed code that updates or deletes rows there fails from now on: the table does not have a replica identity",
		Instead:  "give each a primary key first, or say that whole rows are its identity:\n" + recipe.SetReplicaIdentity(example, "FULL") + ";",
	})
}

// judgeLostIdentity flags a published table that loses its replica identity, by NOTHING or by
// dropping the index.
func judgeLostIdentity(p *rule.Pass, d *rule.Delta, end *catalog.Catalog) {
	t := end.Relation(d.OID)
	if t == nil || findNeedingIdentity(end, t) == nil || findNeedingIdentity(p.Release.Deployed, d.Before) != nil {
		return
	}
	p.Report(d, rule.Report{
		Fact: "table " + t.Name.String() + ", which publication " + findNeedingIdentity(end, t).Name.Name + " publishes, loses its replica identity",
		Harm: "every UPDATE and DELETE on it fails from now on: it does not have a replica identity",
		Instead: "name another one in the same transaction:\n" + recipe.SetReplicaIdentity(t.Name, "DEFAULT") +
			"; -- the primary key, or USING INDEX …, or FULL",
	})
}
