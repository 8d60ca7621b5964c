package database

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PublicationIdentityMissing flags UPDATE and DELETE of a published table whose rows have
// no replica identity that its publications send, and what leads there.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
var PublicationIdentityMissing = &rule.Rule{
	ID:       "publication-identity-missing",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "UPDATE and DELETE fail on a published table whose replica identity is missing or is not sent",
	Harm: "A publication names the row that was changed by its primary key, or by what REPLICA IDENTITY says. " +
		"The server refuses every UPDATE and DELETE on the publisher, even of no rows, if the table has neither " +
		"(\"does not have a replica identity and publishes updates\"; a deferrable primary key and a plain unique constraint do not count), " +
		"if the publication's row filter reads a column outside of the identity, if its list of columns leaves out a column of the identity, " +
		"if it has a list and the identity is FULL, and since 18 if the identity has a generated column that is not sent (\"cannot update table\", 42P10).",
	Instead: "Give the table a primary key, or ALTER TABLE … REPLICA IDENTITY FULL or USING INDEX, before it is published or written to. " +
		"Filter by columns of that identity, and send all of them.",
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
		first := s.Result
		for _, group := range s.Results {
			if len(s.Results) > 1 && p.AtLeast(slices.Min(group.Versions)) && slices.Contains(group.Versions, p.Versions()[0]) {
				s.Result = group.Result
			}
		}
		if s.RefusedRule() == p.Rule.ID {
			refused[reportRefused(p, s)] = true
		}
		s.Result = first
	}
	for _, t := range m.Txs {
		checkLostIdentity(p, t)
	}
	end := m.After()
	for _, d := range m.CreatedTables() {
		t := end.Relation(d.OID)
		w := findRefusedWrites(p, end, t)
		if w.IdentityFault == nil || refused[t.Name.Name] {
			continue
		}
		r := rule.Report{
			Severity: onward.Warning,
			Fact:     w.explain(t.Name.String()),
			Harm:     w.words + " of " + t.Name.String() + " will fail",
			Instead:  w.advise(p, end),
		}
		if w.Reason == catalog.IdentityMissing {
			r.Fact = "table " + t.Name.String() + " has no replica identity" + explainIdentity(t) + ", and publication " + w.Publication.Name.Name + " publishes it"
			r.Cause = "and so have %d other new tables none"
		}
		p.Report(&d, r)
	}
}

// reportRefused says why the server refuses a statement; it gives the table's
// name.
func reportRefused(p *rule.Pass, s *rule.Stmt) string {
	name := s.Result.Refused.Objects[0]
	r := rule.Report{
		Fact:  "the server refuses the statement: " + s.Result.Refused.Message(),
		Harm:  "the migration stops here, even when there are no rows; code that does the same to " + name + " fails, too",
		Stops: true,
	}
	for _, write := range p.ListWrites(s) {
		if w := findRefusedWrites(p, s.Before, write.Table); w.IdentityFault != nil && w.Table.Name.Name == name {
			r.Instead = w.advise(p, s.Before)
			if w.Reason != catalog.IdentityMissing {
				r.Fact += " (" + w.explain(write.Table.Name.String()) + ")"
			}
		}
	}
	if s.IsOptional() {
		r.Severity, r.Stops = onward.Warning, false
	}
	p.Report(s, r)
	return name
}

// newlyRefused are tables of which the same statement makes the server refuse writes.
type newlyRefused struct {
	cause  *rule.Stmt
	writes refusedWrites
	names  []string
}

