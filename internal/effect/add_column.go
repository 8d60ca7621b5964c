package effect

import (
	"strings"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refuse"
)

// newColumn is what a column definition asks for, read once.
type newColumn struct {
	def                 *pgparse.ColumnDef
	typ                 catalog.Type
	notNull, serial     bool
	identity, generated string // generated: "stored", "virtual"
	deflt               *pgparse.Node
	sequence            []*pgparse.Node // options of an identity's sequence
	keys, checks, fks   []*pgparse.Constraint
	// enforcement: a constraint says whether it is ENFORCED; notEnforced are the
	// foreign keys that are not.
	enforcement bool
	notEnforced []*pgparse.Constraint
}

func (r *run) readColumn(def *pgparse.ColumnDef) newColumn {
	n := newColumn{def: def}
	n.serial = serialType(def.GetTypeName())
	n.notNull = n.serial || def.GetIsNotNull()
	n.deflt = def.GetRawDefault()
	var last *pgparse.Constraint
	for _, c := range def.GetConstraints() {
		con := c.GetConstraint()
		switch con.GetContype() {
		case pgparse.ConstrType_CONSTR_NOTNULL:
			n.notNull = true
		case pgparse.ConstrType_CONSTR_DEFAULT:
			n.deflt = con.GetRawExpr()
		case pgparse.ConstrType_CONSTR_IDENTITY:
			n.identity, n.sequence, n.notNull = con.GetGeneratedWhen(), con.GetOptions(), true
		case pgparse.ConstrType_CONSTR_GENERATED:
			n.generated = "stored"
			if con.GetGeneratedKind() == "v" {
				n.generated = "virtual"
			}
			n.deflt = con.GetRawExpr()
		case pgparse.ConstrType_CONSTR_CHECK:
			n.checks = append(n.checks, con)
			last = con
		case pgparse.ConstrType_CONSTR_PRIMARY:
			n.notNull = true
			n.keys = append(n.keys, con)
		case pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
			n.keys = append(n.keys, con)
		case pgparse.ConstrType_CONSTR_FOREIGN:
			n.fks = append(n.fks, con)
			last = con
		case pgparse.ConstrType_CONSTR_ATTR_ENFORCED:
			n.enforcement = true
		case pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED:
			n.enforcement = true
			if k := len(n.checks); k > 0 && n.checks[k-1] == last {
				n.checks[k-1] = nil
			}
			if k := len(n.fks); k > 0 && n.fks[k-1] == last {
				n.notEnforced = append(n.notEnforced, last)
			}
		}
	}
	r.NewerIn(n.deflt)
	return n
}

func serialType(t *pgparse.TypeName) bool {
	if len(t.GetNames()) != 1 {
		return false
	}
	switch pgparse.Text(t.GetNames()[0]) {
	case "serial", "serial4", "bigserial", "serial8", "smallserial", "serial2":
		return true
	}
	return false
}

func (a *alter) addColumn(cmd *pgparse.AlterTableCmd) {
	def := cmd.GetDef().GetColumnDef()
	if col, known := a.Column(a.rel, def.GetColname()); col != nil && known && !contains(a.droppedColumns, col.Name) {
		if !cmd.GetMissingOk() {
			a.Refuse(refuse.ColumnExists, def.GetColname(), a.rel.Name.Name)
		}
		return
	}
	if !a.mayAdd() {
		return
	}
	n := a.readColumn(def)
	n.typ = a.C.TypeOf(def.GetTypeName())
	if !a.mayDefine(def, n) {
		return
	}
	a.newColumns = append(a.newColumns, def)
	for _, con := range n.keys {
		if !a.mayHaveKey(con, []string{def.GetColname()}) {
			return
		}
	}

	if n.serial || n.identity != "" {
		a.createOwned(a.rel.Name, def.GetColname(), n.sequence)
	}
	a.addDown(a.rel, n, &[]catalog.OID{})
	for _, con := range n.keys {
		a.buildKey(con, []string{def.GetColname()})
	}
	for _, con := range n.fks {
		// Without a default all rows hold NULL: there is nothing to validate.
		empty := n.deflt == nil && !n.serial && n.identity == ""
		a.addForeignKey(con, []string{def.GetColname()}, empty || contains(n.notEnforced, con))
	}
	if a.rel.Kind == catalog.CompositeType {
		a.typedTables(cmd.GetBehavior(), nil)
	}
}

