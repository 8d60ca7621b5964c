package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refusal"
)

// referenceReason says why the other table of a foreign key is locked: "referenced by orders_user_id_fkey".
func referenceReason(con, table string) string {
	if con == "" {
		return "referenced by " + table
	}
	return "referenced by " + con
}

// addForeignKey is ADD FOREIGN KEY, as a constraint or in a new column. With empty no row is checked; with null all values
// are NULL.
func (a *alterState) addForeignKey(con *pgparse.Constraint, columns []string, empty, null bool) {
	ref := a.findTable(con.GetPktable())
	validate := !con.GetSkipValidation() && con.GetIsEnforced() && !empty
	if a.recurse && (a.rel.Kind == catalog.PartitionedTable || len(a.rel.Children) > 0 && a.V.AtLeast(18)) {
		a.lockTree(true)
	}
	if validate {
		validate = a.scanReferencingRows(a.rel, ref, con, columns, 0)
	}
	if ref != nil {
		// Where all values are NULL, nothing is looked up.
		a.lockForeignKeyTarget(ref, validate && !null && !a.hasNewNullColumn(columns), referenceReason(con.GetConname(), a.rel.Name.String()))
	}
}

// scanReferencingRows reads the rows of a table, or of the partitions, for a new foreign
// key, and reports whether there may be any. A partition that has the same key already keeps it, without its
// triggers on the referenced table.
func (a *alterState) scanReferencingRows(rel, ref *catalog.Relation, con *pgparse.Constraint, columns []string, depth int) (reads bool) {
	if rel != a.rel && ref != nil && depth < maxDepth {
		if existingKey := findAdoptedForeignKey(rel, ref, con, columns); existingKey != nil {
			if existingKey.Valid || a.V.AtLeast(18) {
				a.lockRelation(ref, accessExclusive)
			}
			if existingKey.Valid {
				return false
			}
		}
	}
	a.tableWorkOf(rel).wantScan("rows are looked up in the referenced table")
	reads = hasStorage(rel) || rel.Inferred || depth == maxDepth
	if depth < maxDepth {
		for _, p := range a.C.RelationsByOID(rel.Partitions) {
			reads = a.scanReferencingRows(p, ref, con, columns, depth+1) || reads
		}
	}
	return reads
}

// actions are the letters that the grammar has for what a foreign key does.
var actions = map[string]string{"": "a", "restrict": "r", "cascade": "c", "set null": "n", "set default": "d"}

// columnsHaveNames reports whether columns have these names, in this order. There may be
// more names.
func columnsHaveNames(rel *catalog.Relation, attnums []int16, names []string) bool {
	for i, n := range attnums {
		if col := rel.Attr(n); col == nil || i >= len(names) || col.Name != names[i] {
			return false
		}
	}
	return true
}

// findAdoptedForeignKey finds a partition's foreign key that a new one of its parent adopts.
func findAdoptedForeignKey(rel, ref *catalog.Relation, con *pgparse.Constraint, columns []string) *catalog.Constraint {
	for _, have := range rel.Constraints {
		// One that it has from a parent stays what it is.
		if have.Kind != catalog.ForeignKey || have.Parent || have.Ref != ref.OID || len(have.Columns) != len(columns) ||
			actions[have.OnDelete] != con.GetFkDelAction() || actions[have.OnUpdate] != con.GetFkUpdAction() ||
			have.Deferrable != con.GetDeferrable() || have.InitiallyDeferred != con.GetInitdeferred() || have.MatchFull != (con.GetFkMatchtype() == "f") {
			continue
		}
		targets := refusal.StringNames(con.GetPkAttrs())
		if columnsHaveNames(rel, have.Columns, columns) && (len(targets) == 0 || columnsHaveNames(ref, have.RefColumns, targets)) {
			return have
		}
	}
	return nil
}

// hasNewNullColumn reports whether one of the columns is new and holds NULL only.
func (a *alterState) hasNewNullColumn(columns []string) bool {
	for _, name := range columns {
		if col := a.rel.Column(name); col != nil && a.now.IsNewColumn(name) && (col.Default == nil || predicate.IsNull(col.Default)) && col.Identity == "" {
			return true
		}
	}
	return false
}

// lockForeignKeyTarget locks the table that a new foreign key points to, and its
// partitions. A validation joins both tables: it reads the referenced one too.
func (r *run) lockForeignKeyTarget(ref *catalog.Relation, validate bool, reason string) {
	for _, rel := range r.C.ListTree(ref, ref.Kind == catalog.PartitionedTable) {
		e := r.lockWithReason(rel, sre, reason)
		// Of partitions the planner of 16 and newer rather reads the index.
		if validate && hasStorage(rel) && (rel == ref || !r.V.AtLeast(16)) {
			e.Scans = true
		}
	}
}

func firstAttnum(list []int16) int16 {
	if len(list) == 0 {
		return 0
	}
	return list[0]
}

// dropForeignKey locks the referenced table: its triggers go too. table says
// that the constraint goes with its table or column.
func (r *run) dropForeignKey(con *catalog.Constraint, table bool) {
	ref := r.C.Relation(con.Ref)
	if ref == nil {
		return
	}
	for _, rel := range r.C.ListTree(ref, ref.Kind == catalog.PartitionedTable) {
		// Up to 14 partitioned tables have no triggers of foreign keys.
		if rel.Kind == catalog.PartitionedTable && (rel != ref || table) && !r.V.AtLeast(15) {
			continue
		}
		r.lockWithReason(rel, accessExclusive, referenceReason(con.Name, ""))
	}
}
