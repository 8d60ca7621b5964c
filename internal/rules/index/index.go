package index

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
)

// droppedNames are the dotted names of a DROP statement's objects, and the last part
// of each.
func droppedNames(s *pgparse.DropStmt) []catalog.Name {
	var out []catalog.Name
	for _, o := range s.GetObjects() {
		var n catalog.Name
		n.Schema, n.Name = pgparse.SchemaAndName(o.GetList().GetItems())
		out = append(out, n)
	}
	return out
}

// advisePartitionBuild returns the way to an index on a partitioned table that blocks
// nobody.
func advisePartitionBuild(s *rule.Stmt, stmt *pgparse.IndexStmt, table *catalog.Relation) string {
	how := "create it on the parent only, which is instant and leaves it invalid, then build it on each partition and attach it"
	name := indexName(stmt, table)
	if recipe.HasForeign(s.Before.RelationsByOID(table.Partitions)) {
		how = "build it on each partition, then create it on the parent, which takes those over in an instant " +
			"(to an index ON ONLY the parent nothing can be attached for a foreign partition, so it would stay invalid)"
	}
	var list []*catalog.Relation
	for _, oid := range table.Partitions {
		r := s.Before.Relation(oid)
		if r == nil || r.Kind == catalog.PartitionedTable {
			return how
		}
		list = append(list, r)
	}
	if name == "" || len(list) == 0 || len(list) > mostPartitions {
		return how
	}
	definition := strings.TrimRight(s.SQL[pgparse.NameEnd(s.SQL, int(stmt.GetRelation().GetLocation())):], " \n")
	return how + ":\n" + recipe.BuildIndexOnPartitions(recipe.Partitioned{Table: table, Name: name, Unique: stmt.GetUnique(), Definition: definition}, list)
}

// mostPartitions is how many partitions a printed fix goes through.
const mostPartitions = 12

// indexName returns the name of an index, or the name that the server derives from its
// columns; "" for an index on expressions without a name.
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
		return "" // with the name of a partition before it, it would be truncated
	}
	return name + "_idx"
}
