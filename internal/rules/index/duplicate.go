package index

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Duplicate flags a new index that another one of the table covers, or that
// covers another one. https://www.postgresql.org/docs/current/indexes-multicolumn.html
var Duplicate = &rule.Rule{
	ID:       "index-duplicate",
	Category: onward.Design,
	Severity: onward.Warning,
	OnlyIn:   onward.DesignSet,
	Summary:  "two indexes of a table begin with the same columns, and one of them can do the work of both",
	Harm: "Each INSERT, and each UPDATE that is not heap-only, writes into every index, and VACUUM reads them all. " +
		"An index whose columns another one begins with answers no query that the other does not.",
	Instead: "Keep the one with more columns, or the unique one, and drop the other.",
	Manual:  []string{"https://www.postgresql.org/docs/current/indexes-multicolumn.html"},
	Gather:  gatherIndexes,
	Release: checkDuplicate,
}

func gatherIndexes(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		for i := range s.Deltas {
			if d := &s.Deltas[i]; d.Kind == catalog.IndexCreated && !s.Tx.RolledBack && s.Node.GetIndexStmt() != nil {
				p.KeepValue(rule.MadeObject{By: s, Table: d.NewIndex.Index.Table, ID: d.NewIndex.OID})
			}
		}
	}
}

func checkDuplicate(p *rule.Pass, r *rule.Release) {
	reportedIndexes := map[catalog.OID]bool{}
	for _, newIndex := range rule.KeptValues[rule.MadeObject](p) {
		t, index := r.Head.Relation(newIndex.Table), r.Head.Relation(newIndex.ID)
		if t == nil || index == nil || index.Index == nil || t.Parent != 0 {
			continue
		}
		for _, oid := range t.Indexes {
			other := r.Head.Relation(oid)
			if oid == newIndex.ID || other == nil || other.Index == nil {
				continue
			}
			spare, keep := index, other
			if !coversIndex(other.Index, index.Index) {
				spare, keep = other, index
				if !coversIndex(index.Index, other.Index) {
					continue
				}
			} else if coversIndex(index.Index, other.Index) && oid > newIndex.ID {
				continue // both are the same: told once, at the later one
			}
			if reportedIndexes[spare.OID] {
				continue
			}
			reportedIndexes[spare.OID] = true
			p.Report(newIndex.By, rule.Report{
				Fact:    "index " + keep.Name.Name + " of " + t.Name.String() + " begins with all of index " + spare.Name.Name,
				Harm:    "both are written at each INSERT, and no query needs " + spare.Name.Name,
				Instead: "drop the one that is not needed:\n" + recipe.DropIndex(spare.Name, false) + ";",
			})
			break
		}
	}
}

// coversIndex reports whether a answers all that b answers and guards all that b
// guards.
func coversIndex(a, b *catalog.IndexInfo) bool {
	sameLength := len(a.Keys) == len(b.Keys)
	if b.Constraint != "" || b.Unique && !(a.Unique && sameLength) || a.Method != b.Method || a.Method != "btree" && !sameLength ||
		a.PredicateText != b.PredicateText || len(b.Keys) > len(a.Keys) {
		return false
	}
	if slices.ContainsFunc(b.Include, func(n int16) bool { return !slices.Contains(a.Include, n) }) {
		return false
	}
	return slices.EqualFunc(a.Keys[:len(b.Keys)], b.Keys, func(x, y catalog.IndexKey) bool {
		return x.Column == y.Column && x.ExprText == y.ExprText && x.Opclass == y.Opclass && x.Collation == y.Collation && x.Desc == y.Desc &&
			x.NullsFirst == y.NullsFirst
	})
}
