package relation

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableSwapLeftBehind flags a new table that takes a deployed one's name, and not
// what hangs on it. https://www.postgresql.org/docs/current/sql-createtable.html
var TableSwapLeftBehind = &rule.Rule{
	ID:       "table-swap-left-behind",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a new table takes the name of a deployed one; foreign keys, triggers or row level security stay with the old one",
	Harm: "They belong to the table, not to its name, and LIKE … INCLUDING ALL copies none of them. " +
		"Foreign keys of other tables go on pointing at the old table, so that rows which refer to a new row are refused. " +
		"What triggers kept up stops, and a table without row level security shows all rows to everybody.",
	Instead: "Make them again on the new table in the transaction that exchanges the names.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createtable.html"},
	Gather:  gatherNameTakers,
	Release: reportLeftBehind,
}

// nameTaker is a new table that got the name of a deployed one.
type nameTaker struct {
	by  *rule.Stmt
	oid catalog.OID
	// names are those that it had before.
	names []string
}

// hiddenMaker is a statement made at run time that may make what is missing.
type hiddenMaker struct{}

func gatherNameTakers(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if s.Opaque == "" {
			continue
		}
		if text := strings.ToLower(s.SQL); strings.Contains(text, "trigger") || strings.Contains(text, "constraint") || strings.Contains(text, "row level") {
			p.KeepValue(hiddenMaker{})
		}
	}
	for _, t := range m.Txs {
		for i := range t.Deltas {
			d := &t.Deltas[i]
			old := p.ReplacedRelation(d)
			if old == nil || old.OID == d.OID || !old.Kind.IsTable() || old.Inferred || !d.After.Kind.IsTable() {
				continue
			}
			k := nameTaker{by: t.FindNamer(d), oid: d.OID}
			for _, s := range t.Statements {
				if takerBefore := s.Before.Relation(d.OID); takerBefore != nil && takerBefore.Name != d.After.Name && !slices.Contains(k.names, takerBefore.Name.Name) {
					k.names = append(k.names, takerBefore.Name.Name)
				}
			}
			p.KeepValue(k)
		}
	}
}

func reportLeftBehind(p *rule.Pass, r *rule.Release) {
	if len(rule.KeptValues[hiddenMaker](p)) > 0 {
		return
	}
	reportedTables := map[catalog.OID]bool{}
	for _, k := range rule.KeptValues[nameTaker](p) {
		now := r.Head.Relation(k.oid)
		if now == nil || reportedTables[k.oid] || now.Parent != 0 {
			continue
		}
		old := r.Deployed.Lookup(now.Name.Schema, now.Name.Name)
		if old == nil || old.OID == now.OID || len(analysis.MissingColumns(old, now)) > 0 {
			continue // another table altogether
		}
		reportedTables[k.oid] = true
		reportReferringKeys(p, r, k, old, now)
		reportMissingTriggers(p, r, k, old, now)
		if old.RLS && !now.RLS {
			p.Report(k.by, rule.Report{
				Fact:     "a new table takes the name of " + now.Name.String() + " without its row level security",
				Harm:     "every role that may read the table sees all of its rows",
				Instead:  "create its policies on the new table, in the same transaction:\nALTER TABLE " + analysis.QuoteTable(now.Name) + " ENABLE ROW LEVEL SECURITY;",
				Severity: onward.Warning,
			})
		}
	}
}

// reportReferringKeys tells the foreign keys of other tables that point at the old table.
func reportReferringKeys(p *rule.Pass, r *rule.Release, k nameTaker, old, now *catalog.Relation) {
	oldTable := r.Head.Relation(old.OID)
	if oldTable == nil {
		return
	}
	for _, oid := range oldTable.ReferencedBy {
		child := r.Head.Relation(oid)
		if child == nil || oid == old.OID || oid == now.OID {
			continue
		}
		for _, c := range child.Constraints {
			if c.Kind != catalog.ForeignKey || c.Ref != old.OID || !c.Enforced {
				continue
			}
			p.Report(k.by, rule.Report{
				Fact: "foreign key " + c.Name + " of " + child.Name.String() + " still points at " + oldTable.Name.String() + ", while a new table is " + now.Name.String(),
				Harm: "INSERTs and UPDATEs of " + child.Name.String() + " that refer to a row which is in the new table only fail: violates foreign key constraint \"" +
					c.Name + "\"",
				Instead: "point it at the new table in the same transaction:\n" + recipe.FormatStatements(recipe.DropConstraint(child.Name, c.Name),
					recipe.AddUnvalidated(child.Name, c.Name, "FOREIGN KEY (…) REFERENCES "+analysis.QuoteTable(now.Name)+" (…)")),
				Cause: "and so do %d other foreign keys",
			})
		}
	}
}
