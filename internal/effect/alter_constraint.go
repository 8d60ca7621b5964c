package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// alterConstraint is ALTER CONSTRAINT: deferrability of a foreign key; since
// 18 also enforcement, and inheritance of NOT NULL.
func (a *alterState) alterConstraint(cmd *pgparse.AlterTableCmd) {
	def := cmd.GetDef().GetAtalterConstraint()
	con := a.rel.Constraint(def.GetConname())
	if con == nil {
		return
	}
	if def.GetAlterInheritability() {
		a.alterInheritability(con, def.GetNoinherit())
		return
	}
	if con.Kind == catalog.Check {
		a.alterCheck(con, def)
		return
	}
	ref := a.C.Relation(con.Ref)
	partitioned := a.rel.Kind == catalog.PartitionedTable || ref != nil && ref.Kind == catalog.PartitionedTable
	if def.GetAlterEnforceability() && def.GetIsEnforced() != con.Enforced {
		// The triggers on the referenced table are dropped, or made again.
		mode := accessExclusive
		if def.GetIsEnforced() {
			mode = sre
		}
		if ref != nil && ref != a.rel {
			a.lockWithReason(ref, mode, referenceReason(con.Name, ""))
		}
		if partitioned && ref != nil {
			a.lockDescendants(a.rel, a.mode)
			a.lockDescendants(ref, mode)
		}
		if def.GetIsEnforced() {
			for _, rel := range a.C.ListTree(a.rel, a.rel.Kind == catalog.PartitionedTable) {
				a.tableWorkOf(rel).wantScan("rows are looked up in the referenced table")
			}
			if ref != nil && hasStorage(ref) {
				a.effectOn(ref).Scans = true
			}
		}
	}
	if def.GetAlterDeferrability() && partitioned && (def.GetDeferrable() != con.Deferrable || def.GetInitdeferred() != con.InitiallyDeferred) {
		if a.rel.Kind == catalog.PartitionedTable {
			a.lockDescendants(a.rel, a.mode)
		}
	}
}

// alterCheck is ALTER CONSTRAINT … [NOT] ENFORCED of a CHECK, from 19 on. One that becomes enforced reads the rows under the lock.
func (a *alterState) alterCheck(con *catalog.Constraint, def *pgparse.ATAlterConstraint) {
	if !def.GetAlterEnforceability() || def.GetIsEnforced() == con.Enforced {
		return
	}
	for _, rel := range a.C.ListTree(a.rel, true) {
		if rel != a.rel {
			a.lockChild(rel)
		}
		if def.GetIsEnforced() {
			a.tableWorkOf(rel).wantScan("rows are checked against " + con.Name)
		}
	}
}

// alterInheritability is ALTER CONSTRAINT … INHERIT and NO INHERIT, of a NOT NULL.
func (a *alterState) alterInheritability(con *catalog.Constraint, none bool) {
	if none == con.NoInherit {
		return
	}
	for _, k := range a.C.ListChildren(a.rel) {
		a.lockChild(k)
		if col := a.rel.Attr(firstAttnum(con.Columns)); col != nil && !none {
			for _, rel := range a.C.ListTree(k, true) {
				a.lockChild(rel)
				a.checkNotNull(rel, col.Name)
			}
		}
	}
}
