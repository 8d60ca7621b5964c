package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// attach is ATTACH PARTITION, of a table or of an index.
func (a *alter) attach(cmd *pgparse.PartitionCmd) {
	if a.rel.Kind == catalog.PartitionedIndex || a.rel.Kind == catalog.Index {
		a.attachIndex(cmd)
		return
	}
	part := a.table(cmd.GetName())
	if part == nil {
		return
	}
	a.lock(part, ael)
	a.below(part, ael)
	if !a.mayAttach(part, cmd.GetBound()) {
		return
	}
	implied := a.implied(part, cmd.GetBound())
	for _, leaf := range a.C.Tree(part, true) {
		if stored(leaf) && !implied && !a.implied(leaf, cmd.GetBound()) {
			t := a.tabOf(leaf)
			t.wantScan("its rows are checked against the partition's bounds")
			t.unsure = part.Inferred
		}
	}
	if d := a.C.Relation(a.rel.Default); d != nil && !cmd.GetBound().GetIsDefault() {
		a.lockDefault(d, a.rel, cmd.GetBound())
	}
	a.cloneToPartition(part.Name, a.rel, part)
}

// mayInherit refuses a parent whose columns the table does not keep.
func (a *alter) mayInherit(parent *catalog.Relation) {
	if a.rel.Parent != 0 {
		a.Refuse(refuse.PartitionInherits)
		return
	}
	if parent.Kind == catalog.PartitionedTable {
		a.Refuse(refuse.InheritPartitioned, parent.Name.Name)
		return
	}
	a.keepsNotNull(a.rel, parent)
}

// keepsNotNull refuses a child that may hold NULL where its parent may not.
func (a *alter) keepsNotNull(child, parent *catalog.Relation) bool {
	for _, col := range parent.Columns {
		own := child.Column(col.Name)
		if own == nil || own.Inferred || own.NotNull || !col.NotNull || a.forItself(parent, col) {
			continue
		}
		which := "child table"
		if a.V.AtLeast(18) {
			which += ` "` + child.Name.Name + `"`
		}
		a.Refuse(refuse.ChildNotNull, col.Name, which)
		return false
	}
	return true
}

// forItself reports whether a NOT NULL is not passed on (18).
func (a *alter) forItself(rel *catalog.Relation, col *catalog.Column) bool {
	for _, c := range rel.Constraints {
		if c.Kind == catalog.NotNullConstraint && c.NoInherit && contains(c.Columns, col.Attnum) {
			return true
		}
	}
	return false
}

// mayAttach refuses a partition that the server refuses whatever its rows are.
func (a *alter) mayAttach(part *catalog.Relation, bound *pgparse.PartitionBoundSpec) bool {
	if part.Inferred || a.rel.Inferred {
		return true
	}
	return a.hasRoom(part.Name, a.rel, bound) && a.sameColumns(part) && a.keepsNotNull(part, a.rel)
}

// sameColumns refuses a partition with other columns than its parent has. One
// that lacks a column the catalog refuses.
func (a *alter) sameColumns(part *catalog.Relation) bool {
	if !a.Whole(part) || !a.Whole(a.rel) {
		return true
	}
	for _, col := range part.Columns {
		above := a.rel.Column(col.Name)
		switch {
		case above == nil:
			a.Refuse(refuse.PartitionExtra, part.Name.Name, col.Name, a.rel.Name.Name)
		case col.Inferred || above.Inferred || !col.Type.Known() || !above.Type.Known():
			continue
		case !answer.Same(col.Type, above.Type):
			a.Refuse(refuse.ChildType, part.Name.Name, col.Name)
		case col.Identity != "" && a.V.AtLeast(17):
			a.Refuse(refuse.PartitionIdentity, part.Name.Name, col.Name)
		default:
			continue
		}
		return false
	}
	return true
}

// lockDefault locks the default partition, which is read for rows that belong
// into the new one.
func (r *run) lockDefault(d, parent *catalog.Relation, bound *pgparse.PartitionBoundSpec) {
	why := "default partition of " + parent.Name.String()
	clear := r.excluded(d, parent, bound)
	for _, leaf := range r.C.Tree(d, d.Kind == catalog.PartitionedTable) {
		e := r.lockFor(leaf, ael, why)
		if stored(leaf) && !clear {
			e.Scans = true
		}
	}
}

