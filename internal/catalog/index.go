package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createindex.html
func (f *fold) createIndex(s *pgparse.IndexStmt) {
	t := f.relation(s.GetRelation(), Table, false)
	if t == nil {
		return
	}
	if !f.holdsRows(t, "cannot create index on relation %q", MaterializedView) {
		return
	}
	t = f.edit(t.OID)
	idx := &Relation{
		Kind: Index, Persistence: t.Persistence, Tablespace: s.GetTableSpace(), Options: options(nil, s.GetOptions()),
		Index: &IndexInfo{
			Table: t.OID, Method: s.GetAccessMethod(), Unique: s.GetUnique(), NullsNotDistinct: s.GetNullsNotDistinct(),
			Concurrent: s.GetConcurrent(), Valid: true,
		},
	}
	i := idx.Index
	if i.Method == "" {
		i.Method = "btree"
	}
	i.Keys = f.indexKeys(t, s.GetIndexParams())
	for _, n := range s.GetIndexIncludingParams() {
		if c := f.columnOf(t, n.GetIndexElem().GetName(), missingAnywhere); c != nil {
			i.Include = append(i.Include, c.Attnum)
		}
	}
	if w := s.GetWhereClause(); w != nil {
		f.inferIn(t, w)
		i.Predicate, i.PredicateText, i.PredicateColumns = w, whereText(f.sql, w), t.attnumsIn(w)
	}
	i.Names = indexColumnNames(s.GetIndexParams(), s.GetIndexIncludingParams())
	name := clip(s.GetIdxname())
	if name == "" {
		name = f.chooseRelation(t.Name.Schema, t.Name.Name, joinNames(i.Names), "idx", false)
	} else if oid, taken := f.names.get(Name{t.Name.Schema, name}); taken {
		if s.GetIfNotExists() {
			return
		}
		old := f.Relation(oid)
		if !old.Inferred {
			f.fail(f.sure(), "42P07", "relation %q already exists", name)
		}
		if f.failed {
			return
		}
		f.dropRelation(oid)
	}
	idx.Name = Name{t.Name.Schema, name}
	f.storeIndex(t, idx, !s.GetRelation().GetInh())
}

// indexKeys are the key columns and expressions of an index.
func (f *fold) indexKeys(t *Relation, elems []*pgparse.Node) []IndexKey {
	keys := make([]IndexKey, 0, len(elems))
	for _, n := range elems {
		e := n.GetIndexElem()
		k := IndexKey{Desc: e.GetOrdering() == pgparse.SortByDir_SORTBY_DESC, Opclass: last(e.GetOpclass()), Collation: last(e.GetCollation())}
		// A column in brackets, with or without COLLATE, is the column.
		name, expr := e.GetName(), e.GetExpr()
		if c := expr.GetCollateClause(); c != nil && c.GetArg().GetColumnRef() != nil {
			expr, k.Collation = c.GetArg(), last(c.GetCollname())
		}
		if ref := expr.GetColumnRef(); ref != nil {
			name = last(ref.GetFields())
		}
		if name != "" {
			if c := f.columnOf(t, name, missingAnywhere); c != nil {
				k.Column, k.Columns = c.Attnum, []int16{c.Attnum}
			}
		} else {
			f.inferIn(t, e.GetExpr())
			k.Expr, k.ExprText, k.Columns = e.GetExpr(), keyText(f.sql, e.GetExpr()), t.attnumsIn(e.GetExpr())
		}
		keys = append(keys, k)
	}
	return keys
}

// storeIndex stores an index and builds or adopts those of the partitions.
func (f *fold) storeIndex(t, idx *Relation, only bool) *Relation {
	if t.Kind == PartitionedTable {
		idx.Kind = PartitionedIndex
		if idx.Index.Unique && !f.coversPartitionKey(t, idx.Index) {
			return idx
		}
		if only && len(t.Partitions) > 0 {
			idx.Index.Valid = false
		}
	}
	f.put(idx)
	t.Indexes = with(t.Indexes, idx.OID)
	if t.Kind == PartitionedTable && !only {
		for _, oid := range t.Partitions {
			f.partitionIndex(t, f.edit(oid), idx)
		}
	}
	return idx
}

