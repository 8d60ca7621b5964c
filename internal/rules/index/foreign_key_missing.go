package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeyMissing flags a foreign key that the release adds, or whose index it
// drops, and whose columns no index begins with then.
// https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
var ForeignKeyMissing = &rule.Rule{
	ID:       "index-foreign-key-missing",
	Category: onward.Design,
	Severity: onward.Info,
	Summary:  "a foreign key has no index on its columns, or loses the one it had",
	Harm: "Postgres indexes the referenced side only. Each DELETE of a referenced row, and each change of its key, looks for rows that refer to it: " +
		"without an index it reads the whole referencing table, and holds its row locks for that long.",
	Instead: "Build an index that begins with the columns of the foreign key, CONCURRENTLY where the table has rows.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"},
	Gather:  gatherForeignKeys,
	Release: checkForeignKeyMissing,
}

func gatherForeignKeys(p *rule.Pass, m *rule.Migration) {
	keep := func(d *rule.Delta, c *catalog.Constraint) {
		if c != nil && c.Kind == catalog.ForeignKey && !c.Parent && d.By != nil && d.After.Persistence != catalog.Temporary {
			p.KeepValue(rule.MadeObject{By: d.By, Table: d.OID, ID: c.ID})
		}
	}
	for _, t := range m.Txs {
		for i := range t.Deltas {
			switch d := &t.Deltas[i]; d.Kind {
			case catalog.IndexDropped:
				// A foreign key of the table may lose the index that it had.
				if d.After == nil || d.Before == nil || d.OldIndex == nil || d.OldIndex.Index == nil {
					continue
				}
				for _, c := range d.Before.Constraints {
					if analysis.IsLeadingIndex(d.OldIndex.Index, c.Columns) {
						keep(d, c)
					}
				}
			case catalog.ConstraintAdded:
				keep(d, d.NewConstraint)
			case catalog.RelationCreated:
				for _, c := range d.After.Constraints {
					keep(d, c)
				}
			}
		}
	}
}

func checkForeignKeyMissing(p *rule.Pass, r *rule.Release) {
	reportedKeys := map[catalog.OID]bool{}
	for _, keptKey := range rule.KeptValues[rule.MadeObject](p) {
		t := r.Head.Relation(keptKey.Table)
		if t == nil || reportedKeys[keptKey.ID] || t.Inferred || t.Partial {
			continue
		}
		pos := slices.IndexFunc(t.Constraints, func(c *catalog.Constraint) bool { return c.ID == keptKey.ID })
		if pos < 0 || analysis.HasLeadingIndex(r.Head, t, t.Constraints[pos].Columns) {
			continue
		}
		reportedKeys[keptKey.ID] = true
		c := t.Constraints[pos]
		if wasUnindexed(r.Deployed, t.OID, c) {
			continue
		}
		var names []string
		for _, n := range c.Columns {
			if col := t.Attr(n); col != nil {
				names = append(names, col.Name)
			}
		}
		referenced := "the referenced table"
		if ref := r.Head.Relation(c.Ref); ref != nil {
			referenced = ref.Name.String()
		}
		build := recipe.ColumnIndex{Table: t.Name, Columns: names, Blocking: p.IsNew(t.OID) || t.Kind == catalog.PartitionedTable}
		advice := "build one"
		if !build.Blocking {
			advice += " in a migration of its own, after this one"
		}
		p.Report(keptKey.By, rule.Report{
			Fact:    "no index of " + t.Name.String() + " begins with " + strings.Join(names, ", ") + ", the columns of foreign key " + c.Name,
			Harm:    "each DELETE on " + referenced + ", and each change of its key, reads all of " + t.Name.String(),
			Instead: advice + ":\n" + recipe.FormatStatements(build.CreateStatement()),
			Cause:   "and %d other foreign keys have none",
		})
	}
}

// wasUnindexed reports whether the deployed schema has the foreign key, perhaps with another name or other actions, and no index for it
// either: the release makes it anew and costs no DELETE more.
func wasUnindexed(deployed *catalog.Catalog, table catalog.OID, key *catalog.Constraint) bool {
	t := deployed.Relation(table)
	return t != nil && !analysis.HasLeadingIndex(deployed, t, key.Columns) && slices.ContainsFunc(t.Constraints, func(c *catalog.Constraint) bool {
		return c.Kind == catalog.ForeignKey && c.Ref == key.Ref && slices.Equal(c.Columns, key.Columns)
	})
}
