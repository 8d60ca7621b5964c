package catalog

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// constraintLabel returns the ending of the server's name for a constraint's index, and
// the part before it: "key" and "a" for UNIQUE (a) on t, whose index is t_a_key.
func constraintLabel(k ConstraintKind, columns string) (label, second string) {
	switch k {
	case PrimaryKey:
		return "pkey", ""
	case Exclude:
		return "excl", columns
	}
	return "key", columns
}

// setKeyNotNull makes the columns of a PRIMARY KEY NOT NULL.
func (f *fold) setKeyNotNull(t *Relation, attnums []int16) {
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
		idx, c, elems := f.buildIndexConstraint(t, s)
		if duplicate := slices.IndexFunc(done, func(m made) bool {
			return c.Kind == Unique && m.kind != Exclude && hasSameIndexKeys(m.idx.Index, idx.Index) && m.c.Deferrable == c.Deferrable
		}); duplicate >= 0 {
			continue
		}
		if c.Kind == PrimaryKey {
			if old := f.primaryKey(t); old != nil {
				f.addConflict(!t.Inferred, pgerror.KeyTwice, t.Name.Name)
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

func hasSameIndexKeys(a, b *IndexInfo) bool {
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

// buildIndexConstraint builds the index and constraint that a specification asks for;
// neither has a name yet unless the author chose one.
func (f *fold) buildIndexConstraint(t *Relation, s constraintSpec) (*Relation, *Constraint, []string) {
	con := s.node
	c := &Constraint{
		Kind: Unique, Name: clipName(con.GetConname()), Named: con.GetConname() != "", Valid: true, Enforced: true,
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
			if list := pgparse.ListItems(x); len(list) > 0 {
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
			info.PredicateText = bracketedWhereText(f.sql, w)
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
			keys = pgparse.StringTexts(con.GetKeys())
		}
		for _, n := range keys {
			if col := f.requireRelationColumn(t, n, &pgerror.ColumnMissingKey); col != nil {
				info.Keys = append(info.Keys, IndexKey{Column: col.Attnum, Columns: []int16{col.Attnum}})
				c.Columns = append(c.Columns, col.Attnum)
				names = append(names, col.Name)
			}
		}
	}
	for _, n := range con.GetIncluding() {
		if col := f.requireRelationColumn(t, pgparse.StringText(n), &pgerror.ColumnMissingKey); col != nil {
			info.Include = append(info.Include, col.Attnum)
			names = append(names, col.Name)
		}
	}
	idx := &Relation{
		Kind: Index, Persistence: t.Persistence, Rare: newRare("", cmp.Or(con.GetIndexspace(), f.TableSpace), mergeStorageOptions(nil, con.GetOptions())), Index: info,
	}
	return idx, c, names
}

// storeConstraintIndex names and stores an index with its constraint, also on the
// partitions. It returns false if the name is taken.
func (f *fold) storeConstraintIndex(t, idx *Relation, c *Constraint, columns []string, only bool) bool {
	idx.Index.Names = columns
	if c.Name == "" {
		label, second := constraintLabel(c.Kind, joinNames(columns))
		c.Name = f.chooseRelationName(t.Name.Schema, t.Name.Name, second, label, true)
	} else {
		if t.Constraint(c.Name) != nil && f.refuseDuplicateConstraint(t, c.Name) {
			return false
		}
		if !f.makeNameFree(t.OID, Name{t.Name.Schema, c.Name}) {
			return false
		}
	}
	idx.Name = Name{t.Name.Schema, c.Name}
	idx.Index.Constraint = c.Name
	idx.OID = f.newOID()
	c.Index = idx.OID
	f.attachConstraint(t, c)
	if c.Kind == PrimaryKey {
		f.setKeyNotNull(t, c.Columns)
		if only {
			f.storeIndex(t, idx, true)
			return true
		}
		f.eachChild(t, func(child *Relation) { f.setKeyNotNull(child, mapAttnums(t, child, c.Columns)) })
	}
	f.storeIndex(t, idx, only)
	return true
}

// findConstraintIndex returns the index of a table that a constraint will use; nil if the index is
// not suitable.
func (f *fold) findConstraintIndex(t *Relation, name Name) *Relation {
	oid, ok := f.names.get(name)
	if !ok {
		if !t.Inferred && !t.Partial && f.isMissing("relation", name) {
			f.addProblem(true, pgerror.IndexMissing, name.Name).Conflict = f.Complete
			return nil
		}
		// The index may have been built where we could not see it.
		if !t.Inferred && !t.Partial {
			f.addProblem(false, pgerror.IndexMissing, name.Name)
		}
		i := f.inferRelation(name, Index)
		i.Index.Table, i.Index.Unique = t.OID, true
		t.Indexes = appendShared(f, t.Indexes, i.OID)
		oid = i.OID
	}
	idx := f.editRelation(oid)
	if idx.Index == nil {
		f.addProblem(f.isHistoryComplete(), pgerror.NotIndex, name.Name)
		return nil
	}
	if owner := f.Relation(idx.Index.Table); owner != nil && owner != t {
		f.addProblem(f.isHistoryComplete() && !owner.Inferred, pgerror.UsingForeignIndex, name.Name, t.Name.Name)
		return nil
	}
	if idx.Index.Table == 0 {
		// It was named before anything said whose it is.
		info := *idx.Index
		info.Table = t.OID
		idx.Index = &info
		t.Indexes = appendShared(f, t.Indexes, oid)
	}
	if idx.Index.Constraint != "" {
		f.addProblem(f.isHistoryComplete(), pgerror.UsingTaken, name.Name)
		return nil
	}
	return idx
}

// addUsingIndex makes a constraint of an existing index, which takes the
// constraint's name.
func (f *fold) addUsingIndex(t *Relation, con *pgparse.Constraint) {
	name := Name{t.Name.Schema, clipName(con.GetIndexname())}
	idx := f.findConstraintIndex(t, name)
	if idx == nil {
		return
	}
	oid := idx.OID
	c := &Constraint{
		Kind: Unique, Name: clipName(con.GetConname()), Named: con.GetConname() != "", Valid: true, Enforced: true, Index: oid,
		Deferrable: con.GetDeferrable(), InitiallyDeferred: con.GetInitdeferred(), NullsNotDistinct: idx.Index.NullsNotDistinct,
	}
	if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
		if old := f.primaryKey(t); old != nil {
			f.addConflict(!t.Inferred, pgerror.KeyTwice, t.Name.Name)
			if f.failed {
				return
			}
			f.forgetConstraint(t, old)
		}
		c.Kind = PrimaryKey
	}
	if c.Name == "" {
		c.Name = name.Name
	} else if f.refuseDuplicateConstraint(t, c.Name) {
		return
	}
	for _, k := range idx.Index.Keys {
		if k.Column != 0 {
			c.Columns = append(c.Columns, k.Column)
		}
	}
	if c.Name != name.Name {
		full := Name{t.Name.Schema, c.Name}
		if !f.makeNameFree(oid, full) {
			return
		}
		f.setRelationName(oid, full)
	}
	info := *idx.Index
	info.Constraint, info.Primary = c.Name, c.Kind == PrimaryKey
	idx.Index = &info
	f.attachConstraint(t, c)
	if c.Kind == PrimaryKey {
		f.setKeyNotNull(t, c.Columns)
	}
}
