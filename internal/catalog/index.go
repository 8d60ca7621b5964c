package catalog

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createindex.html
func (f *fold) createIndex(s *pgparse.IndexStmt) {
	t := f.requireRelation(s.GetRelation(), Table, false)
	if t == nil {
		return
	}
	if !f.requireRowRelation(t, pgerror.IndexRelation.NewRefusal(t.Name.Name), MaterializedView) {
		return
	}
	t = f.editRelation(t.OID)
	if t.Inferred && t.Kind == Table && !s.GetRelation().GetInh() && !s.GetConcurrent() {
		t.Kind = PartitionedTable // ONLY says something of these alone
	}
	idx := &Relation{
		Kind: Index, Persistence: t.Persistence, Rare: newRare("", cmp.Or(s.GetTableSpace(), f.TableSpace), mergeStorageOptions(nil, s.GetOptions())),
		Index: &IndexInfo{
			Table: t.OID, Method: s.GetAccessMethod(), Unique: s.GetUnique(), NullsNotDistinct: s.GetNullsNotDistinct(),
			Concurrent: s.GetConcurrent(), Valid: true,
		},
	}
	i := idx.Index
	if i.Method == "" {
		i.Method = "btree"
	}
	if f.refuseTooManyKeys(len(s.GetIndexParams()) + len(s.GetIndexIncludingParams())) {
		return
	}
	i.Keys = f.indexKeys(t, s.GetIndexParams())
	for _, n := range s.GetIndexIncludingParams() {
		if c := f.requireRelationColumn(t, n.GetIndexElem().GetName(), &pgerror.ColumnMissingAlone); c != nil {
			i.Include = append(i.Include, c.Attnum)
		}
	}
	if w := s.GetWhereClause(); w != nil {
		f.inferColumns(t, w)
		i.Predicate, i.PredicateText, i.PredicateColumns = w, whereText(f.sql, w), t.attnumsIn(w)
	}
	i.Names = indexColumnNames(s.GetIndexParams(), s.GetIndexIncludingParams())
	name := clipName(s.GetIdxname())
	if name == "" {
		name = f.chooseRelationName(t.Name.Schema, t.Name.Name, joinNames(i.Names), "idx", false)
	} else {
		full := Name{t.Name.Schema, name}
		if _, exists := f.names.get(full); exists && s.GetIfNotExists() || !f.makeNameFree(t.OID, full) {
			return
		}
	}
	idx.Name = Name{t.Name.Schema, name}
	f.storeIndex(t, idx, !s.GetRelation().GetInh())
}

// indexKeys are the key columns and expressions of an index.
func (f *fold) indexKeys(t *Relation, elems []*pgparse.Node) []IndexKey {
	keys := make([]IndexKey, 0, len(elems))
	for _, n := range elems {
		e := n.GetIndexElem()
		desc := e.GetOrdering() == pgparse.SortByDir_SORTBY_DESC
		k := IndexKey{
			Desc:       desc,
			NullsFirst: hasNullsFirst(e.GetNullsOrdering(), desc),
			Opclass:    pgparse.LastText(e.GetOpclass()),
			Collation:  pgparse.LastText(e.GetCollation()),
		}
		// A column in brackets, with or without COLLATE, is the column.
		name, expr := e.GetName(), e.GetExpr()
		if c := expr.GetCollateClause(); c != nil && c.GetArg().GetColumnRef() != nil {
			expr, k.Collation = c.GetArg(), pgparse.LastText(c.GetCollname())
		}
		if ref := expr.GetColumnRef(); ref != nil {
			name = pgparse.LastText(ref.GetFields())
		}
		if name != "" {
			if c := f.requireRelationColumn(t, name, &pgerror.ColumnMissingAlone); c != nil {
				k.Column, k.Columns = c.Attnum, []int16{c.Attnum}
			}
		} else {
			f.inferColumns(t, e.GetExpr())
			k.Expr, k.ExprText, k.Columns = e.GetExpr(), keyText(f.sql, e.GetExpr()), t.attnumsIn(e.GetExpr())
		}
		keys = append(keys, k)
	}
	return keys
}

