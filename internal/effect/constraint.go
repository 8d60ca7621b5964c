package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

func keys(list []*pgparse.Node) []string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = text(k)
	}
	return out
}

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
		if !a.mayHaveKey(con, columns) {
			return
		}
		if a.recurse && len(a.rel.Partitions)+len(a.rel.Children) > 0 && a.v.AtLeast(18) {
			a.below(a.rel, a.mode)
		}
		if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range columns {
				a.setNotNull(k)
			}
		}
		if con.GetContype() == pgparse.ConstrType_CONSTR_EXCLUSION {
			columns = columns[:0]
			for _, x := range con.GetExclusions() {
				if items := x.GetList().GetItems(); len(items) > 0 {
					columns = append(columns, elemName(items[0].GetIndexElem()))
				}
			}
		}
		a.buildKey(con, columns)
	}
}

func (a *alter) addCheck(con *pgparse.Constraint) {
	enforced := con.GetIsEnforced()
	if !enforced && !a.v.AtLeast(18) {
		a.refuse(`syntax error at or near "ENFORCED"`)
		return
	}
	if !a.recurse && hasKids(a.rel) && !con.GetIsNoInherit() {
		a.refuse("constraint must be added to child tables too")
		return
	}
	// Since 18 everything below is locked first, needed or not.
	if a.recurse && hasKids(a.rel) && a.v.AtLeast(18) {
		a.below(a.rel, a.mode)
	}
	if con.GetSkipValidation() {
		a.notValid = append(a.notValid, con)
	}
	a.checkDown(a.rel, con, 0)
}

// checkDown adds a CHECK to a table and what inherits from it; a child that
// has it already merges it, and its own children learn nothing.
func (a *alter) checkDown(rel *catalog.Relation, con *pgparse.Constraint, depth int) {
	a.child(rel)
	if depth > maxDepth || rel != a.rel && hasSame(rel, con.GetConname()) {
		return
	}
	if !con.GetSkipValidation() {
		a.tabOf(rel).wantScan("rows are checked against the constraint")
	}
	if con.GetIsNoInherit() || !a.recurse {
		return
	}
	for _, k := range a.kids(rel) {
		a.checkDown(k, con, depth+1)
	}
}

// hasSame reports whether a child has the constraint already: then it is
// merged, not checked.
func hasSame(rel *catalog.Relation, name string) bool {
	c := rel.Constraint(name)
	return name != "" && c != nil && c.Kind == catalog.Check && c.Valid
}

// addNotNull is ADD CONSTRAINT … NOT NULL column (18).
func (a *alter) addNotNull(con *pgparse.Constraint) {
	if !a.v.AtLeast(18) {
		a.refuse(`syntax error at or near "NOT"`)
		return
	}
	all := a.recurse
	tables := a.descend(all)
	if con.GetSkipValidation() || len(con.GetKeys()) == 0 {
		a.notValid = append(a.notValid, con)
		return
	}
	name := text(con.GetKeys()[0])
	for _, rel := range tables {
		if rel == a.rel || !con.GetIsNoInherit() {
			a.checkNotNull(rel, name)
		}
	}
}

// setNotNull is SET NOT NULL.
func (a *alter) setNotNull(name string) {
	if a.isNew(name) {
		for _, rel := range a.descend(a.recurse) {
			a.tabOf(rel).wantScan("rows are checked for NULL in " + name)
		}
		return
	}
	if col, known := column(a.rel, name); col == nil && known {
		a.refuse(`column "` + name + `" of relation "` + a.rel.Name.Name + `" does not exist`)
		return
	} else if col != nil && col.NotNull && !col.NotNullInvalid && len(a.rel.Children) == 0 {
		// The partitions have it too. Children that inherit may not, before 18.
		return
	} else if col != nil && col.NotNull && !col.NotNullInvalid && a.v.AtLeast(18) {
		return
	}
	for _, rel := range a.descend(a.recurse) {
		a.checkNotNull(rel, name)
	}
}