// checkLostIdentity flags deployed tables whose UPDATEs and DELETEs worked before a transaction and fail after it.
func checkLostIdentity(p *rule.Pass, t *rule.Tx) {
	var found []*newlyRefused
	for _, before := range listRepublished(p, t) {
		now := t.After.Relation(before.OID)
		w := findRefusedWrites(p, t.After, now)
		if w.IdentityFault == nil || findRefusedWrites(p, t.Before, before).IdentityFault != nil {
			continue
		}
		cause := t.Statements[len(t.Statements)-1]
		for _, s := range t.Statements {
			if findRefusedWrites(p, s.After, s.After.Relation(before.OID)).IdentityFault != nil &&
				findRefusedWrites(p, s.Before, s.Before.Relation(before.OID)).IdentityFault == nil {
				cause = s
			}
		}
		name := now.Name.String()
		i := slices.IndexFunc(found, func(f *newlyRefused) bool { return f.cause == cause })
		switch {
		case w.Reason == catalog.IdentityMissing && dropsKeyAlone(cause, before.OID):
			// constraint-drop-primary-key reports it.
		case w.Reason == catalog.IdentityMissing && i >= 0 && found[i].writes.Reason == w.Reason:
			found[i].names = append(found[i].names, name)
		default:
			found = append(found, &newlyRefused{cause, w, []string{name}})
		}
	}
	for _, f := range found {
		tables, publication := prose.EnumerateNames(f.names), f.writes.Publication.Name.Name
		r := rule.Report{
			Fact:    f.writes.explain(tables),
			Harm:    f.writes.words + " on " + tables + " fails from now on, also of no rows, until this is repaired",
			Instead: f.writes.advise(p, t.After),
		}
		if f.writes.Reason == catalog.IdentityMissing {
			r.Fact = "table " + tables + ", which publication " + publication + " publishes, loses its replica identity"
			if changesPublication(f.cause.Deltas) {
				verb := "has"
				if len(f.names) > 1 {
					verb = "have"
				}
				// Deployed code may well not change rows that have no key.
				r.Severity, r.Fact = onward.Warning, "publication "+publication+" publishes "+tables+", which "+verb+" no replica identity"
				r.Harm = "deployed code that updates or deletes rows there fails from now on: the table does not have a replica identity"
			}
		}
		p.Report(f.cause, r)
	}
}

// listRepublished lists the deployed tables, without partitions, whose publications or identity a transaction may change, as they are before it.
func listRepublished(p *rule.Pass, t *rule.Tx) (out []*catalog.Relation) {
	add := func(r *catalog.Relation) bool {
		if r != nil && r.Kind.IsTable() && r.Parent == 0 && p.InUse(r) && !slices.Contains(out, r) {
			out = append(out, r)
		}
		return true
	}
	all := false
	for i := range t.Deltas {
		d := &t.Deltas[i]
		all = all || d.NewObject != nil && d.NewObject.Kind == "publication"
		root := t.After.Relation(d.OID)
		for root != nil && t.After.Relation(root.Parent) != nil {
			root = t.After.Relation(root.Parent)
		}
		if root != nil {
			add(t.Before.Relation(root.OID))
		}
	}
	if all {
		t.Before.EachRelation(add)
	}
	slices.SortFunc(out, func(a, b *catalog.Relation) int { return strings.Compare(a.Name.String(), b.Name.String()) })
	return out
}

func changesPublication(deltas []catalog.Delta) bool {
	return slices.ContainsFunc(deltas, func(d catalog.Delta) bool { return d.NewObject != nil && d.NewObject.Kind == "publication" })
}

// dropsKeyAlone reports whether a statement drops a table's primary key and no column of the table.
func dropsKeyAlone(s *rule.Stmt, table catalog.OID) bool {
	contains := func(isWanted func(d *catalog.Delta) bool) bool {
		return slices.ContainsFunc(s.Deltas, func(d catalog.Delta) bool { return d.OID == table && isWanted(&d) })
	}
	return contains(func(d *catalog.Delta) bool {
		return d.Kind == catalog.ConstraintDropped && d.OldConstraint.Kind == catalog.PrimaryKey
	}) &&
		!contains(func(d *catalog.Delta) bool { return d.Kind == catalog.ColumnDropped })
}