// mayDefine refuses a column definition that the server refuses, whatever the
// rows are.
func (a *alter) mayDefine(def *pgparse.ColumnDef, n newColumn) bool {
	for _, con := range n.checks {
		if !a.MayCheck(con) {
			return false
		}
	}
	switch {
	case answer.SystemColumn(def.GetColname()):
		a.Refuse(refuse.ColumnSystemName, def.GetColname())
	case !a.Collates(def):
	case n.generated == "virtual" && !a.V.AtLeast(18):
		a.Refuse(refuse.SyntaxAt, "VIRTUAL")
	case def.GetCompression() != "" && !a.V.AtLeast(14):
		a.Refuse(refuse.SyntaxAt, "COMPRESSION")
	case def.GetStorageName() != "" && !a.V.AtLeast(16):
		a.Refuse(refuse.SyntaxAt, "STORAGE")
	case n.enforcement && !a.V.AtLeast(18):
		a.Refuse(refuse.SyntaxAt, "ENFORCED")
	case n.generated == "virtual" && len(n.keys) > 0:
		a.Refuse(refuse.VirtualConstraint, keyWord(n.keys[0]))
	case n.generated == "virtual" && a.Domain(n.typ) != nil:
		a.Refuse(refuse.VirtualDomain, def.GetColname())
	case n.generated == "virtual" && a.Foreign(n.typ, n.deflt) != nil:
		a.Deny(a.Foreign(n.typ, n.deflt))
	case n.generated == "virtual" && len(n.fks) > 0:
		a.Refuse(refuse.VirtualConstraint, "foreign key")
	case n.generated != "":
		return a.mayGenerate(n.deflt)
	case n.identity != "" && a.recurse && a.rel.HasKids() && (a.rel.Kind != catalog.PartitionedTable || !a.V.AtLeast(17)):
		a.Refuse(refuse.IdentityToChildren)
	case n.deflt != nil && pgparse.Holds[*pgparse.ColumnRef](n.deflt):
		a.Refuse(refuse.ColumnDefault)
	case n.deflt != nil && pgparse.Holds[*pgparse.SubLink](n.deflt):
		a.Refuse(refuse.SubqueryDefault)
	default:
		return true
	}
	return false
}

// mayGenerate refuses an expression that cannot generate a column.
func (a *alter) mayGenerate(expr *pgparse.Node) bool {
	if !a.MayIndex(expr, a.typeNow) {
		a.Refuse(refuse.GenerationMutable)
		return false
	}
	for _, col := range a.rel.Columns {
		if col.Generated != "" && mentions(expr, col.Name) {
			a.Refuse(refuse.GenerationGenerated, col.Name)
			return false
		}
	}
	return true
}

// mayAdd refuses a new column where the server does.
func (a *alter) mayAdd() bool {
	switch {
	case a.rel.OfType != 0:
		a.Refuse(refuse.ColumnToTyped)
	case a.rel.Parent != 0:
		a.Refuse(refuse.ColumnToPartition)
	case !a.recurse && a.rel.HasKids():
		a.Refuse(refuse.ColumnOnlyHere)
	default:
		return true
	}
	return false
}

// addDown adds a column to a table and what inherits from it. A child that has
// the column already only learns that it inherits it, and its own children
// learn nothing.
func (a *alter) addDown(rel *catalog.Relation, n newColumn, seen *[]catalog.OID) {
	a.child(rel)
	if contains(*seen, rel.OID) {
		return // it has two parents here
	}
	*seen = append(*seen, rel.OID)
	if col := rel.Column(n.def.GetColname()); rel != a.rel && col != nil {
		if n.typ.Known() && col.Type.Known() && !col.Inferred && !answer.Same(n.typ, col.Type) {
			a.Refuse(refuse.ChildType, rel.Name.Name, col.Name)
		}
		return
	}
	a.fill(a.tabOf(rel), n)
	for _, k := range a.C.Kids(rel) {
		a.addDown(k, n, seen)
	}
}

