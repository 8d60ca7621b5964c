package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitioned finds the tables that are partitioned at the head, and plain ones under the same names at
// the base, by whatever statements: a shadow takes the place of each.
// https://www.postgresql.org/docs/current/ddl-partitioning.html
func (r *Release) partitioned() {
	for _, c := range r.changes {
		stmt := c.Node.GetCreateStmt()
		if stmt.GetPartspec() == nil {
			continue
		}
		made, _ := c.After.Resolve(stmt.Relation)
		if made == nil || made.Parent != 0 || r.head.Relation(made.OID) == nil {
			continue
		}
		head := r.head.Relation(made.OID)
		t := r.Deployed.Lookup(head.Name.Schema, head.Name.Name)
		if t == nil || t.Kind != catalog.Table || t.OID == head.OID {
			continue
		}
		s := &shadow{release: r, t: t, head: head, phase: onward.Backfill, why: "both names change in one transaction: what was begun before is through, and what comes finds the partitioned table"}
		if s.members(); s.c == nil {
			continue
		}
		s.fresh, s.aside = r.unique(t.Name.Name, "onward", ""), r.unique(t.Name.Name, "was", "")
		kept := r.head.Relation(t.OID)
		if kept != nil {
			s.aside, s.stays = kept.Name.Name, true
		}
		if kept != nil && kept.Parent != 0 {
			s.becomes(kept)
		} else {
			s.rowsOf()
			s.keysOf()
			s.partitions()
		}
		s.inTheWay()
		r.shadows = append(r.shadows, s)
	}
}

// rowsOf reads which columns the release copies: those that it gives the new table as they are.
func (s *shadow) rowsOf() {
	copies := 0
	for _, c := range s.changes {
		switch n := c.Node.GetNode().(type) {
		case *pgparse.Node_InsertStmt:
			copies++
			if !s.copies(c, n.InsertStmt) {
				s.not("%s:%d gives %s other rows than those of the table as they are: what deployed code writes meanwhile cannot be brought into it", c.Migration.Path, c.Line, s.t.Name)
			}
		case *pgparse.Node_UpdateStmt, *pgparse.Node_DeleteStmt:
			s.not("%s:%d changes rows of %s: a release of its own is to", c.Migration.Path, c.Line, s.t.Name)
		}
	}
	if copies != 1 && len(s.wrong) == 0 {
		s.not("%s becomes a partitioned table, and its rows are copied by %d statements: one INSERT INTO … SELECT … FROM it is read", s.t.Name, copies)
	}
	for _, col := range s.t.Columns {
		at := s.head.Column(col.Name)
		switch {
		case at == nil || !slices.Contains(s.columns, col.Name):
			s.not("%s of %s is not copied: deployed code counts on it, a release for each is planned", col.Name, s.t.Name)
		case !at.Type.Same(col.Type) || at.Generated != col.Generated:
			s.not("%s of %s changes together with its table: a release for each is planned", col.Name, s.t.Name)
		case at.NotNull && !col.NotNull:
			s.not("%s of %s may be NULL in the deployed table, and not in the partitioned one: SET NOT NULL comes first, in a release of its own", col.Name, s.t.Name)
		}
	}
	for _, col := range s.head.Columns {
		if s.t.Column(col.Name) == nil {
			s.not("%s is new in %s: it is added behind the change, in a release of its own", col.Name, s.t.Name)
		}
	}
	s.columns = slices.DeleteFunc(s.columns, func(n string) bool { col := s.head.Column(n); return col == nil || col.Generated != "" })
}

// copies reads the columns that a statement brings from the table to the new one, each to its like.
func (s *shadow) copies(c *Change, insert *pgparse.InsertStmt) bool {
	sel := insert.SelectStmt.GetSelectStmt()
	into := c.resolve(insert.Relation)
	if into == nil || into.OID != s.head.OID || sel == nil || len(sel.FromClause) != 1 || insert.WithClause != nil || sel.WithClause != nil || sel.Op != pgparse.SetOperation_SETOP_NONE ||
		sel.WhereClause != nil || sel.LimitCount != nil || sel.LimitOffset != nil || len(sel.GroupClause)+len(sel.DistinctClause) > 0 || sel.HavingClause != nil {
		return false
	}
	from := c.resolve(sel.FromClause[0].GetRangeVar())
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
			source = append(source, pgparse.Last(ref.Fields))
		}
	}
	for _, n := range insert.Cols {
		target = append(target, n.GetResTarget().GetName())
	}
	if len(target) == 0 {
		target = into.AllColumns()[:min(len(source), len(into.Columns))]
	}
	s.columns = source
	return slices.Equal(source, target)
}

// keysOf finds what tells rows apart on both sides, and whether deployed code loses a unique key: then
// the names change when it is gone.
func (s *shadow) keysOf() {
	if s.goesAlong() {
		s.uniqueKeys()
		s.byKey()
	}
}

