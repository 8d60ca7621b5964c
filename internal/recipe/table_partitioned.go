package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// findPartitioned finds the tables that are plain at the base and partitioned at the head under the same
// name, by whatever statements. The deployed table then
//
//   - is replaced by a shadow: a partitioned table that triggers and a backfill fill, and that takes the name at last. The old one is dropped
//     after the deploy, or keeps the name that the release gives it;
//   - or becomes a partition of the new table itself, if the release attaches it. No row is copied.
//
// https://www.postgresql.org/docs/current/ddl-partitioning.html
func (r *Release) findPartitioned() {
	for _, c := range r.changes {
		stmt := c.Node.GetCreateStmt()
		if stmt.GetPartspec() == nil {
			continue
		}
		newTable, _ := c.After.Resolve(stmt.Relation)
		if newTable == nil || newTable.Parent != 0 || r.head.Relation(newTable.OID) == nil {
			continue
		}
		head := r.head.Relation(newTable.OID)
		t := r.Deployed.Lookup(head.Name.Schema, head.Name.Name)
		if t == nil || t.Kind != catalog.Table || t.OID == head.OID {
			continue
		}
		s := &shadowTable{
			release: r,
			t:       t,
			head:    head,
			phase:   onward.Backfill,
			why:     "exchange both tables in one transaction: later statements use the partitioned table",
		}
		if s.collectChanges(); s.c == nil { // no statement of the release takes the place of the table
			continue
		}
		s.shadowName, s.oldName = r.uniqueName(t.Name.Name, "onward", ""), r.uniqueName(t.Name.Name, "was", "")
		keptTable := r.head.Relation(t.OID)
		if keptTable != nil {
			s.oldName, s.keepsTable = keptTable.Name.Name, true
		}
		if keptTable != nil && keptTable.Parent != 0 {
			s.checkPartition(keptTable)
		} else {
			s.findCopiedColumns()
			s.findRowKeys()
			s.createPartitioned()
		}
		s.reportDependents()
		r.shadows = append(r.shadows, s)
	}
}

// findCopiedColumns finds the columns that the release copies unchanged to the new table.
func (s *shadowTable) findCopiedColumns() {
	copies := 0
	for _, c := range s.changes {
		switch n := c.Node.GetNode().(type) {
		case *pgparse.Node_InsertStmt:
			copies++
			if !s.readCopiedColumns(c, n.InsertStmt) {
				s.addObstacle("%s:%d gives %s other rows than the table has: rows that deployed code writes meanwhile cannot be copied into it", c.Migration.Path,
					c.Line, s.t.Name)
			}
		case *pgparse.Node_UpdateStmt, *pgparse.Node_DeleteStmt:
			s.addObstacle("%s:%d changes rows of %s: a release of its own is to", c.Migration.Path, c.Line, s.t.Name)
		}
	}
	if copies != 1 && len(s.obstacles) == 0 {
		s.addObstacle("%s becomes a partitioned table, and its rows are copied by %d statements: one INSERT INTO … SELECT … FROM it is read", s.t.Name, copies)
	}
	for _, col := range s.t.Columns {
		headColumn := s.head.Column(col.Name)
		switch {
		case headColumn == nil || !slices.Contains(s.columns, col.Name):
			s.addObstacle("%s of %s is not copied: deployed code counts on it, a release for each is planned", col.Name, s.t.Name)
		case !headColumn.Type.IsSame(col.Type) || headColumn.Generated != col.Generated:
			s.addObstacle("%s of %s changes together with its table: a release for each is planned", col.Name, s.t.Name)
		case headColumn.NotNull && !col.NotNull:
			s.addObstacle("%s of %s may be NULL in the deployed table, and not in the partitioned one: SET NOT NULL comes first, in a release of its own", col.Name,
				s.t.Name)
		}
	}
	for _, col := range s.head.Columns {
		if s.t.Column(col.Name) == nil {
			s.addObstacle("%s is new in %s: add it after the change, in a release of its own", col.Name, s.t.Name)
		}
	}
	s.columns = slices.DeleteFunc(s.columns, func(n string) bool { col := s.head.Column(n); return col == nil || col.Generated != "" })
}

