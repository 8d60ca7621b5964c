package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// referencesWhy is why the other side of a foreign key is locked.
func referencedBy(con, table string) string {
	if con == "" {
		return "referenced by " + table
	}
	return "referenced by " + con
}

// addForeignKey is ADD FOREIGN KEY, as a constraint or in a new column.
func (a *alter) addForeignKey(con *pgparse.Constraint, columns []string, empty bool) {
	if !con.GetIsEnforced() && !a.v.AtLeast(18) {
		a.refuse(`syntax error at or near "ENFORCED"`)
		return
	}
	ref := a.table(con.GetPktable())
	validate := !con.GetSkipValidation() && con.GetIsEnforced() && !empty
	if a.rel.Kind == catalog.PartitionedTable {
		if con.GetSkipValidation() && con.GetIsEnforced() && !a.v.AtLeast(18) {
			a.refuse(`cannot add NOT VALID foreign key on partitioned table "` + a.rel.Name.Name + `"` + referencing(ref))
			return
		}
		if !a.recurse {
			a.refuse(`cannot use ONLY for foreign key on partitioned table "` + a.rel.Name.Name + `"` + referencing(ref))
			return
		}
	}
	if a.recurse && (a.rel.Kind == catalog.PartitionedTable || len(a.rel.Children) > 0 && a.v.AtLeast(18)) {
		a.descend(true)
	}
	if validate {
		for _, rel := range a.tree(a.rel, a.rel.Kind == catalog.PartitionedTable) {
			a.tabOf(rel).wantScan("rows are looked up in the referenced table")
		}
	} else if con.GetSkipValidation() {
		a.notValid = append(a.notValid, con)
	}
	if ref != nil {
		// Where all values are NULL, nothing is looked up.
		a.lockReferenced(ref, validate && !a.allNull(columns), referencedBy(con.GetConname(), a.rel.Name.String()))
	}
}

// allNull reports whether one of the columns is new and holds NULL only.
func (a *alter) allNull(columns []string) bool {
	for _, name := range columns {
		if a.isNew(name) {
			if n := a.newColumn(name); (n.deflt == nil || isNull(n.deflt)) && !n.serial && n.identity == "" {
				return true
			}
		}
	}
	return false
}

func referencing(ref *catalog.Relation) string {
	if ref == nil {
		return ""
	}
	return ` referencing relation "` + ref.Name.Name + `"`
}

// lockReferenced locks the table that a new foreign key points to, and its
// partitions. A validation joins both tables: it reads the referenced one too.
func (r *run) lockReferenced(ref *catalog.Relation, validate bool, why string) {
	for _, rel := range r.tree(ref, ref.Kind == catalog.PartitionedTable) {
		e := r.lockFor(rel, sre, why)
		// Of partitions the planner of 16 and newer rather reads the index.
		if validate && stored(rel) && (rel == ref || !r.v.AtLeast(16)) {
			e.Scans = true
		}
	}
}

// alterConstraint is ALTER CONSTRAINT: deferrability of a foreign key; since
// 18 also enforcement, and inheritance of NOT NULL.
func (a *alter) alterConstraint(cmd *pgparse.AlterTableCmd) {
	def := cmd.GetDef().GetAtalterConstraint()
	if (def.GetAlterEnforceability() || def.GetAlterInheritability()) && !a.v.AtLeast(18) {
		word := "ENFORCED"
		if def.GetAlterInheritability() {
			word = "INHERIT"
		}
		a.refuse(`syntax error at or near "` + word + `"`)
		return
	}
	con := a.rel.Constraint(def.GetConname())
	if con == nil {
		if a.whole(a.rel) {
			a.refuse(`constraint "` + def.GetConname() + `" of relation "` + a.rel.Name.Name + `" does not exist`)
		}
		return
	}
	if def.GetAlterInheritability() {
		if con.Kind != catalog.NotNullConstraint {
			a.refuse(`constraint "` + con.Name + `" of relation "` + a.rel.Name.Name + `" is not a not-null constraint`)
			return
		}
		if def.GetNoinherit() == con.NoInherit {
			return
		}
		for _, k := range a.kids(a.rel) {
			a.child(k)
			if col := a.rel.Attr(first(con.Columns)); col != nil && !def.GetNoinherit() {
				for _, rel := range a.tree(k, true) {
					a.child(rel)
					a.checkNotNull(rel, col.Name)
				}
			}
		}
		return
	}
	if con.Kind != catalog.ForeignKey {
		a.refuse(`constraint "` + con.Name + `" of relation "` + a.rel.Name.Name + `" is not a foreign key constraint`)
		return
	}
	ref := a.c.Relation(con.Ref)
	partitioned := a.rel.Kind == catalog.PartitionedTable || ref != nil && ref.Kind == catalog.PartitionedTable
	if def.GetAlterEnforceability() && def.GetIsEnforced() != con.Enforced {
		// The triggers on the referenced table are dropped, or made again.
		mode := ael
		if def.GetIsEnforced() {
			mode = sre
		}
		if ref != nil && ref != a.rel {
			a.lockFor(ref, mode, referencedBy(con.Name, ""))
		}
		if partitioned && ref != nil {
			a.below(a.rel, a.mode)
			a.below(ref, mode)
		}
		if def.GetIsEnforced() {
			for _, rel := range a.tree(a.rel, a.rel.Kind == catalog.PartitionedTable) {
				a.tabOf(rel).wantScan("rows are looked up in the referenced table")
			}
			if ref != nil && stored(ref) {
				a.at(ref).Scans = true
			}
		}
	}
	if def.GetAlterDeferrability() && partitioned && (def.GetDeferrable() != con.Deferrable || def.GetInitdeferred() != con.InitiallyDeferred) {
		if a.rel.Kind == catalog.PartitionedTable {
			a.below(a.rel, a.mode)
		}
	}
}

func first(list []int16) int16 {
	if len(list) == 0 {
		return 0
	}
	return list[0]
}

// dropForeignKey locks the referenced table: its triggers go too. table says
// that the constraint goes with its table or column.
func (r *run) dropForeignKey(con *catalog.Constraint, table bool) {
	ref := r.c.Relation(con.Ref)
	if ref == nil {
		return
	}
	for _, rel := range r.tree(ref, ref.Kind == catalog.PartitionedTable) {
		// Up to 14 partitioned tables have no triggers of foreign keys.
		if rel.Kind == catalog.PartitionedTable && (rel != ref || table) && !r.v.AtLeast(15) {
			continue
		}
		r.lockFor(rel, ael, referencedBy(con.Name, ""))
	}
}
