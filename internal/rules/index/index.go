package index

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// names are the dotted names of a DROP statement's objects, and the last part
// of each.
func names(s *pgparse.DropStmt) []catalog.Name {
	var out []catalog.Name
	for _, o := range s.GetObjects() {
		var n catalog.Name
		n.Schema, n.Name = pgparse.SchemaAndName(o.GetList().GetItems())
		out = append(out, n)
	}
	return out
}

// partitions are the names of the partitions of a table for SQL, at most
// three, with an ellipsis for the others.
func partitions(s *rule.Stmt, table *catalog.Relation) []string {
	var out []string
	for _, oid := range table.Partitions {
		if r := s.Before.Relation(oid); r != nil {
			out = append(out, analysis.Table(r.Name))
		}
	}
	return out
}

// onPartitions is the way to an index on a partitioned table that blocks
// nobody.
func onPartitions(s *rule.Stmt, stmt *pgparse.IndexStmt, table *catalog.Relation) string {
	plain := indexName(stmt, table)
	name := "…"
	if plain != "" {
		name = pgparse.QuoteIdent(plain)
	}
	definition := s.SQL[pgparse.NameEnd(s.SQL, int(stmt.GetRelation().GetLocation())):]
	unique := ""
	if stmt.GetUnique() {
		unique = "UNIQUE "
	}
	part, child := "…", "…"
	if list := partitions(s, table); len(list) > 0 {
		part = list[0]
		if plain != "" {
			child = pgparse.QuoteIdent(s.Before.Relation(table.Partitions[0]).Name.Name + "_" + plain)
		}
	}
	schema := ""
	if table.Name.Schema != "public" {
		schema = pgparse.QuoteIdent(table.Name.Schema) + "."
	}
	return "create it on the parent only, which is instant and leaves it invalid, then build it on each partition and attach it:\n" +
		"CREATE " + unique + "INDEX " + name + " ON ONLY " + analysis.Table(table.Name) + strings.TrimRight(definition, " \n") + ";\n" +
		"CREATE " + unique + "INDEX CONCURRENTLY " + child + " ON " + part + strings.TrimRight(definition, " \n") + ";\n" +
		"ALTER INDEX " + schema + name + " ATTACH PARTITION " + schema + child + ";\n" +
		"-- … each partition; the index of the parent is valid once all are attached"
}

// indexName is the name that an index is given, or that of its columns as the
// server makes it; "" for one on expressions without a name.
func indexName(stmt *pgparse.IndexStmt, table *catalog.Relation) string {
	if stmt.GetIdxname() != "" {
		return stmt.GetIdxname()
	}
	name := table.Name.Name
	for _, n := range stmt.GetIndexParams() {
		if n.GetIndexElem().GetName() == "" {
			return ""
		}
		name += "_" + n.GetIndexElem().GetName()
	}
	if len(name) > 40 {
		return "" // with that of a partition in front it would be cut
	}
	return name + "_idx"
}