// readCopiedColumns finds the columns that a statement copies from the table to the same columns of the new one.
func (s *shadowTable) readCopiedColumns(c *Change, insert *pgparse.InsertStmt) bool {
	sel := insert.SelectStmt.GetSelectStmt()
	destination := c.resolveRelation(insert.Relation)
	if destination == nil || destination.OID != s.head.OID || sel == nil || len(sel.FromClause) != 1 || insert.WithClause != nil || sel.WithClause != nil ||
		sel.Op != pgparse.SetOperation_SETOP_NONE ||
		sel.WhereClause != nil || sel.LimitCount != nil || sel.LimitOffset != nil || len(sel.GroupClause)+len(sel.DistinctClause) > 0 || sel.HavingClause != nil {
		return false
	}
	from := c.resolveRelation(sel.FromClause[0].GetRangeVar())
	if from == nil || from.OID != s.t.OID {
		return false
	}
	var source, target []string
	for _, n := range sel.TargetList {
		ref := n.GetResTarget().GetVal().GetColumnRef()
		switch {
		case ref == nil:
			return false
		case ref.Fields[len(ref.Fields)-1].GetAStar() != nil:
			source = append(source, from.AllColumns()...)
		default:
			source = append(source, pgparse.LastText(ref.Fields))
		}
	}
	for _, n := range insert.Cols {
		target = append(target, n.GetResTarget().GetName())
	}
	if len(target) == 0 {
		target = destination.AllColumns()[:min(len(source), len(destination.Columns))]
	}
	s.columns = source
	return slices.Equal(source, target)
}

// findRowKeys finds the columns that identify rows on both sides, and whether the deployed code loses a
// unique key. In that case the names are exchanged only after that code is gone.
func (s *shadowTable) findRowKeys() {
	if s.findBackfillKey() {
		s.compareUniqueKeys()
		s.addKeyIndex()
	}
}

// compareUniqueKeys compares the unique keys of both tables.
func (s *shadowTable) compareUniqueKeys() {
	r := s.release
	baseIndexes := findUniqueIndexes(r.Deployed, s.t)
	headIndexes := findUniqueIndexes(r.head, s.head)
	for _, columns := range slices.Sorted(maps.Keys(baseIndexes)) {
		if headIndexes[columns] == nil {
			s.phase = onward.Contract
			s.userNotes = append(s.userNotes, fmt.Sprintf("%s is not unique by (%s) any more: a unique key of a partitioned table has the columns that it is "+
				"partitioned by. Up to the swap it still is, and ON CONFLICT (%[2]s) works; after it neither holds", s.t.Name, columns))
		}
	}
	for _, columns := range slices.Sorted(maps.Keys(headIndexes)) {
		x := headIndexes[columns]
		implied := false
		for key := range baseIndexes {
			implied = implied || isSubset(strings.Split(key, ", "), strings.Split(columns, ", "))
		}
		switch {
		case !implied:
			s.addObstacle("%s becomes unique by (%s), and the deployed table is not: make it unique first, in a release of its own", s.t.Name, columns)
			continue
		case baseIndexes[columns] == nil:
			s.sharedIndexes = append(s.sharedIndexes, x)
		}
		if s.identifiesRows(x) && (len(s.to) == 0 || x.Index.Primary) {
			s.to = s.head.ColumnNames(keyColumns(x.Index))
		}
	}
}

// addKeyIndex gives the shadow a unique index of its own if none at the head can identify rows.
func (s *shadowTable) addKeyIndex() {
	keys := slices.Clone(s.from)
	for _, k := range s.head.PartitionKey {
		col := s.head.Attr(k.Column)
		if col == nil {
			if len(s.to) == 0 {
				s.addObstacle("%s is partitioned by an expression: no unique key can tell its rows apart", s.t.Name)
			}
			continue
		}
		if !slices.Contains(keys, col.Name) {
			keys = append(keys, col.Name)
		}
		if oldColumn := s.t.Column(col.Name); len(s.to) == 0 && oldColumn != nil && !oldColumn.NotNull {
			s.addObstacle("%s of %s may be NULL, and becomes the partition key: SET NOT NULL comes first, in a release of its own", col.Name, s.t.Name)
		}
	}
	if len(s.to) > 0 {
		return
	}
	s.to = keys
	index := s.release.uniqueName(s.t.Name.Name, "onward", "key")
	s.createSQL = append(s.createSQL, "CREATE UNIQUE INDEX "+quoteIdent(index)+" ON "+tableName(s.withName(s.shadowName))+" ("+analysis.QuoteIdents(keys)+")")
	s.dropSQL = append(s.dropSQL, "DROP INDEX IF EXISTS "+qualifyInSchema(s.t, index))
}

// identifiesRows reports whether an index can identify the rows of both tables.
func (s *shadowTable) identifiesRows(x *catalog.Relation) bool {
	con := s.head.Constraint(x.Index.Constraint)
	if con != nil && con.Deferrable || !x.Index.Valid {
		return false
	}
	for _, n := range s.head.ColumnNames(keyColumns(x.Index)) {
		if col := s.t.Column(n); col == nil || !col.NotNull {
			return false
		}
	}
	return true
}