// checkNotNull decides whether rows are looked at when a column becomes NOT
// NULL: not when it is so already, nor when a valid CHECK proves it.
func (a *alter) checkNotNull(rel *catalog.Relation, name string) {
	col, known := column(rel, name)
	if col != nil && col.NotNull && !col.NotNullInvalid {
		return
	}
	t := a.tabOf(rel)
	if col == nil || !col.NotNullInvalid {
		for _, c := range rel.Constraints {
			if c.Kind == catalog.Check && c.Valid && !contains(a.droppedConstraints, c) && catalog.ProvesNotNull(c.Expr, name) {
				return
			}
		}
	}
	t.wantScan("rows are checked for NULL in " + name)
	if !known {
		t.unsure, t.why = true, "whether a constraint proves that "+name+" has no NULL is not known"
	}
}

func (a *alter) dropNotNull(name string) {
	col, known := column(a.rel, name)
	if col != nil && known && !col.NotNull {
		if a.recurse && hasKids(a.rel) && !a.v.AtLeast(18) {
			a.descend(true)
		}
		return
	}
	if parent := a.c.Relation(a.rel.Parent); parent != nil {
		if above := parent.Column(name); above != nil && above.NotNull {
			a.refuse(`column "` + name + `" is marked NOT NULL in parent table`)
			return
		}
	}
	if col != nil && known {
		switch {
		case inPrimaryKey(a.rel, col) && !a.keyDropped():
			a.refuse(`column "` + name + `" is in a primary key`)
		case col.Identity != "":
			a.refuse(`column "` + name + `" of relation "` + a.rel.Name.Name + `" is an identity column`)
		}
	}
	a.descend(a.recurse)
}

func (a *alter) keyDropped() bool {
	for _, c := range a.droppedConstraints {
		if c.Kind == catalog.PrimaryKey {
			return true
		}
	}
	return false
}

func inPrimaryKey(rel *catalog.Relation, col *catalog.Column) bool {
	for _, c := range rel.Constraints {
		if c.Kind == catalog.PrimaryKey && contains(c.Columns, col.Attnum) {
			return true
		}
	}
	return false
}

// isNew reports whether the statement itself adds the column.
func (a *alter) isNew(name string) bool {
	for _, d := range a.newColumns {
		if d.GetColname() == name {
			return true
		}
	}
	return false
}

func (a *alter) newColumn(name string) newColumn {
	for _, d := range a.newColumns {
		if d.GetColname() == name {
			return a.readColumn(d)
		}
	}
	return newColumn{}
}

// buildKey builds the index of a new PRIMARY KEY, UNIQUE or EXCLUDE
// constraint, on each partition of a partitioned table.
func (a *alter) buildKey(con *pgparse.Constraint, columns []string) {
	label := "key"
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_PRIMARY:
		label = "pkey"
	case pgparse.ConstrType_CONSTR_EXCLUSION:
		label = "excl"
	}
	part := joined(columns)
	if label == "pkey" {
		part = ""
	}
	name := con.GetConname()
	if name == "" {
		name = a.freeName(a.rel.Name, part, label)
	}
	a.buildOn(a.rel, catalog.Name{Schema: a.rel.Name.Schema, Name: name}, sh, func(p *catalog.Relation) string {
		return a.freeName(p.Name, part, label)
	}, nil)
}

