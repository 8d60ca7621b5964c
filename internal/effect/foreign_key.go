package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
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
		a.refuse(refuse.SyntaxAt, "ENFORCED")
		return
	}
	if len(con.GetFkDelSetCols()) > 0 && !a.v.AtLeast(15) {
		a.refuse(refuse.SyntaxAt, "(")
		return
	}
	if a.rel.Kind == catalog.ForeignTable {
		a.refuse(refuse.ForeignKeyForeign)
		return
	}
	for _, name := range columns {
		if col, _ := a.column(a.rel, name); col != nil && col.Generated == "virtual" {
			a.refuse(refuse.VirtualConstraint, "foreign key")
			return
		}
	}
	ref := a.table(con.GetPktable())
	if ref != nil && !a.mayReference(ref, con, columns) {
		return
	}
	validate := !con.GetSkipValidation() && con.GetIsEnforced() && !empty
	if a.rel.Kind == catalog.PartitionedTable {
		if con.GetSkipValidation() && con.GetIsEnforced() && !a.v.AtLeast(18) {
			a.refuse(refuse.ForeignKeyNotValid, a.rel.Name.Name, referencing(ref))
			return
		}
		if !a.recurse {
			a.refuse(refuse.ForeignKeyOnly, a.rel.Name.Name, referencing(ref))
			return
		}
	}
	if a.recurse && (a.rel.Kind == catalog.PartitionedTable || len(a.rel.Children) > 0 && a.v.AtLeast(18)) {
		a.descend(true)
	}
	if validate {
		a.checkRows(a.rel, ref, con, columns, 0)
	} else if con.GetSkipValidation() {
		a.notValid = append(a.notValid, con)
	}
	if ref != nil {
		// Where all values are NULL, nothing is looked up.
		a.lockReferenced(ref, validate && !a.allNull(columns), referencedBy(con.GetConname(), a.rel.Name.String()))
	}
}

// mayReference refuses a foreign key that the server refuses whatever the rows
// are.
func (a *alter) mayReference(ref *catalog.Relation, con *pgparse.Constraint, columns []string) bool {
	between := mayPoint(a.rel.Persistence, ref)
	switch {
	case ref.Inferred:
		return true
	case !ref.Kind.IsTable():
		a.refuse(refuse.ForeignKeyTable, ref.Name.Name)
	case between != nil && !a.rel.Inferred:
		a.deny(between)
	case a.deferrableKey(ref, con):
		a.refuse(refuse.ForeignKeyDeferrable, ref.Name.Name)
	case !a.comparable(ref, con, columns, a.typeNow):
		a.deny(a.notImplemented(a.rel.Name, con, columns))
	default:
		return true
	}
	return false
}

// mayPoint is what the server has against a foreign key to a table that is
// sooner gone than the one that has it; nil when it takes it.
func mayPoint(from catalog.Persistence, ref *catalog.Relation) *refuse.Refusal {
	switch to := ref.Persistence; {
	case ref.Inferred:
	case from == catalog.Permanent && to != catalog.Permanent:
		return refuse.ForeignKeyPermanent.Of()
	case from == catalog.Unlogged && to == catalog.Temporary:
		return refuse.ForeignKeyUnlogged.Of()
	case from == catalog.Temporary && to != catalog.Temporary:
		return refuse.ForeignKeyOfTemporary.Of()
	}
	return nil
}

// deferrableKey reports whether the only key that a foreign key can point to is
// checked at commit.
func (r *run) deferrableKey(ref *catalog.Relation, con *pgparse.Constraint) bool {
	found := false
	for _, key := range ref.Constraints {
		var names []string
		for _, n := range key.Columns {
			if col := ref.Attr(n); col != nil {
				names = append(names, col.Name)
			}
		}
		targets := keys(con.GetPkAttrs())
		if key.Kind != catalog.PrimaryKey && (key.Kind != catalog.Unique || len(targets) == 0) || len(targets) > 0 && !sameSet(names, targets) {
			continue
		}
		if !key.Deferrable {
			return false
		}
		found = true
	}
	for _, i := range r.indexes(ref) {
		if found && i.Index != nil && i.Index.Unique && i.Index.Constraint == "" && len(i.Index.Keys) == len(con.GetPkAttrs()) {
			return false // it may do
		}
	}
	return found
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !contains(b, x) {
			return false
		}
	}
	return true
}

// comparable reports whether there is an operator for each pair of columns of
// a foreign key, as far as their types are known.
func (r *run) comparable(ref *catalog.Relation, con *pgparse.Constraint, columns []string, types columnType) bool {
	targets := keys(con.GetPkAttrs())
	if len(targets) == 0 {
		for _, c := range ref.Constraints {
			if c.Kind == catalog.PrimaryKey {
				for _, n := range c.Columns {
					if col := ref.Attr(n); col != nil {
						targets = append(targets, col.Name)
					}
				}
			}
		}
	}
	if len(targets) != len(columns) {
		return true
	}
	for i, name := range columns {
		target := ref.Column(targets[i])
		if target == nil || target.Inferred {
			continue
		}
		if from := types(name); from.Known() && target.Type.Known() && !r.equates(from, target.Type) {
			return false
		}
	}
	return true
}