// coversPartitionKey is what the server asks of a unique index on a partitioned
// table.
func (f *fold) coversPartitionKey(t *Relation, i *IndexInfo) bool {
	for _, k := range t.PartitionKey {
		if k.Column != 0 && !slices.ContainsFunc(i.Keys, func(x IndexKey) bool { return x.Column == k.Column }) {
			f.fail(f.sure(), "0A000", "unique constraint on partitioned table must include all partitioning columns")
			return !f.failed
		}
	}
	return true
}

// partitionIndex gives a partition its part of a partitioned index: an
// existing one that says the same, or a new one.
func (f *fold) partitionIndex(t, part, idx *Relation) {
	if part == nil || part.Kind == ForeignTable || f.depth > maxDepth {
		return
	}
	for _, oid := range part.Indexes {
		have := f.Relation(oid)
		if have == nil || have.Index.Parent != 0 || !f.sameIndex(t, part, idx, have) {
			continue
		}
		if idx.Index.Constraint != "" && have.Index.Constraint == "" {
			continue
		}
		f.attachIndex(idx, f.edit(oid))
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
	info.Parent = parent.OID
	child.Index = &info
	parent = f.edit(parent.OID)
	parent.Partitions = with(parent.Partitions, child.OID)
}

// sameIndex is CompareIndexInfo: whether an index of a partition does for one
// of the partitioned table.
func (f *fold) sameIndex(t, part, a, b *Relation) bool {
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
	return slices.Equal(t.columnNames(x.Include), part.columnNames(y.Include)) && SameExpr(x.Predicate, y.Predicate)
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
		Name: Name{to.Name.Schema, f.chooseRelation(to.Name.Schema, to.Name.Name, second, label, old != nil)},
		Kind: Index, Persistence: to.Persistence, Options: idx.Options, Index: &info, OID: f.newOID(),
	}
	info.Constraint = ""
	if old != nil {
		c := *old
		c.ID, c.Name, c.Index, c.Named = f.newOID(), next.Name.Name, next.OID, false
		c.Parent = to.Parent == from.OID
		c.Columns = attnums
		info.Constraint = c.Name
		to.Constraints = with(to.Constraints, &c)
		if c.Kind == PrimaryKey {
			f.keyNotNull(to, attnums)
		}
	}
	return f.storeIndex(to, next, false)
}

// constraintLabel is what the server's name for an index of a constraint ends
// in, and what stands between.
func constraintLabel(k ConstraintKind, columns string) (label, second string) {
	switch k {
	case PrimaryKey:
		return "pkey", ""
	case Exclude:
		return "excl", columns
	}
	return "key", columns
}

// keyNotNull is what PRIMARY KEY does to its columns.
func (f *fold) keyNotNull(t *Relation, attnums []int16) {
	for _, a := range attnums {
		if c := t.Attr(a); c != nil && (!c.NotNull || c.NotNullInvalid) {
			f.setNotNull(t, a, false)
		}
	}
}

// addIndexConstraints adds primary keys, unique and exclusion constraints.
// Within one statement the server makes one index for two that say the same.
func (f *fold) addIndexConstraints(t *Relation, specs []constraintSpec, only bool) {
	type made struct {
		idx   *Relation
		named bool
		kind  ConstraintKind
		c     *Constraint
	}
	var done []made
	for _, s := range specs {
		idx, c, elems := f.indexConstraint(t, s)
		if same := slices.IndexFunc(done, func(m made) bool {
			return c.Kind == Unique && m.kind != Exclude && sameKeys(m.idx.Index, idx.Index) && m.c.Deferrable == c.Deferrable
		}); same >= 0 {
			continue
		}
		if c.Kind == PrimaryKey {
			if old := f.primaryKey(t); old != nil {
				f.fail(f.sure() && !t.Inferred, "42P16", "multiple primary keys for table %q are not allowed", t.Name.Name)
				if f.failed {
					return
				}
				f.forgetConstraint(t, old)
			}
		}
		if !f.storeConstraintIndex(t, idx, c, elems, only) {
			return
		}
		done = append(done, made{idx, c.Named, c.Kind, c})
	}
}