// hasNullsFirst reports whether a key's NULLs come first, which they do in descending order if nothing is written.
func hasNullsFirst(order pgparse.SortByNulls, desc bool) bool {
	switch order {
	case pgparse.SortByNulls_SORTBY_NULLS_FIRST:
		return true
	case pgparse.SortByNulls_SORTBY_NULLS_LAST:
		return false
	}
	return desc
}

// storeIndex stores an index, and builds or adopts the indexes of the partitions.
func (f *fold) storeIndex(t, idx *Relation, only bool) *Relation {
	if t.Kind == PartitionedTable {
		idx.Kind = PartitionedIndex
		if idx.Index.Unique && !f.requirePartitionKey(t, idx.Index) {
			return idx
		}
		if only && len(t.Partitions) > 0 {
			idx.Index.Valid = false
		}
	}
	f.storeRelation(idx)
	t.Indexes = appendShared(f, t.Indexes, idx.OID)
	if t.Kind == PartitionedTable && !only {
		for _, oid := range t.Partitions {
			f.addPartitionIndex(t, f.editRelation(oid), idx)
		}
	}
	return idx
}

// requirePartitionKey refuses a unique index on a partitioned table that lacks a column of the
// partition key.
func (f *fold) requirePartitionKey(t *Relation, i *IndexInfo) bool {
	for _, k := range t.PartitionKey {
		if k.Column != 0 && !slices.ContainsFunc(i.Keys, func(x IndexKey) bool { return x.Column == k.Column }) {
			f.addConflict(true, pgerror.KeyPartition)
			return !f.failed
		}
	}
	return true
}

// addPartitionIndex gives a partition its part of a partitioned index: an
// existing one that says the same, or a new one.
func (f *fold) addPartitionIndex(t, part, idx *Relation) {
	if part == nil || part.Kind == ForeignTable || f.depth > maxDepth {
		return
	}
	for _, oid := range part.Indexes {
		have := f.Relation(oid)
		if have == nil || have.Index.Parent != 0 || !f.hasSameIndexDefinition(t, part, idx, have) {
			continue
		}
		if idx.Index.Constraint != "" && have.Index.Constraint == "" {
			continue
		}
		f.attachIndex(idx, f.editRelation(oid))
		if c := part.Constraint(have.Index.Constraint); c != nil && idx.Index.Constraint != "" {
			part.editConstraint(c.ID).Parent = true
		}
		return
	}
	f.depth++
	child := f.cloneIndex(t, part, idx)
	f.depth--
	f.attachIndex(idx, child)
}

// attachIndex makes an index a part of a partitioned one.
func (f *fold) attachIndex(parent, child *Relation) {
	info := *child.Index
	if old := f.Relation(info.Parent); old != nil && old.OID != parent.OID {
		// A server has refused that; here the one or the other is a guess.
		old = f.editRelation(old.OID)
		old.copyRare().Partitions = removeValue(old.Partitions, child.OID)
	}
	info.Parent = parent.OID
	child.Index = &info
	parent = f.editRelation(parent.OID)
	parent.copyRare().Partitions = appendShared(f, parent.Partitions, child.OID)
}

// hasSameIndexDefinition reports whether an index of a partition can be part of an index of the partitioned
// table (CompareIndexInfo).
func (f *fold) hasSameIndexDefinition(t, part, a, b *Relation) bool {
	x, y := a.Index, b.Index
	if x.Unique != y.Unique || x.Method != y.Method || len(x.Keys) != len(y.Keys) || x.NullsNotDistinct != y.NullsNotDistinct || !y.Valid {
		return false
	}
	for i := range x.Keys {
		p, q := x.Keys[i], y.Keys[i]
		if (p.Column == 0) != (q.Column == 0) || p.Opclass != q.Opclass || p.Collation != q.Collation {
			return false
		}
		if p.Column == 0 {
			if !SameExpr(p.Expr, q.Expr) {
				return false
			}
		} else if c, d := t.Attr(p.Column), part.Attr(q.Column); c == nil || d == nil || c.Name != d.Name {
			return false
		}
	}
	return slices.Equal(t.ColumnNames(x.Include), part.ColumnNames(y.Include)) && SameExpr(x.Predicate, y.Predicate)
}

