package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropFirst flags an index that is dropped before the one that takes its place is
// built: until then, queries have neither.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var DropFirst = &rule.Rule{
	ID:       "index-drop-first",
	Category: onward.Locking,
	Severity: onward.Warning,
	Summary:  "an index is dropped before the index that takes its place is built",
	Harm: "From the drop until the build has ended, queries that the index answered read the whole table. " +
		"That may take them longer than the build, and all of them at once use up the server. When the build fails, it stays so.",
	Instead: "Build the new index first, under a name of its own, and drop the old one when it is there.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
	Gather:  gatherExchangedIndexes,
	Release: checkDropFirst,
}

// exchangedIndex is an index that one statement drops or makes. The statements come in
// their order.
type exchangedIndex struct {
	by *rule.Stmt
	// first is the first statement of its transaction.
	first        *rule.Stmt
	table, index *catalog.Relation
	made         bool
	// build is the SQL of an index that is built CONCURRENTLY.
	build string
}

func gatherExchangedIndexes(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if s.Tx.RolledBack || s.Node.GetDropStmt() == nil && s.Node.GetIndexStmt() == nil {
			continue
		}
		first := s.Tx.First.Statements[0]
		for i := range s.Deltas {
			d := &s.Deltas[i]
			if d.Before == nil || !p.InUse(d.Before) || d.Before.Kind == catalog.PartitionedTable || p.IsSmall(d.Before.Name) {
				continue
			}
			switch {
			case d.Kind == catalog.IndexDropped && s.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_INDEX:
				if old := p.Release.Deployed.Relation(d.OldIndex.OID); old != nil && old.Index.Valid && !hasOtherIndex(s.After, d.After, old.Index) {
					p.KeepValue(exchangedIndex{by: s, first: first, table: d.Before, index: d.OldIndex})
				}
			case d.Kind == catalog.IndexCreated:
				x := exchangedIndex{by: s, first: first, table: d.After, index: d.NewIndex, made: true}
				if s.Node.GetIndexStmt().GetConcurrent() {
					x.build = s.SQL
				}
				p.KeepValue(x)
			}
		}
	}
}

func checkDropFirst(p *rule.Pass, _ *rule.Release) {
	byTable := map[catalog.OID][]exchangedIndex{}
	seen := map[catalog.OID]int{}
	list := rule.KeptValues[exchangedIndex](p)
	for _, x := range list {
		byTable[x.table.OID] = append(byTable[x.table.OID], x)
	}
	for _, old := range list {
		seen[old.table.OID]++
		if old.made {
			continue
		}
		for _, next := range byTable[old.table.OID][seen[old.table.OID]:] {
			if !next.made || !servesSameQueries(next.index.Index, old.index.Index) || !isFirstKeySame(&old, &next) {
				continue
			}
			if next.first != old.first { // else nobody can use the table in between
				p.Report(old.by, describeExchange(&old, &next))
			}
			break
		}
	}
}

func describeExchange(old, next *exchangedIndex) rule.Report {
	oldName, now, lead := old.index.Name, next.index.Name, old.index.Index.Keys[0]
	looked := lead.ExprText
	if c := old.table.Attr(lead.Column); c != nil {
		looked = c.Name
	}
	drop := recipe.DropIndex(oldName, false) + ";"
	build, rename, place := next.build, "", now.Name+" takes its place"
	if oldName.Name == now.Name {
		place = "it is built anew"
		other := catalog.ObjectName(now.Name, "", "new")
		build = strings.Replace(build, now.Name, other, 1)
		rename = "\nALTER INDEX " + analysis.QuoteTable(catalog.Name{Schema: now.Schema, Name: other}) + " RENAME TO " + pgparse.QuoteIdent(now.Name) + ";"
	}
	advice := "build the new one first:\n" + build + ";\n" + drop + rename
	if build == "" || oldName.Name == now.Name && build == next.build {
		advice = "build the new one first, CONCURRENTLY and under a name of its own, then drop the old one:\n" + drop
	}
	return rule.Report{
		Fact:     "index " + oldName.Name + " of " + old.table.Name.String() + " is dropped before " + place + " at " + next.by.RelativePlace(old.by),
		Harm:     "until that is built, and for good when it fails, queries that look up " + looked + " read all of " + old.table.Name.String(),
		Instead:  advice,
		Evidence: []onward.Evidence{next.by.NewEvidence("builds " + now.Name)},
	}
}

// hasOtherIndex reports whether another index of the table answers what one answered.
func hasOtherIndex(c *catalog.Catalog, t *catalog.Relation, old *catalog.IndexInfo) bool {
	return t == nil || slices.ContainsFunc(t.Indexes, func(oid catalog.OID) bool {
		r := c.Relation(oid)
		return r != nil && r.Index.Valid && servesSameQueries(r.Index, old)
	})
}

// servesSameQueries reports whether an index leads queries to rows by the same first key as
// another one, and holds all of its rows.
func servesSameQueries(now, old *catalog.IndexInfo) bool {
	if len(now.Keys) == 0 || len(old.Keys) == 0 || now.Method != old.Method || now.PredicateText != "" && now.PredicateText != old.PredicateText {
		return false
	}
	a, b := now.Keys[0], old.Keys[0]
	return a.Column == b.Column && a.ExprText == b.ExprText && a.Opclass == b.Opclass
}

// isFirstKeySame reports whether the first key is of the same type in both: otherwise the old
// index had to go before the column was changed.
func isFirstKeySame(old, next *exchangedIndex) bool {
	a, b := old.table.Attr(old.index.Index.Keys[0].Column), next.table.Attr(old.index.Index.Keys[0].Column)
	return a == nil || b != nil && a.Type.IsSame(b.Type) && a.Collation == b.Collation
}