func (f *fold) primaryKey(t *Relation) *Constraint {
	for _, c := range t.Constraints {
		if c.Kind == PrimaryKey {
			return c
		}
	}
	return nil
}

func sameKeys(a, b *IndexInfo) bool {
	if len(a.Keys) != len(b.Keys) || !slices.Equal(a.Include, b.Include) || a.NullsNotDistinct != b.NullsNotDistinct {
		return false
	}
	for i := range a.Keys {
		if a.Keys[i].Column != b.Keys[i].Column || a.Keys[i].Column == 0 {
			return false
		}
	}
	return true
}

// indexConstraint is the index and constraint that a specification asks for;
// neither has a name yet unless the author chose one.
func (f *fold) indexConstraint(t *Relation, s constraintSpec) (*Relation, *Constraint, []string) {
	con := s.node
	c := &Constraint{
		Kind: Unique, Name: clip(con.GetConname()), Named: con.GetConname() != "", Valid: true, Enforced: true,
		Deferrable: con.GetDeferrable() || s.deferrable, InitiallyDeferred: con.GetInitdeferred() || s.deferred,
		NullsNotDistinct: con.GetNullsNotDistinct(), WithoutOverlaps: con.GetWithoutOverlaps(),
	}
	info := &IndexInfo{Table: t.OID, Method: "btree", Unique: true, NullsNotDistinct: c.NullsNotDistinct, Valid: true}
	var names []string
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_EXCLUSION:
		c.Kind = Exclude
		info.Unique, info.Method = false, con.GetAccessMethod()
		var elems []*pgparse.Node
		for _, x := range con.GetExclusions() {
			if list := items(x); len(list) > 0 {
				elems = append(elems, list[0])
			}
		}
		info.Keys = f.indexKeys(t, elems)
		names = indexColumnNames(elems)
		for _, k := range info.Keys {
			if k.Column != 0 {
				c.Columns = append(c.Columns, k.Column)
			}
		}
		if w := con.GetWhereClause(); w != nil {
			info.Predicate, info.PredicateColumns = w, t.attnumsIn(w)
			info.PredicateText = bracketTail(f.sql, w)
		}
	default:
		if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			c.Kind, info.Primary = PrimaryKey, true
		}
		if c.WithoutOverlaps {
			info.Method = "gist"
		}
		keys := s.columns
		if len(keys) == 0 {
			keys = strs(con.GetKeys())
		}
		for _, n := range keys {
			if col := f.columnOf(t, n, missingKey); col != nil {
				info.Keys = append(info.Keys, IndexKey{Column: col.Attnum, Columns: []int16{col.Attnum}})
				c.Columns = append(c.Columns, col.Attnum)
				names = append(names, col.Name)
			}
		}
	}
	for _, n := range con.GetIncluding() {
		if col := f.columnOf(t, str(n), missingKey); col != nil {
			info.Include = append(info.Include, col.Attnum)
			names = append(names, col.Name)
		}
	}
	idx := &Relation{
		Kind: Index, Persistence: t.Persistence, Tablespace: con.GetIndexspace(),
		Options: options(nil, con.GetOptions()), Index: info,
	}
	return idx, c, names
}

// storeConstraintIndex names and stores an index with its constraint, on the
// partitions too. false when the name is taken.
func (f *fold) storeConstraintIndex(t, idx *Relation, c *Constraint, columns []string, only bool) bool {
	idx.Index.Names = columns
	if c.Name == "" {
		label, second := constraintLabel(c.Kind, joinNames(columns))
		c.Name = f.chooseRelation(t.Name.Schema, t.Name.Name, second, label, true)
	} else {
		if t.Constraint(c.Name) != nil && f.nameTaken(t, c.Name) {
			return false
		}
		if oid, taken := f.names.get(Name{t.Name.Schema, c.Name}); taken {
			if old := f.Relation(oid); !old.Inferred {
				f.fail(f.sure(), "42P07", "relation %q already exists", c.Name)
			}
			if f.failed {
				return false
			}
			f.dropRelation(oid)
		}
	}
	idx.Name = Name{t.Name.Schema, c.Name}
	idx.Index.Constraint = c.Name
	idx.OID = f.newOID()
	c.Index = idx.OID
	f.store(t, c)
	if c.Kind == PrimaryKey {
		f.keyNotNull(t, c.Columns)
		if only {
			f.storeIndex(t, idx, true)
			return true
		}
		f.eachChild(t, func(child *Relation) { f.keyNotNull(child, mapAttnums(t, child, c.Columns)) })
	}
	f.storeIndex(t, idx, only)
	return true
}