// fill decides what a new column does to the rows of a table: nothing, when
// its value for them is one constant.
func (a *alter) fill(t *tab, n newColumn) {
	defer func() {
		if dom := a.Domain(n.typ); t.rewrite || n.generated == "" && (n.deflt != nil && !predicate.IsNull(n.deflt) || n.deflt == nil && dom != nil && dom.Default != nil) {
			a.mayFill(t.rel)
		}
	}()
	name := n.def.GetColname()
	missing := true // the old rows hold NULL
	switch dom := a.Domain(n.typ); {
	case !stored(t.rel):
		return
	case n.generated == "virtual":
	case n.generated == "stored":
		t.rewrite, t.why, missing = true, "the generated column "+name+" is computed for every row", false
	case n.serial || n.identity != "":
		t.rewrite, t.why, missing = true, "every row gets its own number in "+name, false
	case dom != nil && a.constrained(dom):
		t.rewrite, t.why = true, "the domain "+dom.Name.String()+" has constraints, which are checked for every row"
	case n.deflt != nil:
		volatile, unknown := a.volatile(n.deflt)
		if volatile {
			a.calls(n.deflt)
			t.rewrite, t.why = true, "the default of "+name+" is volatile: it is computed for every row"
			if unknown != "" {
				t.unsure, t.why = true, "whether "+unknown+" is volatile is not known"
			}
		}
		missing = predicate.IsNull(n.deflt)
	case dom != nil && dom.Default != nil:
		volatile, _ := a.volatile(dom.Default)
		t.rewrite, missing = t.rewrite || volatile, false
	}
	if n.notNull && missing {
		t.wantScan("rows are checked for NULL in " + name)
	}
	for _, c := range n.checks {
		if c != nil && (c.GetIsEnforced() || !c.GetSkipValidation()) {
			t.wantScan("rows are checked against the constraint")
		}
	}
}

// setExpression is ALTER COLUMN … SET EXPRESSION (17).
func (a *alter) setExpression(name string, expr *pgparse.Node) {
	if !a.V.AtLeast(17) {
		a.Refuse(refuse.SyntaxAt, "EXPRESSION")
		return
	}
	if !a.MayIndex(expr, a.typeNow) {
		a.Refuse(refuse.GenerationMutable)
		return
	}
	for _, rel := range a.C.Tree(a.rel, a.recurse) {
		t := a.tabOf(rel)
		col, known := a.Column(rel, name)
		switch {
		case col == nil && known:
			a.Refuse(refuse.ColumnMissing, name, rel.Name.Name)
		case col == nil || !known:
			t.rewrite, t.unsure, t.why = true, true, "whether the column is stored is not known"
		case col.Generated == "virtual":
			if hasCheck(rel) {
				a.Refuse(refuse.VirtualChecked)
			}
			if col.NotNull {
				t.wantScan("rows are checked for NULL in " + name)
			}
		case col.Generated == "":
			a.Refuse(refuse.GeneratedNot, name, rel.Name.Name)
		default:
			t.rewrite, t.why = true, "the generated column "+name+" is computed for every row"
			a.rebuildDependents(t, rel, col, nil, nil)
		}
	}
}

func hasCheck(rel *catalog.Relation) bool {
	for _, c := range rel.Constraints {
		if c.Kind == catalog.Check {
			return true
		}
	}
	return false
}

func (a *alter) dropExpression(cmd *pgparse.AlterTableCmd) {
	col, known := a.Column(a.rel, cmd.GetName())
	if col == nil || !known {
		return
	}
	switch {
	case col.Generated == "virtual":
		a.Refuse(refuse.VirtualDropExpression)
	case col.Generated == "" && !cmd.GetMissingOk():
		a.Refuse(refuse.GeneratedNot, cmd.GetName(), a.rel.Name.Name)
	default:
		a.withoutExpression = append(a.withoutExpression, col.Name)
	}
}

// freeName is a name that the server would make for a new sequence, index or
// constraint: the first that no relation has.
func (r *run) freeName(table catalog.Name, column, label string) string {
	base := catalog.ObjectName(table.Name, column, label)
	for n := r.tried[base]; ; n++ {
		l := label
		if n > 0 {
			l += itoa(n)
		}
		name := catalog.ObjectName(table.Name, column, l)
		if old := r.C.Lookup(table.Schema, name); (old == nil || r.dropped(old.OID)) && !r.created(name) {
			if n > few {
				if r.tried == nil {
					r.tried = map[string]int{}
				}
				r.tried[base] = n
			}
			return name
		}
	}
}

// few is up to how many names are tried from the first one on.
const few = 16

// created reports whether the statement itself has made something of a name.
func (r *run) created(name string) bool {
	for ; r.looked < len(r.Effects); r.looked++ {
		if e := &r.Effects[r.looked]; e.Created {
			if r.taken == nil {
				r.taken = map[string]bool{}
			}
			r.taken[e.Name.Name] = true
		}
	}
	return r.taken[name]
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// joined is the columns' part of a made-up name.
func joined(columns []string) string { return strings.Join(columns, "_") }
