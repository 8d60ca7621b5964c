package skipped

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IndexIfNotExistsDiffers flags CREATE INDEX IF NOT EXISTS whose name another index
// has. https://www.postgresql.org/docs/current/sql-createindex.html
var IndexIfNotExistsDiffers = &rule.Rule{
	ID:       "index-if-not-exists-differs",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	Summary:  "CREATE INDEX IF NOT EXISTS names an index that exists, of another table or with other columns",
	Harm: "IF NOT EXISTS looks at the name alone, and names of indexes are unique in a schema, not on a table. " +
		"The statement is skipped with a notice, the migration counts as done, and the index never comes to be: " +
		"queries go on reading the whole table, and what a unique index was to refuse gets in.",
	Instead:   "Give the index a name of its own, or drop the other one first.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html"},
	Kinds:     rule.CreateIndex,
	Statement: checkIndexDiffers,
}

func checkIndexDiffers(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	old, difference := findDifferentIndex(s, stmt)
	if old == nil {
		return
	}
	harm := "and queries go on without the index"
	if stmt.GetUnique() {
		harm = "duplicates go on getting in, and ON CONFLICT finds no index"
	}
	p.Report(s, describeSkip("index "+old.Name.Name+" exists "+difference, "CREATE INDEX IF NOT EXISTS", harm, "give it a name of its own, without IF NOT EXISTS"))
}

// findDifferentIndex finds the index because of whose name CREATE INDEX IF NOT EXISTS is skipped,
// and how it differs. It returns nil if there is none, or if no difference is found. The
// order and the operator classes of keys do not count.
func findDifferentIndex(s *rule.Stmt, stmt *pgparse.IndexStmt) (old *catalog.Relation, difference string) {
	if !stmt.GetIfNotExists() || stmt.GetIdxname() == "" {
		return nil, ""
	}
	t, _ := s.Before.Resolve(stmt.GetRelation())
	if t == nil || t.Inferred || t.Persistence == catalog.Temporary {
		return nil, ""
	}
	old = s.Before.Lookup(t.Name.Schema, stmt.GetIdxname())
	if old == nil || old.Inferred || old.Index == nil || isDroppedEarlier(s, old.Name.Name) {
		return nil, "" // the DROP may have meant it by a search_path of the runner's
	}
	oldIndex := old.Index
	if oldIndex.Table != t.OID {
		if otherTable := s.Before.Relation(oldIndex.Table); otherTable != nil {
			return old, "on " + otherTable.Name.String()
		}
		return nil, ""
	}
	sameKeys := slices.EqualFunc(oldIndex.Keys, stmt.GetIndexParams(), func(k catalog.IndexKey, n *pgparse.Node) bool {
		e := n.GetIndexElem()
		if e.GetName() == "" || k.Column == 0 {
			return (e.GetName() == "") == (k.Column == 0) // texts of expressions differ without a difference
		}
		col := t.Attr(k.Column)
		return col == nil || col.Name == e.GetName()
	})
	switch {
	case !sameKeys:
		return old, "on other columns"
	case stmt.GetUnique() != oldIndex.Unique && stmt.GetUnique():
		return old, "and is not unique"
	case stmt.GetUnique() != oldIndex.Unique:
		return old, "and is unique"
	case (stmt.GetWhereClause() == nil) != (oldIndex.Predicate == nil):
		if oldIndex.Predicate == nil {
			return old, "for all rows"
		}
		return old, "for some of the rows only"
	}
	return nil, ""
}