// cloneIndex makes an index like another one on another table, with the
// constraint when there is one. The name is the server's choice.
func (f *fold) cloneIndex(from, to, idx *Relation) *Relation {
	info := *idx.Index
	info.Table, info.Parent, info.Valid, info.Clustered = to.OID, 0, true, false
	info.Keys = make([]IndexKey, len(idx.Index.Keys))
	var attnums []int16
	for i, k := range idx.Index.Keys {
		if c := from.Attr(k.Column); k.Column != 0 && c != nil {
			if d := to.Column(c.Name); d != nil {
				k.Column = d.Attnum
				attnums = append(attnums, d.Attnum)
			}
		}
		k.Columns = mapAttnums(from, to, k.Columns)
		info.Keys[i] = k
	}
	info.Include = mapAttnums(from, to, info.Include)
	info.PredicateColumns = mapAttnums(from, to, info.PredicateColumns)
	label, second := "idx", joinNames(info.Names)
	old := from.Constraint(idx.Index.Constraint)
	if old != nil {
		label, second = constraintLabel(old.Kind, second)
	}
	next := &Relation{
		Name: Name{to.Name.Schema, f.chooseRelationName(to.Name.Schema, to.Name.Name, second, label, old != nil)},
		Kind: Index, Persistence: to.Persistence, Rare: newRare("", "", idx.Options), Index: &info, OID: f.newOID(),
	}
	info.Constraint = ""
	if old != nil {
		c := *old
		c.ID, c.Name, c.Index, c.Named = f.newOID(), next.Name.Name, next.OID, false
		c.Parent = to.Parent == from.OID
		c.Columns = attnums
		info.Constraint = c.Name
		to.Constraints = appendShared(f, to.Constraints, &c)
		if c.Kind == PrimaryKey {
			f.setKeyNotNull(to, attnums)
		}
	}
	return f.storeIndex(to, next, false)
}

// forgetIndex takes an index out, with its parts on partitions and the entry
// at its table.
func (f *fold) forgetIndex(oid OID) {
	idx := f.Relation(oid)
	if idx == nil || f.depth > maxDepth {
		return
	}
	f.removeRelation(oid)
	if idx.Index == nil {
		return
	}
	if t := f.editRelation(idx.Index.Table); t != nil {
		t.Indexes = removeValue(t.Indexes, oid)
		if c := t.Constraint(idx.Index.Constraint); c != nil && c.Index == oid {
			t.Constraints = slices.DeleteFunc(slices.Clone(t.Constraints), func(o *Constraint) bool { return o.ID == c.ID })
		}
		if t.ReplicaIdentity == "index "+idx.Name.Name {
			t.copyRare().ReplicaIdentity = "nothing"
		}
	}
	if p := f.editRelation(idx.Index.Parent); p != nil {
		p.copyRare().Partitions = removeValue(p.Partitions, oid)
	}
	f.depth++
	for _, part := range idx.Partitions {
		f.forgetIndex(part)
	}
	f.depth--
}

// UniqueAlone reports whether a unique index of all rows is on a column of a
// table alone.
func (c *Catalog) UniqueAlone(t *Relation, attnum int16) bool {
	return slices.ContainsFunc(t.Indexes, func(oid OID) bool {
		i := c.Relation(oid)
		return i != nil && i.Index != nil && i.Index.Unique && i.Index.Predicate == nil && len(i.Index.Keys) == 1 && i.Index.Keys[0].Column == attnum
	})
}