// notImplemented is the refusal of a foreign key between types that
// cannot be compared.
func (r *run) notImplemented(table catalog.Name, con *pgparse.Constraint, columns []string) *refuse.Refusal {
	name := con.GetConname()
	if name == "" {
		name = r.freeName(table, joined(columns), "fkey")
	}
	return refuse.ForeignKeyTypes.Of(name)
}

// typeNow is the type of a column as far as the statement has come; an unknown
// one when it was not seen.
func (a *alter) typeNow(name string) catalog.Type {
	if t, ok := a.newTypes[name]; ok {
		return t
	}
	if col := a.rel.Column(name); col != nil && !contains(a.droppedColumns, name) {
		if col.Inferred {
			return catalog.Type{}
		}
		return col.Type
	}
	for _, d := range a.newColumns {
		if d.GetColname() == name && !serialType(d.GetTypeName()) {
			return a.c.TypeOf(d.GetTypeName())
		}
	}
	return catalog.Type{}
}

// families are the types that one family of B-tree operators compares with one
// another.
var families = [][]string{
	{"int2", "int4", "int8"}, {"float4", "float8"}, {"text", "varchar", "bpchar", "name", "citext"},
	{"date", "timestamp", "timestamptz"}, {"bit", "varbit"}, {"inet", "cidr"},
}

// equates reports whether a referencing type can be compared with a referenced
// one: the same, of one family, or cast to it without asking.
func (r *run) equates(from, to catalog.Type) bool {
	from, to = r.base(from), r.base(to)
	if same(from, to) {
		return true
	}
	if from.OID != 0 || to.OID != 0 || from.Array > 0 || to.Array > 0 ||
		from.Name.Schema != "pg_catalog" || to.Name.Schema != "pg_catalog" {
		// Extensions define operators; an enum has none but its own.
		own := func(t catalog.Type) bool {
			u := r.c.Type(t.OID)
			return t.Array == 0 && u != nil && !u.Inferred && u.Kind == catalog.Enum
		}
		return !own(from) && !own(to)
	}
	for _, f := range families {
		if contains(f, from.Name.Name) && contains(f, to.Name.Name) {
			return true
		}
	}
	c := cast(from.Name.Name, to.Name.Name)
	return operators(from) == operators(to) || c != "" && c[0] == 'i' || r.userCasts()
}

// checkRows reads the rows of a table, or of the partitions, for a new foreign
// key. A partition that has the same key already keeps it, without its
// triggers on the referenced table.
func (a *alter) checkRows(rel, ref *catalog.Relation, con *pgparse.Constraint, columns []string, depth int) {
	if rel != a.rel && ref != nil && depth < maxDepth {
		if own := ownForeignKey(rel, ref, con, columns); own != nil {
			if own.Valid || a.v.AtLeast(18) {
				a.lock(ref, ael)
			}
			if own.Valid {
				return
			}
		}
	}
	a.tabOf(rel).wantScan("rows are looked up in the referenced table")
	if depth < maxDepth {
		for _, p := range a.rels(rel.Partitions) {
			a.checkRows(p, ref, con, columns, depth+1)
		}
	}
}

// actions are the letters that the grammar has for what a foreign key does.
var actions = map[string]string{"": "a", "restrict": "r", "cascade": "c", "set null": "n", "set default": "d"}

// named reports whether columns have these names, in this order. There may be
// more names.
func named(rel *catalog.Relation, attnums []int16, names []string) bool {
	for i, n := range attnums {
		if col := rel.Attr(n); col == nil || i >= len(names) || col.Name != names[i] {
			return false
		}
	}
	return true
}

// ownForeignKey is a partition's own foreign key that a new one of its parent
// adopts.
func ownForeignKey(rel, ref *catalog.Relation, con *pgparse.Constraint, columns []string) *catalog.Constraint {
	for _, have := range rel.Constraints {
		// One that it has from a parent stays what it is.
		if have.Kind != catalog.ForeignKey || have.Parent || have.Ref != ref.OID || len(have.Columns) != len(columns) ||
			actions[have.OnDelete] != con.GetFkDelAction() || actions[have.OnUpdate] != con.GetFkUpdAction() ||
			have.Deferrable != con.GetDeferrable() || have.InitiallyDeferred != con.GetInitdeferred() {
			continue
		}
		targets := keys(con.GetPkAttrs())
		if named(rel, have.Columns, columns) && (len(targets) == 0 || named(ref, have.RefColumns, targets)) {
			return have
		}
	}
	return nil
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
		a.refuse(refuse.SyntaxAt, word)
		return
	}
	con := a.rel.Constraint(def.GetConname())
	if con == nil {
		if a.whole(a.rel) {
			a.refuse(refuse.ConstraintMissing, def.GetConname(), a.rel.Name.Name)
		}
		return
	}
	if def.GetAlterInheritability() {
		if con.Kind != catalog.NotNullConstraint {
			a.refuse(refuse.NotNotNull, con.Name, a.rel.Name.Name)
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
		a.refuse(refuse.NotForeignKey, con.Name, a.rel.Name.Name)
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
