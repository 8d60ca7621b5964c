package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// attachPartition is ATTACH PARTITION, of a table or of an index.
func (a *alterState) attachPartition(cmd *pgparse.PartitionCmd) {
	if a.rel.Kind == catalog.PartitionedIndex || a.rel.Kind == catalog.Index {
		a.attachIndex(cmd)
		return
	}
	part := a.findTable(cmd.GetName())
	if part == nil {
		return
	}
	a.lockRelation(part, accessExclusive)
	a.lockDescendants(part, accessExclusive)
	implied := a.areBoundsImplied(part, cmd.GetBound())
	for _, leaf := range a.C.ListTree(part, true) {
		if hasStorage(leaf) && !implied && !a.areBoundsImplied(leaf, cmd.GetBound()) {
			t := a.tableWorkOf(leaf)
			t.wantScan("its rows are checked against the partition's bounds")
			t.unsure = part.Inferred
		}
	}
	if d := a.C.Relation(a.rel.Default); d != nil && !cmd.GetBound().GetIsDefault() {
		a.lockDefaultPartition(d, a.rel, cmd.GetBound())
	}
	a.cloneToPartition(part.Name, a.rel, part)
}

// lockDefaultPartition locks the default partition, which is read for rows that belong
// into the new one.
func (r *run) lockDefaultPartition(d, parent *catalog.Relation, bound *pgparse.PartitionBoundSpec) {
	reason := "default partition of " + parent.Name.String()
	clear := r.isExcludedByDefault(d, parent, bound)
	for _, leaf := range r.C.ListTree(d, d.Kind == catalog.PartitionedTable) {
		e := r.lockWithReason(leaf, accessExclusive, reason)
		if hasStorage(leaf) && !clear {
			e.Scans = true
		}
	}
}

// cloneToPartition gives a partition what its parent has: indexes, foreign
// keys. part is nil for a new table.
func (r *run) cloneToPartition(name catalog.Name, parent, part *catalog.Relation) {
	used := map[catalog.OID]bool{}
	for _, index := range r.C.IndexesOf(parent) {
		r.lockWithReason(index, sue, "index of "+parent.Name.String())
		if part != nil && part.Inferred {
			continue
		}
		if part != nil {
			if have := r.findMatchingIndex(part, index, parent, used); have != nil {
				used[have.OID] = true
				continue
			}
		}
		label, cols := indexLabel(index, parent)
		full := catalog.Name{Schema: name.Schema, Name: r.freeName(name, cols, label)}
		if part == nil {
			r.recordCreated(full, catalog.Index)
			continue
		}
		r.buildIndexTree(part, full, accessExclusive, func(p *catalog.Relation) string { return r.freeName(p.Name, cols, label) },
			func(p *catalog.Relation) *catalog.Relation { return r.findMatchingIndex(p, index, parent, used) })
	}
	r.cloneForeignKeys(parent, part)
	if refs := r.C.ListReferences(parent, true); len(refs) > 0 {
		mode := as
		if r.V.AtLeast(15) {
			mode = sre
		}
		for _, ref := range refs {
			for _, t := range r.C.ListTree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
				if t != part {
					r.lockWithReason(t, mode, "references "+parent.Name.String())
				}
			}
		}
	}
}

// cloneForeignKeys gives a partition the foreign keys of its parent.
func (r *run) cloneForeignKeys(parent, part *catalog.Relation) {
	for _, con := range parent.Constraints {
		if con.Kind != catalog.ForeignKey {
			continue
		}
		ref := r.C.Relation(con.Ref)
		if ref == nil {
			continue
		}
		partForeignKey := (*catalog.Constraint)(nil)
		if part != nil {
			partForeignKey = r.findMatchingForeignKey(part, con, parent)
		}
		have := partForeignKey != nil && partForeignKey.Valid
		r.lockForeignKeyTarget(ref, part != nil && con.Valid && !have && ref != parent, referenceReason(con.Name, ""))
		if have || partForeignKey != nil && r.V.AtLeast(18) { // its own triggers are dropped: the triggers of the parent's key take over
			r.lockRelation(ref, accessExclusive)
		}
		if part != nil && con.Valid && !have {
			for _, leaf := range r.C.ListTree(part, true) {
				if hasStorage(leaf) {
					r.effectOn(leaf).Scans = true
				}
			}
		}
	}
}

// indexLabel is how a partition's copy of an index is called.
func indexLabel(index, parent *catalog.Relation) (label, columns string) {
	columns = index.Index.ColumnsInName()
	if index.Index.Constraint == "" {
		return "idx", columns
	}
	con := parent.Constraint(index.Index.Constraint)
	switch {
	case con != nil && con.Kind == catalog.PrimaryKey:
		return "pkey", ""
	case con != nil && con.Kind == catalog.Exclude:
		return "excl", columns
	}
	return "key", columns
}