// mayHaveKey refuses a key that the server refuses whatever the rows are.
func (a *alter) mayHaveKey(con *pgparse.Constraint, columns []string) bool {
	switch {
	case con.GetNullsNotDistinct() && !a.v.AtLeast(15):
		a.refuse(`syntax error at or near "NULLS"`)
	case con.GetWithoutOverlaps() && !a.v.AtLeast(18):
		a.refuse(`syntax error at or near "WITHOUT"`)
	case con.GetWithoutOverlaps() && len(columns) < 2:
		a.refuse("constraint using WITHOUT OVERLAPS needs at least two columns")
	case con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY && a.hasPrimaryKey():
		a.refuse(`multiple primary keys for table "` + a.rel.Name.Name + `" are not allowed`)
	case con.GetContype() != pgparse.ConstrType_CONSTR_EXCLUSION && !a.coversPartitionKey(columns):
		a.refuse("unique constraint on partitioned table must include all partitioning columns")
	default:
		return true
	}
	return false
}

func (a *alter) hasPrimaryKey() bool {
	for _, c := range a.rel.Constraints {
		if c.Kind == catalog.PrimaryKey && !contains(a.droppedConstraints, c) {
			return true
		}
	}
	return false
}

func (r *run) coversKey(rel *catalog.Relation, columns []string) bool {
	for _, k := range rel.PartitionKey {
		col := rel.Attr(k.Column)
		if col == nil || !contains(columns, col.Name) {
			return false
		}
	}
	return true
}

func (a *alter) coversPartitionKey(columns []string) bool { return a.coversKey(a.rel, columns) }

// useIndex is ADD CONSTRAINT … USING INDEX.
func (a *alter) useIndex(con *pgparse.Constraint) {
	var index *catalog.Relation
	for _, i := range a.indexes(a.rel) {
		if i.Name.Name == con.GetIndexname() {
			index = i
		}
	}
	if index == nil {
		if !a.rel.Inferred && !a.rel.Partial && a.c.Complete {
			a.refuse(`index "` + con.GetIndexname() + `" does not exist`)
			return
		}
		index = &catalog.Relation{Name: catalog.Name{Schema: a.rel.Name.Schema, Name: con.GetIndexname()}, Kind: catalog.Index, Inferred: true}
	}
	if info := index.Index; info != nil && !index.Inferred {
		if message := unsuitable(index); message != "" {
			a.refuse(message)
		}
		if a.Refused != "" {
			return
		}
		if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range info.Keys {
				if col := a.rel.Attr(k.Column); col != nil {
					a.setNotNull(col.Name)
				}
			}
		}
	} else if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
		t := a.tabOf(a.rel)
		t.wantScan("")
		t.unsure, t.why = true, "whether the key's columns are NOT NULL is not known"
	}
	// The index gets the constraint's name.
	if con.GetConname() != "" && con.GetConname() != index.Name.Name {
		a.lock(index, sue)
	} else {
		a.lock(index, as)
	}
}

// unsuitable is what the server has against an index that is to stand behind a
// constraint (transformIndexConstraint); "" when it takes it.
func unsuitable(index *catalog.Relation) string {
	info, name := index.Index, index.Name.Name
	switch {
	case info.Constraint != "":
		return `index "` + name + `" is already associated with a constraint`
	case !info.Valid:
		return `index "` + name + `" is not valid`
	case !info.Unique:
		return `"` + name + `" is not a unique index`
	}
	for _, k := range info.Keys {
		if k.Column == 0 {
			return `index "` + name + `" contains expressions`
		}
	}
	if info.Predicate != nil {
		return `"` + name + `" is a partial index`
	}
	for i, k := range info.Keys {
		if k.Desc {
			return `index "` + name + `" column number ` + itoa(i+1) + ` does not have default sorting behavior`
		}
	}
	return ""
}

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
		if !a.rel.Inferred && !a.rel.Partial {
			a.refuse(`constraint "` + name + `" of relation "` + a.rel.Name.Name + `" does not exist`)
			return
		}
		t := a.tabOf(a.rel)
		t.wantScan("")
		t.unsure, t.why = true, "what the constraint is, is not known"
		return
	}
	switch con.Kind {
	case catalog.Unique, catalog.PrimaryKey, catalog.Exclude:
		a.refuse(`constraint "` + name + `" of relation "` + a.rel.Name.Name + `" is not a foreign key or check constraint`)
		return
	case catalog.Check, catalog.NotNullConstraint:
		if !con.Valid && !a.recurse && hasKids(a.rel) && !con.NoInherit {
			a.refuse("constraint must be validated on child tables too")
			return
		}
	}
	if con.Valid {
		return
	}
	a.validateOld(con)
}