// uniqueKeys holds the unique keys of both tables against each other.
func (s *shadow) uniqueKeys() {
	r := s.release
	theirs := uniques(r.Deployed, s.t)
	ours := uniques(r.head, s.head)
	for _, columns := range slices.Sorted(maps.Keys(theirs)) {
		if ours[columns] == nil {
			s.phase = onward.Contract
			s.told = append(s.told, fmt.Sprintf("%s is not unique by (%s) any more: a unique key of a partitioned table has the columns that it is partitioned by. Up to the swap it still is, and ON CONFLICT (%[2]s) works; behind it neither does", s.t.Name, columns))
		}
	}
	for _, columns := range slices.Sorted(maps.Keys(ours)) {
		x := ours[columns]
		implied := false
		for key := range theirs {
			implied = implied || subset(strings.Split(key, ", "), strings.Split(columns, ", "))
		}
		switch {
		case !implied:
			s.not("%s is to be unique by (%s), and the deployed table is not: that comes first, in a release of its own", s.t.Name, columns)
			continue
		case theirs[columns] == nil:
			s.alike = append(s.alike, x)
		}
		if s.tells(x) && (len(s.to) == 0 || x.Index.Primary) {
			s.to = s.head.ColumnNames(keyColumns(x.Index))
		}
	}
}

// byKey gives the shadow a unique index of its own where the head has none to tell rows apart by.
func (s *shadow) byKey() {
	own := slices.Clone(s.from)
	for _, k := range s.head.PartitionKey {
		col := s.head.Attr(k.Column)
		if col == nil {
			if len(s.to) == 0 {
				s.not("%s is partitioned by an expression: no unique key can tell its rows apart", s.t.Name)
			}
			continue
		}
		if !slices.Contains(own, col.Name) {
			own = append(own, col.Name)
		}
		if was := s.t.Column(col.Name); len(s.to) == 0 && was != nil && !was.NotNull {
			s.not("%s of %s may be NULL, and the table is to be partitioned by it: SET NOT NULL comes first, in a release of its own", col.Name, s.t.Name)
		}
	}
	if len(s.to) > 0 {
		return
	}
	s.to = own
	index := s.release.unique(s.t.Name.Name, "onward", "key")
	s.make = append(s.make, "CREATE UNIQUE INDEX "+quote(index)+" ON "+name(s.under(s.fresh))+" ("+quoted(own)+")")
	s.gone = append(s.gone, "DROP INDEX IF EXISTS "+inSchema(s.t, index))
}

// tells reports whether an index can tell the rows of both tables apart.
func (s *shadow) tells(x *catalog.Relation) bool {
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

// uniques are the unique indexes of a table, by their columns in order of their names; those of
// expressions and with conditions by their text.
func uniques(c *catalog.Catalog, t *catalog.Relation) map[string]*catalog.Relation {
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

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// partitions are what makes the shadow: the table, its indexes and keys, and its partitions, which take
// them over.
func (s *shadow) partitions() {
	shadow := s.under(s.fresh)
	var parts []string
	for _, col := range s.head.Columns {
		parts = append(parts, columnText(col))
	}
	for _, con := range s.head.Constraints {
		if con.Kind == catalog.Check {
			parts = append(parts, "CONSTRAINT "+quote(con.Name)+" "+check(con.ExprText, con))
		}
	}
	own := s.make
	s.make = append([]string{"CREATE TABLE " + name(shadow) + " (" + strings.Join(parts, ", ") + ")" + partitionBy(s.head)}, own...)
	for _, col := range s.head.Columns {
		if col.Comment != "" {
			s.make = append(s.make, "COMMENT ON COLUMN "+name(shadow)+"."+quote(col.Name)+" IS "+pgparse.QuoteLiteral(col.Comment))
		}
	}
	s.indexed()
	s.foreign()
	s.parts(shadow, s.head)
	s.allowed()
}

// parts makes the partitions of a table, and those of them.
func (s *shadow) parts(at, head *catalog.Relation) {
	for _, p := range s.release.head.Rels(head.Partitions) {
		if s.attaches && p.OID == s.t.OID {
			continue
		}
		if s.release.Deployed.Relation(p.OID) != nil || p.Kind != catalog.Table && p.Kind != catalog.PartitionedTable {
			s.not("partition %s of %s is a table that is there", p.Name, s.t.Name)
			continue
		}
		if s.release.Deployed.Lookup(p.Name.Schema, p.Name.Name) != nil {
			s.not("partition %s of %s has the name of a table that is there", p.Name, s.t.Name)
			continue
		}
		sql := "CREATE TABLE " + name(p) + " PARTITION OF " + name(at) + " " + p.Bound + partitionBy(p)
		if with := options(p); with != "" {
			sql += " WITH (" + with + ")"
		}
		s.make = append(s.make, sql)
		s.parts(p, p)
	}
}

func options(p *catalog.Relation) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(p.Options)) {
		out = append(out, k+" = "+p.Options[k])
	}
	return strings.Join(out, ", ")
}

// partitionBy is how a table is partitioned; "" where it is not.
func partitionBy(t *catalog.Relation) string {
	if t.Kind != catalog.PartitionedTable {
		return ""
	}
	var keys []string
	for i := range t.PartitionKey {
		keys = append(keys, onKey(t, &t.PartitionKey[i]))
	}
	return " PARTITION BY " + strings.ToUpper(t.Strategy) + " (" + strings.Join(keys, ", ") + ")"
}

// columnText is a column in CREATE TABLE. What gives an identity its numbers comes with the swap.
func columnText(col *catalog.Column) string {
	out := quote(col.Name) + " " + typeName(col.Type)
	if col.Collation != "" {
		out += " COLLATE " + quote(col.Collation)
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