// findMatchingIndex finds an index of a table that can become part of a parent's.
func (r *run) findMatchingIndex(part, index, parent *catalog.Relation, used map[catalog.OID]bool) *catalog.Relation {
	want := index.Index
	if want == nil {
		return nil
	}
	for _, i := range r.C.IndexesOf(part) {
		have := i.Index
		if have == nil || used[i.OID] || have.Parent != 0 || have.Unique != want.Unique || have.Method != want.Method ||
			len(have.Keys) != len(want.Keys) || len(have.Include) != len(want.Include) ||
			(have.Predicate == nil) != (want.Predicate == nil) || want.Predicate != nil && have.PredicateText != want.PredicateText ||
			(have.Constraint == "") != (want.Constraint == "") {
			continue
		}
		if want.Constraint != "" {
			hc, wc := part.Constraint(have.Constraint), parent.Constraint(want.Constraint)
			// Up to 16 a UNIQUE does for the parent's primary key.
			kindFits := hc != nil && wc != nil && (hc.Kind == wc.Kind || hc.Kind == catalog.Unique && wc.Kind == catalog.PrimaryKey && !r.V.AtLeast(17))
			if !kindFits || hc.Deferrable != wc.Deferrable {
				continue
			}
		}
		if refusal.SameKeys(part, parent, have.Keys, want.Keys) {
			return i
		}
	}
	return nil
}

func (r *run) findMatchingForeignKey(part *catalog.Relation, fk *catalog.Constraint, parent *catalog.Relation) *catalog.Constraint {
	for _, have := range part.Constraints {
		if have.Kind != catalog.ForeignKey || have.Ref != fk.Ref || len(have.Columns) != len(fk.Columns) || !have.SameActions(fk) {
			continue
		}
		equal := true
		for n := range fk.Columns {
			h, w := part.Attr(have.Columns[n]), parent.Attr(fk.Columns[n])
			equal = equal && h != nil && w != nil && h.Name == w.Name
		}
		if equal {
			return have
		}
	}
	return nil
}

// attachIndex is ALTER INDEX … ATTACH PARTITION.
func (a *alterState) attachIndex(cmd *pgparse.PartitionCmd) {
	rv := cmd.GetName()
	index := a.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.Index, false)
	if index == nil {
		return
	}
	a.lockRelation(index, accessExclusive)
	for _, i := range []*catalog.Relation{a.rel, index} {
		if t := a.C.TableOf(i); t != nil {
			a.lockWithReason(t, as, "table of the index "+i.Name.Name)
		}
	}
}

// detachPartition is DETACH PARTITION.
func (a *alterState) detachPartition(cmd *pgparse.PartitionCmd) {
	part := a.findTable(cmd.GetName())
	if part == nil {
		return
	}
	if cmd.GetConcurrent() {
		a.NoTransaction = "ALTER TABLE ... DETACH CONCURRENTLY"
		a.effectOn(a.rel).Waits = true
	}
	a.finishDetach(part)
	if cmd.GetConcurrent() && len(a.C.ListReferences(a.rel, true)) == 0 {
		for i := range a.Effects { // all but the parent is locked in the second transaction, after the wait
			a.Effects[i].AtEnd = a.Effects[i].Lock > sue
		}
	}
	if d := a.C.Relation(a.rel.Default); d != nil && d != part {
		a.lockWithReason(d, accessExclusive, "default partition of "+a.rel.Name.String())
	}
}

func (a *alterState) finishDetach(part *catalog.Relation) {
	// 13 locks the partition only as far as it has to: for what depends on it.
	mode := sue
	refs := a.C.ListReferences(a.rel, true)
	if a.V.AtLeast(14) || len(refs) > 0 && hasStorage(part) {
		mode = accessExclusive
	}
	for _, t := range part.Triggers {
		if t.Parent {
			mode = accessExclusive
		}
	}
	if a.rel.Default == part.OID && part.OID != 0 { // it is looked for by its bound
		mode = accessExclusive
	}
	a.lockRelation(part, mode)
	for _, i := range a.C.IndexesOf(part) {
		if i.Index != nil && i.Index.Parent != 0 {
			a.lockWithReason(i, accessExclusive, "index of "+part.Name.String())
		}
	}
	for _, con := range part.Constraints {
		if con.Kind == catalog.ForeignKey {
			if ref := a.C.Relation(con.Ref); ref != nil {
				a.lockForeignKeyTarget(ref, false, referenceReason(con.Name, ""))
			}
		}
	}
	for _, ref := range refs {
		for _, t := range a.C.ListTree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
			e := a.lockWithReason(t, accessExclusive, "references "+a.rel.Name.String())
			e.Scans = e.Scans || hasStorage(t)
		}
		for _, member := range a.C.ListTree(part, true) {
			if member == part && !hasStorage(part) {
				continue // as far as it is locked already
			}
			e := a.lockWithReason(member, accessExclusive, childReason(member, part))
			e.Scans = e.Scans || hasStorage(member)
		}
	}
}