// addUsingIndex makes a constraint of an existing index, which takes the
// constraint's name.
func (f *fold) addUsingIndex(t *Relation, con *pgparse.Constraint) {
	name := Name{t.Name.Schema, clip(con.GetIndexname())}
	oid, ok := f.names.get(name)
	if !ok {
		if !t.Inferred && !t.Partial && f.missing("relation", name) {
			f.fail(true, "42704", "index %q does not exist", name.Name)
			return
		}
		// The index may have been built where we could not see it.
		if !t.Inferred && !t.Partial {
			f.fail(false, "42704", "index %q does not exist", name.Name)
		}
		i := f.infer(name, Index)
		i.Index.Table, i.Index.Unique = t.OID, true
		t.Indexes = with(t.Indexes, i.OID)
		oid = i.OID
	}
	idx := f.edit(oid)
	if idx.Index == nil {
		f.fail(f.sure(), "42809", "%q is not an index", name.Name)
		return
	}
	if owner := f.Relation(idx.Index.Table); owner != nil && owner != t {
		f.fail(f.sure() && !owner.Inferred, "55000", "index %q does not belong to table %q", name.Name, t.Name.Name)
		return
	}
	if idx.Index.Table == 0 {
		// It was named before anything said whose it is.
		info := *idx.Index
		info.Table = t.OID
		idx.Index = &info
		t.Indexes = with(t.Indexes, oid)
	}
	if idx.Index.Constraint != "" {
		f.fail(f.sure(), "55000", "index %q is already associated with a constraint", name.Name)
		return
	}
	c := &Constraint{
		Kind: Unique, Name: clip(con.GetConname()), Named: con.GetConname() != "", Valid: true, Enforced: true, Index: oid,
		Deferrable: con.GetDeferrable(), InitiallyDeferred: con.GetInitdeferred(), NullsNotDistinct: idx.Index.NullsNotDistinct,
	}
	if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
		if old := f.primaryKey(t); old != nil {
			f.fail(f.sure() && !t.Inferred, "42P16", "multiple primary keys for table %q are not allowed", t.Name.Name)
			if f.failed {
				return
			}
			f.forgetConstraint(t, old)
		}
		c.Kind = PrimaryKey
	}
	if c.Name == "" {
		c.Name = name.Name
	} else if f.nameTaken(t, c.Name) {
		return
	}
	for _, k := range idx.Index.Keys {
		if k.Column != 0 {
			c.Columns = append(c.Columns, k.Column)
		}
	}
	if c.Name != name.Name {
		f.rename(oid, Name{t.Name.Schema, c.Name})
	}
	info := *idx.Index
	info.Constraint, info.Primary = c.Name, c.Kind == PrimaryKey
	idx.Index = &info
	f.store(t, c)
	if c.Kind == PrimaryKey {
		f.keyNotNull(t, c.Columns)
	}
}

// forgetIndex takes an index out, with its parts on partitions and the entry
// at its table.
func (f *fold) forgetIndex(oid OID) {
	idx := f.Relation(oid)
	if idx == nil || f.depth > maxDepth {
		return
	}
	f.remove(oid)
	if idx.Index == nil {
		return
	}
	if t := f.edit(idx.Index.Table); t != nil {
		t.Indexes = without(t.Indexes, oid)
		if c := t.Constraint(idx.Index.Constraint); c != nil && c.Index == oid {
			t.Constraints = slices.DeleteFunc(slices.Clone(t.Constraints), func(o *Constraint) bool { return o.ID == c.ID })
		}
		if t.ReplicaIdentity == "index "+idx.Name.Name {
			t.ReplicaIdentity = "nothing"
		}
	}
	if p := f.edit(idx.Index.Parent); p != nil {
		p.Partitions = without(p.Partitions, oid)
	}
	f.depth++
	for _, part := range idx.Partitions {
		f.forgetIndex(part)
	}
	f.depth--
}