// cloneToPartition gives a partition what its parent has: indexes, foreign
// keys. part is nil for a new table.
func (r *run) cloneToPartition(name catalog.Name, parent, part *catalog.Relation) {
	used := map[catalog.OID]bool{}
	for _, index := range r.C.IndexesOf(parent) {
		r.lockFor(index, sue, "index of "+parent.Name.String())
		if part != nil && part.Inferred {
			continue
		}
		if part != nil {
			if have := r.sameIndex(part, index, parent, used); have != nil {
				used[have.OID] = true
				continue
			}
		}
		label, cols := indexLabel(index, parent)
		full := catalog.Name{Schema: name.Schema, Name: r.freeName(name, cols, label)}
		if part == nil {
			r.create(full, catalog.Index)
			continue
		}
		r.buildOn(part, full, ael, func(p *catalog.Relation) string { return r.freeName(p.Name, cols, label) },
			func(p *catalog.Relation) *catalog.Relation { return r.sameIndex(p, index, parent, used) })
	}
	for _, con := range parent.Constraints {
		if con.Kind != catalog.ForeignKey {
			continue
		}
		ref := r.C.Relation(con.Ref)
		if ref == nil {
			continue
		}
		own := (*catalog.Constraint)(nil)
		if part != nil {
			own = r.sameForeignKey(part, con, parent)
		}
		have := own != nil && own.Valid
		r.lockReferenced(ref, part != nil && con.Valid && !have && ref != parent, referencedBy(con.Name, ""))
		if have || own != nil && r.V.AtLeast(18) { // its own triggers go: those of the parent's key take over
			r.lock(ref, ael)
		}
		if part != nil && con.Valid && !have {
			for _, leaf := range r.C.Tree(part, true) {
				if stored(leaf) {
					r.at(leaf).Scans = true
				}
			}
		}
	}
	if refs := r.C.References(parent, true); len(refs) > 0 {
		mode := as
		if r.V.AtLeast(15) {
			mode = sre
		}
		for _, ref := range refs {
			for _, t := range r.C.Tree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
				if t != part {
					r.lockFor(t, mode, "references "+parent.Name.String())
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

// sameIndex finds an index of a table that can become part of a parent's.
func (r *run) sameIndex(part, index, parent *catalog.Relation, used map[catalog.OID]bool) *catalog.Relation {
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
			alike := hc != nil && wc != nil && (hc.Kind == wc.Kind || hc.Kind == catalog.Unique && wc.Kind == catalog.PrimaryKey && !r.V.AtLeast(17))
			if !alike || hc.Deferrable != wc.Deferrable {
				continue
			}
		}
		if sameKeys(part, parent, have.Keys, want.Keys) {
			return i
		}
	}
	return nil
}

func sameKeys(part, parent *catalog.Relation, have, want []catalog.IndexKey) bool {
	for n := range want {
		h, w := part.Attr(have[n].Column), parent.Attr(want[n].Column)
		if (h == nil) != (w == nil) || h != nil && h.Name != w.Name || h == nil && have[n].ExprText != want[n].ExprText ||
			have[n].Opclass != want[n].Opclass || have[n].Collation != want[n].Collation {
			return false
		}
	}
	return true
}

func (r *run) sameForeignKey(part *catalog.Relation, fk *catalog.Constraint, parent *catalog.Relation) *catalog.Constraint {
	for _, have := range part.Constraints {
		if have.Kind != catalog.ForeignKey || have.Ref != fk.Ref || len(have.Columns) != len(fk.Columns) || have.OnDelete != fk.OnDelete || have.OnUpdate != fk.OnUpdate {
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
func (a *alter) attachIndex(cmd *pgparse.PartitionCmd) {
	rv := cmd.GetName()
	index := a.Find(rv.GetSchemaname(), rv.GetRelname(), catalog.Index, false)
	if index == nil {
		return
	}
	if a.Deny(a.strange(index)); a.No != nil {
		return
	}
	a.lock(index, ael)
	for _, i := range []*catalog.Relation{a.rel, index} {
		if t := a.C.TableOf(i); t != nil {
			a.lockFor(t, as, "table of the index "+i.Name.Name)
		}
	}
}

// strange is what the server has against an index as a partition of the altered
// one: it is on another table, or not the same there; nil when it takes it.
func (a *alter) strange(index *catalog.Relation) *refuse.Refusal {
	have, want := index.Index, a.rel.Index
	part, parent := a.C.TableOf(index), a.C.TableOf(a.rel)
	switch {
	case have == nil || want == nil || index.Inferred || a.rel.Inferred || part == nil || parent == nil || part.Inferred || parent.Inferred:
		return nil
	case part.Parent != parent.OID:
		return refuse.IndexElsewhere.Of(index.Name.Name, a.rel.Name.Name)
	case have.Method != want.Method || have.Unique != want.Unique || len(have.Keys) != len(want.Keys) || !sameKeys(part, parent, have.Keys, want.Keys):
		return refuse.IndexUnlike.Of(index.Name.Name, a.rel.Name.Name)
	}
	return nil
}

// detach is DETACH PARTITION.
func (a *alter) detach(cmd *pgparse.PartitionCmd) {
	part := a.table(cmd.GetName())
	if part == nil {
		return
	}
	if !a.isPartition(part) {
		return
	}
	if cmd.GetConcurrent() {
		if !a.V.AtLeast(14) {
			a.Refuse(refuse.SyntaxAt, "CONCURRENTLY")
			return
		}
		a.NoTransaction = "ALTER TABLE ... DETACH CONCURRENTLY"
		if a.rel.Default != 0 {
			a.Refuse(refuse.DetachConcurrently)
			return
		}
		a.at(a.rel).Waits = true
	}
	a.finishDetach(part)
	if d := a.C.Relation(a.rel.Default); d != nil && d != part {
		a.lockFor(d, ael, "default partition of "+a.rel.Name.String())
	}
}

func (a *alter) isPartition(part *catalog.Relation) bool {
	if part.Parent == a.rel.OID || part.Inferred || a.rel.Inferred {
		return true
	}
	a.Refuse(refuse.NotPartitionOf, part.Name.Name, a.rel.Name.Name)
	return false
}

// finalize is DETACH PARTITION … FINALIZE.
func (a *alter) finalize(cmd *pgparse.PartitionCmd) {
	if !a.V.AtLeast(14) {
		a.Refuse(refuse.SyntaxAt, "FINALIZE")
		return
	}
	if part := a.table(cmd.GetName()); part != nil && a.isPartition(part) {
		a.finishDetach(part)
	}
}

func (a *alter) finishDetach(part *catalog.Relation) {
	// 13 locks the partition only as far as it has to: for what depends on it.
	mode := sue
	refs := a.C.References(a.rel, true)
	if a.V.AtLeast(14) || len(refs) > 0 && stored(part) {
		mode = ael
	}
	for _, t := range part.Triggers {
		if t.Parent {
			mode = ael
		}
	}
	if a.rel.Default == part.OID && part.OID != 0 { // it is looked for by its bound
		mode = ael
	}
	a.lock(part, mode)
	for _, i := range a.C.IndexesOf(part) {
		if i.Index != nil && i.Index.Parent != 0 {
			a.lockFor(i, ael, "index of "+part.Name.String())
		}
	}
	for _, con := range part.Constraints {
		if con.Kind == catalog.ForeignKey {
			if ref := a.C.Relation(con.Ref); ref != nil {
				a.lockReferenced(ref, false, referencedBy(con.Name, ""))
			}
		}
	}
	for _, ref := range refs {
		for _, t := range a.C.Tree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
			e := a.lockFor(t, ael, "references "+a.rel.Name.String())
			e.Scans = e.Scans || stored(t)
		}
		for _, below := range a.C.Tree(part, true) {
			if below == part && !stored(part) {
				continue // as far as it is locked already
			}
			e := a.lockFor(below, ael, childOf(below, part))
			e.Scans = e.Scans || stored(below)
		}
	}
}
