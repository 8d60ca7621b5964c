package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// addConstraint is ADD CONSTRAINT in all of its forms.
func (a *alterState) addConstraint(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_CHECK:
		a.addCheck(con)
	case pgparse.ConstrType_CONSTR_NOTNULL:
		a.addNotNull(con)
	case pgparse.ConstrType_CONSTR_FOREIGN:
		a.addForeignKey(con, refusal.StringNames(con.GetFkAttrs()), false, false)
	case pgparse.ConstrType_CONSTR_PRIMARY, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
		if con.GetIndexname() != "" {
			a.addConstraintUsingIndex(con)
			return
		}
		columns := refusal.KeyColumns(con)
		if a.recurse && len(a.rel.Partitions)+len(a.rel.Children) > 0 && a.V.AtLeast(18) {
			a.lockDescendants(a.rel, a.mode)
		}
		if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range columns {
				a.setNotNull(k)
			}
		}
		a.buildKey(con, columns)
	}
}

func (a *alterState) addCheck(con *pgparse.Constraint) {
	// Since 18 everything below is locked first, needed or not.
	if a.recurse && a.rel.HasKids() && a.V.AtLeast(18) {
		a.lockDescendants(a.rel, a.mode)
	}
	a.addCheckToTree(a.rel, con, map[catalog.OID]bool{})
}

// addCheckToTree adds a CHECK to a table and what inherits from it; a child that
// has it already merges it, and its own children learn nothing.
func (a *alterState) addCheckToTree(rel *catalog.Relation, con *pgparse.Constraint, seen map[catalog.OID]bool) {
	a.lockChild(rel)
	if seen[rel.OID] {
		return // it has two parents here
	}
	seen[rel.OID] = true
	if rel != a.rel && hasValidCheck(rel, con.GetConname()) {
		return
	}
	if !con.GetSkipValidation() {
		a.tableWorkOf(rel).wantScan("rows are checked against the constraint")
	}
	if con.GetIsNoInherit() || !a.recurse {
		return
	}
	for _, k := range a.C.ListChildren(rel) {
		a.addCheckToTree(k, con, seen)
	}
}

// hasValidCheck reports whether a child has the constraint already: then it is
// merged, not checked.
func hasValidCheck(rel *catalog.Relation, name string) bool {
	c := rel.Constraint(name)
	return name != "" && c != nil && c.Kind == catalog.Check && c.Valid
}

// validateConstraint is VALIDATE CONSTRAINT.
func (a *alterState) validateConstraint(name string) {
	switch con := a.rel.Constraint(name); {
	case con == nil:
		if column, implied := refusal.ImpliedNotNull(a.rel, name); implied && !a.rel.Column(column).NotNullInvalid {
			return // valid already
		}
		t := a.tableWorkOf(a.rel)
		t.wantScan("")
		t.unsure, t.why = true, "what the constraint is, is not known"
	case !con.Valid:
		a.scanUnvalidatedRows(con)
	}
}

// scanUnvalidatedRows reads the rows that a constraint, which is not valid yet, was not held against.
func (a *alterState) scanUnvalidatedRows(con *catalog.Constraint) {
	if con.Kind == catalog.ForeignKey {
		for _, rel := range a.C.ListTree(a.rel, a.rel.Kind == catalog.PartitionedTable) {
			a.lockChild(rel)
			a.tableWorkOf(rel).wantScan("rows are looked up in the referenced table")
		}
		if ref := a.C.Relation(con.Ref); ref != nil && ref != a.rel {
			e := a.lockWithReason(ref, rs, referenceReason(con.Name, ""))
			e.Scans = e.Scans || hasStorage(ref)
			for _, t := range a.C.ListTree(ref, ref.Kind == catalog.PartitionedTable)[1:] { // read through it
				e := a.lockWithReason(t, as, referenceReason(con.Name, ""))
				e.Scans = e.Scans || hasStorage(t)
			}
		}
		return
	}
	for _, rel := range a.lockTree(a.recurse && !con.NoInherit) {
		if rel != a.rel {
			if childConstraint := rel.Constraint(con.Name); childConstraint != nil && childConstraint.Valid ||
				con.Kind == catalog.NotNullConstraint && hasValidNotNull(a.rel, rel, con) {
				continue
			}
		}
		a.tableWorkOf(rel).wantScan("rows are checked against the constraint")
	}
}

// hasValidNotNull reports whether a child has a valid NOT NULL on the column of its
// parent's, whatever the name.
func hasValidNotNull(parent, child *catalog.Relation, con *catalog.Constraint) bool {
	parentColumn := parent.Attr(firstAttnum(con.Columns))
	if parentColumn == nil {
		return false
	}
	col := child.Column(parentColumn.Name)
	return col != nil && col.NotNull && !col.NotNullInvalid
}

// dropConstraint is DROP CONSTRAINT.
func (a *alterState) dropConstraint(cmd *pgparse.AlterTableCmd) {
	if a.rel.Kind == catalog.PartitionedTable {
		a.lockDescendants(a.rel, a.mode)
	}
	con := a.rel.Constraint(cmd.GetName())
	if con == nil && a.V.AtLeast(18) {
		if name, ok := refusal.ImpliedNotNull(a.rel, cmd.GetName()); ok {
			a.dropNotNull(name)
			return
		}
	}
	if con == nil {
		if !a.IsFullyKnown(a.rel) {
			if e := a.effectOn(a.rel); e.Why == "" {
				e.Unsure, e.Why = true, "a foreign key also locks the table it references"
			}
		}
		return
	}
	switch con.Kind {
	case catalog.Check, catalog.NotNullConstraint:
		if !con.NoInherit {
			for _, k := range a.C.ListChildren(a.rel) {
				a.lockChild(k)
				if a.recurse {
					for _, rel := range a.C.ListTree(k, true) {
						a.lockChild(rel)
					}
				}
			}
		}
	default:
		a.dropWithDependents(a.rel, con)
	}
}

// dropWithDependents drops a constraint with its index and everything that depends on it.
func (r *run) dropWithDependents(rel *catalog.Relation, con *catalog.Constraint) {
	if con.Kind == catalog.ForeignKey {
		r.dropForeignKey(con, false)
		return
	}
	index := r.C.Relation(con.Index)
	if index == nil {
		return
	}
	for _, ref := range r.C.ListReferences(rel, false) {
		if !refusal.RestsOn(ref.Con, con) {
			continue
		}
		r.lockWithReason(ref.From, accessExclusive, "its foreign key "+ref.Con.Name+" is dropped")
		r.lockDescendants(ref.From, accessExclusive)
	}
	r.dropIndexTree(index, "index of the constraint "+con.Name)
}

// dropIndexTree drops an index with the indexes of the partitions below it.
func (r *run) dropIndexTree(index *catalog.Relation, reason string) {
	for _, i := range r.C.ListTree(index, true) {
		r.recordDropped(i, reason)
	}
}