// findUniqueIndexes returns the unique indexes of a table, keyed by their column names in alphabetical order. An
// index with expressions or a condition is keyed by its text.
func findUniqueIndexes(c *catalog.Catalog, t *catalog.Relation) map[string]*catalog.Relation {
	out := map[string]*catalog.Relation{}
	for _, x := range c.IndexesOf(t) {
		if x.Index == nil || !x.Index.Unique {
			continue
		}
		names := t.ColumnNames(keyColumns(x.Index))
		slices.Sort(names)
		text := strings.Join(names, ", ")
		if len(names) != len(x.Index.Keys) || x.Index.Predicate != nil {
			text = indexBody(t, x.Index, x)
		}
		if old := out[text]; old == nil || !old.Index.Primary {
			out[text] = x
		}
	}
	return out
}

func keyColumns(x *catalog.IndexInfo) (out []int16) {
	for _, k := range x.Keys {
		if k.Column != 0 {
			out = append(out, k.Column)
		}
	}
	return out
}

func isSubset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// createPartitioned adds the statements that create the shadow: the table, its indexes and keys, and its
// partitions, which inherit them.
func (s *shadowTable) createPartitioned() {
	shadow := s.withName(s.shadowName)
	var parts []string
	for _, col := range s.head.Columns {
		parts = append(parts, columnText(col))
	}
	for _, con := range s.head.Constraints {
		if con.Kind == catalog.Check {
			parts = append(parts, "CONSTRAINT "+quoteIdent(con.Name)+" "+checkDefinition(con.ExprText, con))
		}
	}
	indexSQL := s.createSQL
	s.createSQL = append([]string{"CREATE TABLE " + tableName(shadow) + " (" + strings.Join(parts, ", ") + ")" + partitionByClause(s.head)}, indexSQL...)
	for _, col := range s.head.Columns {
		if col.Comment != "" {
			s.createSQL = append(s.createSQL, "COMMENT ON COLUMN "+tableName(shadow)+"."+quoteIdent(col.Name)+" IS "+pgparse.QuoteLiteral(col.Comment))
		}
	}
	s.copyIndexes()
	s.copyForeignKeys()
	s.createPartitions(shadow, s.head)
	s.copyPrivileges()
}

// createPartitions creates the partitions of a table, recursively.
func (s *shadowTable) createPartitions(parent, head *catalog.Relation) {
	for _, p := range s.release.head.RelationsByOID(head.Partitions) {
		if s.attaches && p.OID == s.t.OID {
			continue
		}
		if s.release.Deployed.Relation(p.OID) != nil || p.Kind != catalog.Table && p.Kind != catalog.PartitionedTable {
			s.addObstacle("partition %s of %s is a table that is there", p.Name, s.t.Name)
			continue
		}
		if s.release.Deployed.Lookup(p.Name.Schema, p.Name.Name) != nil {
			s.addObstacle("partition %s of %s has the name of a table that is there", p.Name, s.t.Name)
			continue
		}
		sql := "CREATE TABLE " + tableName(p) + " PARTITION OF " + tableName(parent) + " " + p.Bound + partitionByClause(p)
		if options := storageOptions(p); options != "" {
			sql += " WITH (" + options + ")"
		}
		s.createSQL = append(s.createSQL, sql)
		s.createPartitions(p, p)
	}
}

func storageOptions(p *catalog.Relation) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(p.Options)) {
		out = append(out, k+" = "+p.Options[k])
	}
	return strings.Join(out, ", ")
}

// partitionByClause returns the PARTITION BY clause of a table; "" if it is not partitioned.
func partitionByClause(t *catalog.Relation) string {
	if t.Kind != catalog.PartitionedTable {
		return ""
	}
	var keys []string
	for i := range t.PartitionKey {
		keys = append(keys, indexKeyText(t, &t.PartitionKey[i]))
	}
	return " PARTITION BY " + strings.ToUpper(t.Strategy) + " (" + strings.Join(keys, ", ") + ")"
}

// columnText returns a column for CREATE TABLE. An identity gets its sequence in the swap.
func columnText(col *catalog.Column) string {
	out := quoteIdent(col.Name) + " " + typeName(col.Type)
	if col.Collation != "" {
		out += " COLLATE " + quoteIdent(col.Collation)
	}
	switch {
	case col.Generated != "":
		out += " GENERATED ALWAYS AS (" + col.DefaultText + ") " + strings.ToUpper(col.Generated)
	case col.DefaultText != "" && col.Identity == "":
		out += " DEFAULT " + col.DefaultText
	}
	if col.NotNull {
		out += " NOT NULL"
	}
	return out
}
