package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// addConstraint is ADD CONSTRAINT in all of its forms.
func (a *alter) addConstraint(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_CHECK:
		a.addCheck(con)
	case pgparse.ConstrType_CONSTR_NOTNULL:
		a.addNotNull(con)
	case pgparse.ConstrType_CONSTR_FOREIGN:
		a.addForeignKey(con, keys(con.GetFkAttrs()), false)
	case pgparse.ConstrType_CONSTR_PRIMARY, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
		if con.GetIndexname() != "" {
			a.useIndex(con)
			return
		}
		columns := keys(con.GetKeys())
		for _, x := range con.GetExclusions() {
			if items := x.GetList().GetItems(); len(items) > 0 {
				columns = append(columns, elemName(items[0].GetIndexElem()))
			}
		}
		if !a.mayHaveKey(con, columns) {
			return
		}
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
	enforced := con.GetIsEnforced()
	if !enforced && !a.V.AtLeast(18) {
		a.Refuse(refuse.SyntaxAt, "ENFORCED")
		return
	}
	if !a.MayCheck(con) {
		return
	}
	if con.GetIsNoInherit() && a.rel.Kind == catalog.PartitionedTable {
		a.Refuse(refuse.ConstraintNoInherit, a.rel.Name.Name)
		return
	}
	if !a.recurse && a.rel.HasKids() && !con.GetIsNoInherit() {
		a.Refuse(refuse.ConstraintOnlyHere)
		return
	}
	// Since 18 everything below is locked first, needed or not.
	if a.recurse && a.rel.HasKids() && a.V.AtLeast(18) {
		a.below(a.rel, a.mode)
	}
	if con.GetSkipValidation() {
		a.notValid = append(a.notValid, con)
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

// unsuitable is what the server has against an index that is to stand behind a
// constraint (transformIndexConstraint); nil when it takes it.
func unsuitable(index *catalog.Relation) *refuse.Refusal {
	info, name := index.Index, index.Name.Name
	switch {
	case info.Constraint != "":
		return refuse.UsingTaken.Of(name)
	case !info.Valid:
		return refuse.UsingInvalid.Of(name)
	case !info.Unique:
		return refuse.UsingNotUnique.Of(name)
	}
	for _, k := range info.Keys {
		if k.Column == 0 {
			return refuse.UsingExpressions.Of(name)
		}
	}
	if info.Predicate != nil {
		return refuse.UsingPartial.Of(name)
	}
	for i, k := range info.Keys {
		if k.Desc {
			return refuse.UsingSorted.Of(name, itoa(i+1))
		}
	}
	return nil
}

// validate is VALIDATE CONSTRAINT.
func (a *alter) validate(name string) {
	for _, con := range a.notValid { // added by the same statement
		if con.GetConname() == name {
			a.validateNew(con)
			return
		}
	}
	con := a.rel.Constraint(name)
	if con == nil {
		if a.Whole(a.rel) {
			a.Refuse(refuse.ConstraintMissing, name, a.rel.Name.Name)
			return
		}
		t := a.tabOf(a.rel)
		t.wantScan("")
		t.unsure, t.why = true, "what the constraint is, is not known"
		return
	}
	switch con.Kind {
	case catalog.Unique, catalog.PrimaryKey, catalog.Exclude:
		a.Refuse(refuse.NotForeignKeyOrCheck, name, a.rel.Name.Name)
		return
	case catalog.Check, catalog.NotNullConstraint:
		if !con.Valid && !a.recurse && a.rel.HasKids() && !con.NoInherit {
			a.Refuse(refuse.ConstraintValidatedHere)
			return
		}
	}
	if !con.Enforced {
		a.Refuse(refuse.ConstraintNotEnforced)
		return
	}
	if con.Valid {
		return
	}
	a.validateOld(con)
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
		if a.Whole(a.rel) && !cmd.GetMissingOk() {
			a.Refuse(refuse.ConstraintMissing, cmd.GetName(), a.rel.Name.Name)
		}
		if !a.Whole(a.rel) {
			if e := a.at(a.rel); e.Why == "" {
				e.Unsure, e.Why = true, "a foreign key also locks the table it references"
			}
		}
		return
	}
	if con.Parent {
		a.Refuse(refuse.ConstraintInherited, con.Name, a.rel.Name.Name)
		return
	}
	if con.Kind == catalog.Check && !a.recurse && len(a.rel.Partitions) > 0 && !a.V.AtLeast(18) {
		a.Refuse(refuse.ConstraintDropOnlyHere)
		return
	}
	a.droppedConstraints = append(a.droppedConstraints, con)
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
		for _, k := range a.C.Tree(a.rel, true)[1:] {
			if c := k.Constraint(con.Name); c != nil {
				a.droppedConstraints = append(a.droppedConstraints, c)
			}
		}
	default:
		a.cascade(a.rel, con, cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE)
	}
}

// cascade drops a constraint with what stands behind it and depends on it.
func (r *run) cascade(rel *catalog.Relation, con *catalog.Constraint, all bool) {
	if con.Kind == catalog.ForeignKey {
		r.dropForeignKey(con, false)
		return
	}
	index := r.C.Relation(con.Index)
	if index == nil {
		return
	}
	for _, ref := range r.C.References(rel, false) {
		if !usesKey(ref.Con, con) {
			continue
		}
		if !all {
			r.Refuse(refuse.ConstraintHasDependents, con.Name, rel.Name.Name)
			return
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
