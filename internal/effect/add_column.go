package effect

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refusal"
)

// recordAddColumn is ADD COLUMN. A constant default is only a catalog change; DEFAULT gen_random_uuid() rewrites the table.
func (a *alterState) recordAddColumn(cmd *pgparse.AlterTableCmd) {
	def := cmd.GetDef().GetColumnDef()
	if a.now.HasColumn(def.GetColname()) {
		return
	}
	n := refusal.ReadColumn(def)
	if n.Serial || n.Identity != "" {
		a.createOwnedSequence(a.rel.Name, def.GetColname(), n.Sequence)
	}
	typ := a.C.TypeOf(def.GetTypeName())
	a.now.VisitColumnChildren(def.GetColname(), func(rel *catalog.Relation, existingColumn *catalog.Column) {
		if a.lockChild(rel); existingColumn == nil {
			a.decideColumnFill(a.tableWorkOf(rel), &n, typ)
		}
	})
	for _, con := range n.Keys {
		a.buildKey(con, []string{def.GetColname()})
	}
	for _, con := range n.ForeignKeys {
		// Without a default all rows hold NULL: there is nothing to validate.
		empty := n.Default == nil && !n.Serial && n.Identity == ""
		null := (n.Default == nil || predicate.IsNull(n.Default)) && !n.Serial && n.Identity == ""
		a.addForeignKey(con, []string{def.GetColname()}, empty || contains(n.NotEnforced, con), null)
	}
	if a.rel.Kind == catalog.CompositeType {
		a.lockTypedTables(nil)
	}
}

// decideColumnFill decides what a new column does to the rows of a table: nothing, when
// its value for them is one constant.
func (a *alterState) decideColumnFill(t *tableWork, n *refusal.NewColumn, typ catalog.Type) {
	name := n.Def.GetColname()
	missing := true // the old rows hold NULL
	switch dom := a.DomainOf(typ); {
	case !hasStorage(t.rel):
		return
	case n.Generated == "virtual":
	case n.Generated == "stored":
		t.filled, t.why, missing = true, "the generated column "+name+" is computed for every row", false
	case n.Serial || n.Identity != "":
		t.filled, t.why, missing = true, "every row gets its own number in "+name, false
	case dom != nil && a.IsConstrained(dom):
		t.filled, t.why = true, "the domain "+dom.Name.String()+" has constraints, which are checked for every row"
	case n.Default != nil:
		volatile, unknown := a.isVolatile(n.Default)
		if volatile {
			a.lockCalls(n.Default)
			t.filled, t.why = true, "the default of "+name+" is volatile: it is computed for every row"
			if unknown != "" {
				t.unsure, t.why = true, "whether "+unknown+" is volatile is not known"
			}
		}
		missing = predicate.IsNull(n.Default)
	case dom != nil && dom.Default != nil:
		volatile, _ := a.isVolatile(dom.Default)
		t.filled, missing = t.filled || volatile, false
	}
	if n.NotNull && missing {
		t.wantScan("rows are checked for NULL in " + name)
	}
	for _, c := range n.Checks {
		if c != nil && (c.GetIsEnforced() || !c.GetSkipValidation()) {
			t.wantScan("rows are checked against the constraint")
		}
	}
}

// setExpression is ALTER COLUMN … SET EXPRESSION (17).
func (a *alterState) setExpression(name string) {
	for _, rel := range a.C.ListTree(a.rel, a.recurse) {
		t := a.tableWorkOf(rel)
		col, known := a.FindColumn(rel, name)
		switch {
		case col == nil || !known:
			t.rewrite, t.unsure, t.why = true, true, "whether the column is stored is not known"
		case col.Generated == "virtual":
			if col.NotNull {
				t.wantScan("rows are checked for NULL in " + name)
			}
			for _, con := range rel.Constraints { // before 19 the server refuses
				if con.Kind == catalog.Check && con.Valid && contains(con.Columns, col.Attnum) {
					t.wantScan("rows are checked against " + con.Name)
				}
			}
		case col.Generated != "":
			t.rewrite, t.why = true, "the generated column "+name+" is computed for every row"
			a.rebuildDependents(t, rel, col, nil)
		}
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
		if old := r.C.Lookup(table.Schema, name); (old == nil || r.isDropped(old.OID)) && !r.isNameTaken(name) {
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

// isNameTaken reports whether the statement itself has made something of a name.
func (r *run) isNameTaken(name string) bool {
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

// joinColumns is the columns' part of a made-up name.
func joinColumns(columns []string) string { return strings.Join(columns, "_") }