func (a *alter) validateNew(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_FOREIGN:
		for _, rel := range a.tree(a.rel, a.rel.Kind == catalog.PartitionedTable) {
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
		for _, rel := range a.tree(a.rel, a.rel.Kind == catalog.PartitionedTable) {
			a.child(rel)
			a.tabOf(rel).wantScan("rows are looked up in the referenced table")
		}
		if ref := a.c.Relation(con.Ref); ref != nil && ref != a.rel {
			e := a.lockFor(ref, rs, referencedBy(con.Name, ""))
			e.Scans = e.Scans || stored(ref)
		}
		return
	}
	for _, rel := range a.descend(a.recurse && !con.NoInherit) {
		if rel != a.rel {
			if own := rel.Constraint(con.Name); own != nil && own.Valid {
				continue
			}
		}
		a.tabOf(rel).wantScan("rows are checked against the constraint")
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
		if !a.rel.Inferred && !a.rel.Partial {
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

// dropConstraint is DROP CONSTRAINT.
func (a *alter) dropConstraint(cmd *pgparse.AlterTableCmd) {
	if a.rel.Kind == catalog.PartitionedTable {
		a.below(a.rel, a.mode)
	}
	con := a.rel.Constraint(cmd.GetName())
	if con == nil {
		if !a.rel.Inferred && !a.rel.Partial && !cmd.GetMissingOk() {
			a.refuse(`constraint "` + cmd.GetName() + `" of relation "` + a.rel.Name.Name + `" does not exist`)
		}
		if a.rel.Inferred || a.rel.Partial {
			if e := a.at(a.rel); e.Why == "" {
				e.Unsure, e.Why = true, "a foreign key also locks the table it references"
			}
		}
		return
	}
	if con.Parent {
		a.refuse(`cannot drop inherited constraint "` + con.Name + `" of relation "` + a.rel.Name.Name + `"`)
		return
	}
	a.droppedConstraints = append(a.droppedConstraints, con)
	switch con.Kind {
	case catalog.Check, catalog.NotNullConstraint:
		if !con.NoInherit {
			for _, k := range a.kids(a.rel) {
				a.child(k)
				if a.recurse {
					for _, rel := range a.tree(k, true) {
						a.child(rel)
					}
				}
			}
		}
		for _, k := range a.tree(a.rel, true)[1:] {
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
	index := r.c.Relation(con.Index)
	if index == nil {
		return
	}
	for _, ref := range r.references(rel, false) {
		if !usesKey(ref.con, con) {
			continue
		}
		if !all {
			r.refuse(`cannot drop constraint ` + con.Name + ` on table ` + rel.Name.Name + ` because other objects depend on it`)
			return
		}
		r.lockFor(ref.from, ael, "its foreign key "+ref.con.Name+" is dropped")
		r.below(ref.from, ael)
	}
	r.dropIndexTree(index, "index of the constraint "+con.Name)
}

// usesKey reports whether a foreign key rests on a unique or primary key.
func usesKey(fk, key *catalog.Constraint) bool {
	if len(fk.RefColumns) == 0 {
		return key.Kind == catalog.PrimaryKey
	}
	if len(fk.RefColumns) != len(key.Columns) {
		return false
	}
	for _, c := range fk.RefColumns {
		if !contains(key.Columns, c) {
			return false
		}
	}
	return true
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

// dropIndexTree drops an index with those of the partitions below it.
func (r *run) dropIndexTree(index *catalog.Relation, why string) {
	for _, i := range r.tree(index, true) {
		r.drop(i, why)
	}
}

var _ = onward.NoLock
