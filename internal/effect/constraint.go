package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// addConstraint is ADD CONSTRAINT in all of its forms.
func (a *alter) addConstraint(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_CHECK:
		a.addCheck(con)
	case pgparse.ConstrType_CONSTR_NOTNULL:
		a.addNotNull(con)
	case pgparse.ConstrType_CONSTR_FOREIGN:
		a.addForeignKey(con, answer.Names(con.GetFkAttrs()), false)
	case pgparse.ConstrType_CONSTR_PRIMARY, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
		if con.GetIndexname() != "" {
			a.useIndex(con)
			return
		}
		columns := answer.KeyColumns(con)
		if a.recurse && len(a.rel.Partitions)+len(a.rel.Children) > 0 && a.V.AtLeast(18) {
			a.below(a.rel, a.mode)
		}
		if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range columns {
				a.setNotNull(k)
			}
		}
		a.buildKey(con, columns)
	}
}

func (a *alter) addCheck(con *pgparse.Constraint) {
	// Since 18 everything below is locked first, needed or not.
	if a.recurse && a.rel.HasKids() && a.V.AtLeast(18) {
		a.below(a.rel, a.mode)
	}
	a.checkDown(a.rel, con, &[]catalog.OID{})
}

// checkDown adds a CHECK to a table and what inherits from it; a child that
// has it already merges it, and its own children learn nothing.
func (a *alter) checkDown(rel *catalog.Relation, con *pgparse.Constraint, seen *[]catalog.OID) {
	a.child(rel)
	if contains(*seen, rel.OID) {
		return // it has two parents here
	}
	*seen = append(*seen, rel.OID)
	if rel != a.rel && hasSame(rel, con.GetConname()) {
		return
	}
	if !con.GetSkipValidation() {
		a.tabOf(rel).wantScan("rows are checked against the constraint")
	}
	if con.GetIsNoInherit() || !a.recurse {
		return
	}
	for _, k := range a.C.Kids(rel) {
		a.checkDown(k, con, seen)
	}
}

// hasSame reports whether a child has the constraint already: then it is
// merged, not checked.
func hasSame(rel *catalog.Relation, name string) bool {
	c := rel.Constraint(name)
	return name != "" && c != nil && c.Kind == catalog.Check && c.Valid
}

// validate is VALIDATE CONSTRAINT.
func (a *alter) validate(name string) {
	if con := a.now.NotValid(name); con != nil { // added by the same statement
		a.validateNew(con)
		return
	}
	switch con := a.rel.Constraint(name); {
	case con == nil:
		t := a.tabOf(a.rel)
		t.wantScan("")
		t.unsure, t.why = true, "what the constraint is, is not known"
	case !con.Valid:
		a.validateOld(con)
	}
}

func (a *alter) validateNew(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_FOREIGN:
		for _, rel := range a.C.Tree(a.rel, a.rel.Kind == catalog.PartitionedTable) {
			a.tabOf(rel).wantScan("rows are looked up in the referenced table")
		}
		if ref := a.table(con.GetPktable()); ref != nil && stored(ref) {
			a.lock(ref, rs).Scans = true
		}
	default:
		for _, rel := range a.descend(a.recurse) {
			a.tabOf(rel).wantScan("rows are checked against the constraint")
		}
	}
}

func (a *alter) validateOld(con *catalog.Constraint) {
	if con.Kind == catalog.ForeignKey {
		for _, rel := range a.C.Tree(a.rel, a.rel.Kind == catalog.PartitionedTable) {
			a.child(rel)
			a.tabOf(rel).wantScan("rows are looked up in the referenced table")
		}
		if ref := a.C.Relation(con.Ref); ref != nil && ref != a.rel {
			e := a.lockFor(ref, rs, referencedBy(con.Name, ""))
			e.Scans = e.Scans || stored(ref)
			for _, t := range a.C.Tree(ref, ref.Kind == catalog.PartitionedTable)[1:] { // read through it
				e := a.lockFor(t, as, referencedBy(con.Name, ""))
				e.Scans = e.Scans || stored(t)
			}
		}
		return
	}
	for _, rel := range a.descend(a.recurse && !con.NoInherit) {
		if rel != a.rel {
			if own := rel.Constraint(con.Name); own != nil && own.Valid || con.Kind == catalog.NotNullConstraint && neverNull(a.rel, rel, con) {
				continue
			}
		}
		a.tabOf(rel).wantScan("rows are checked against the constraint")
	}
}

// neverNull reports whether a child has a valid NOT NULL on the column of its
// parent's, whatever the name.
func neverNull(parent, child *catalog.Relation, con *catalog.Constraint) bool {
	above := parent.Attr(first(con.Columns))
	if above == nil {
		return false
	}
	col := child.Column(above.Name)
	return col != nil && col.NotNull && !col.NotNullInvalid
}

// dropConstraint is DROP CONSTRAINT.
func (a *alter) dropConstraint(cmd *pgparse.AlterTableCmd) {
	if a.rel.Kind == catalog.PartitionedTable {
		a.below(a.rel, a.mode)
	}
	con := a.rel.Constraint(cmd.GetName())
	if con == nil && a.V.AtLeast(18) {
		if name, ok := answer.ImpliedNotNull(a.rel, cmd.GetName()); ok {
			a.dropNotNull(name)
			return
		}
	}
	if con == nil {
		if !a.Whole(a.rel) {
			if e := a.at(a.rel); e.Why == "" {
				e.Unsure, e.Why = true, "a foreign key also locks the table it references"
			}
		}
		return
	}
	switch con.Kind {
	case catalog.Check, catalog.NotNullConstraint:
		if !con.NoInherit {
			for _, k := range a.C.Kids(a.rel) {
				a.child(k)
				if a.recurse {
					for _, rel := range a.C.Tree(k, true) {
						a.child(rel)
					}
				}
			}
		}
	default:
		a.cascade(a.rel, con)
	}
}

// cascade drops a constraint with what stands behind it and depends on it.
func (r *run) cascade(rel *catalog.Relation, con *catalog.Constraint) {
	if con.Kind == catalog.ForeignKey {
		r.dropForeignKey(con, false)
		return
	}
	index := r.C.Relation(con.Index)
	if index == nil {
		return
	}
	for _, ref := range r.C.References(rel, false) {
		if !answer.RestsOn(ref.Con, con) {
			continue
		}
		r.lockFor(ref.From, ael, "its foreign key "+ref.Con.Name+" is dropped")
		r.below(ref.From, ael)
	}
	r.dropIndexTree(index, "index of the constraint "+con.Name)
}

// dropIndexTree drops an index with those of the partitions below it.
func (r *run) dropIndexTree(index *catalog.Relation, why string) {
	for _, i := range r.C.Tree(index, true) {
		r.drop(i, why)
	}
}
