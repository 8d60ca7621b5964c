package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// checkAddColumn checks ADD COLUMN.
func (a *Alteration) checkAddColumn(cmd *pgparse.AlterTableCmd) {
	def := cmd.GetDef().GetColumnDef()
	name := def.GetColname()
	if a.HasColumn(name) {
		return
	}
	n, typ := ReadColumn(def), a.C.TypeOf(def.GetTypeName())
	if !a.checkAcceptsColumn() || !a.requireType(typ) {
		return
	}
	a.refuseNewerSyntax(n.Default)
	if !a.checkColumnDefinition(&n, typ) {
		return
	}
	var filled []*catalog.Relation
	a.VisitColumnChildren(name, func(rel *catalog.Relation, existing *catalog.Column) {
		switch {
		case existing == nil:
			if a.fillsRows(rel, &n, typ) {
				filled = append(filled, rel)
			}
		case typ.IsKnown() && existing.Type.IsKnown() && !existing.Inferred && !SameType(typ, existing.Type):
			a.RecordRefusal(pgerror.ChildType, rel.Name.Name, existing.Name)
		}
	})
	if len(n.Keys)+len(n.ForeignKeys) > 0 {
		a.applyCommand() // they find the new column
	}
	for _, con := range n.Keys {
		if !a.checkAddKey(con, []string{name}) {
			return
		}
	}
	for _, rel := range filled {
		a.checkRowTypeUse(rel)
	}
	for _, con := range n.ForeignKeys {
		a.checkAddForeignKey(con, []string{name})
	}
	if a.Rel.Kind == catalog.CompositeType {
		a.checkTypedTables(cmd.GetBehavior(), nil)
	}
}

// checkAcceptsColumn refuses a new column where the server does.
func (a *Alteration) checkAcceptsColumn() bool {
	switch {
	case a.Rel.OfType != 0:
		a.RecordRefusal(pgerror.ColumnToTyped)
	case a.Rel.Parent != 0:
		a.RecordRefusal(pgerror.ColumnToPartition)
	case !a.Recurse && a.Rel.HasKids():
		a.RecordRefusal(pgerror.ColumnOnlyHere)
	default:
		return true
	}
	return false
}

// checkColumnDefinition refuses a column definition that the server refuses, whatever the
// rows are.
func (a *Alteration) checkColumnDefinition(n *NewColumn, typ catalog.Type) bool {
	for _, con := range n.Checks {
		if !a.requireNoSubquery(con) {
			return false
		}
	}
	name := n.Def.GetColname()
	switch {
	case isSystemColumn(name):
		a.RecordRefusal(pgerror.ColumnSystemName, name)
	case !a.checkCollation(n.Def):
	case n.Generated == "virtual" && !a.V.AtLeast(18):
		a.RecordRefusal(pgerror.SyntaxAt, "VIRTUAL")
	case n.Def.GetCompression() != "" && !a.V.AtLeast(14):
		a.RecordRefusal(pgerror.SyntaxAt, "COMPRESSION")
	case n.Def.GetStorageName() != "" && !a.V.AtLeast(16):
		a.RecordRefusal(pgerror.SyntaxAt, "STORAGE")
	case n.enforcement && !a.V.AtLeast(18):
		a.RecordRefusal(pgerror.SyntaxAt, "ENFORCED")
	case n.Generated == "virtual" && !a.checkVirtualColumn(n, typ):
	case n.Generated != "":
		return a.checkGenerationExpr(n.Default)
	case n.Identity != "" && a.Recurse && a.Rel.HasKids() && (a.Rel.Kind != catalog.PartitionedTable || !a.V.AtLeast(17)):
		a.RecordRefusal(pgerror.IdentityToChildren)
	case n.Default != nil && pgparse.HasNode[*pgparse.ColumnRef](n.Default):
		a.RecordRefusal(pgerror.ColumnDefault)
	case n.Default != nil && pgparse.HasNode[*pgparse.SubLink](n.Default):
		a.RecordRefusal(pgerror.SubqueryDefault)
	default:
		return true
	}
	return false
}

// checkVirtualColumn refuses what a virtual column cannot have.
func (a *Alteration) checkVirtualColumn(n *NewColumn, typ catalog.Type) bool {
	switch {
	case len(n.Keys) > 0:
		a.RecordRefusal(pgerror.VirtualConstraint, keyWord(n.Keys[0]))
	case a.DomainOf(typ) != nil:
		a.RecordRefusal(pgerror.VirtualDomain, n.Def.GetColname())
	case a.checkVirtualExpr(typ, n.Default) != nil:
		a.KeepRefusal(a.checkVirtualExpr(typ, n.Default))
	case len(n.ForeignKeys) > 0:
		a.RecordRefusal(pgerror.VirtualConstraint, "foreign key")
	default:
		return true
	}
	return false
}

// checkGenerationExpr refuses an expression that cannot generate a column.
func (a *Alteration) checkGenerationExpr(expr *pgparse.Node) bool {
	if !a.mayIndex(expr, a.typeOfColumn) {
		a.RecordRefusal(pgerror.GenerationMutable)
		return false
	}
	for _, col := range a.Rel.Columns {
		if col.Generated != "" && MentionsColumn(expr, col.Name) {
			a.RecordRefusal(pgerror.GenerationGenerated, col.Name)
			return false
		}
	}
	return true
}

// VisitColumnChildren goes through the tables that a new column reaches. existing is the column of
// that name that a child has already: the server only marks it as inherited, and does not visit the
// child's own children.
func (a *Alteration) VisitColumnChildren(name string, visit func(rel *catalog.Relation, existing *catalog.Column)) {
	a.visitInheritanceTree(func(rel *catalog.Relation, kids func()) {
		var existing *catalog.Column
		if rel != a.Rel {
			existing = rel.Column(name)
		}
		if visit(rel, existing); existing == nil {
			kids()
		}
	})
}

// visitInheritanceTree goes through the table and those that inherit from it, each once: a child may
// have two parents here. visit calls kids to go on below a table.
func (a *Alteration) visitInheritanceTree(visit func(rel *catalog.Relation, kids func())) {
	seen := map[catalog.OID]bool{}
	var descend func(*catalog.Relation)
	descend = func(rel *catalog.Relation) {
		if seen[rel.OID] {
			return
		}
		seen[rel.OID] = true
		visit(rel, func() {
			for _, k := range a.C.ListChildren(rel) {
				descend(k)
			}
		})
	}
	descend(a.Rel)
}

// fillsRows reports whether a new column gives the rows of a table new values.
func (a *Alteration) fillsRows(rel *catalog.Relation, n *NewColumn, typ catalog.Type) bool {
	dom := a.DomainOf(typ)
	switch {
	case n.Generated == "virtual" || !HasStorage(rel):
		return false
	case n.Generated == "" && (n.Default != nil && !predicate.IsNull(n.Default) || n.Default == nil && dom != nil && dom.Default != nil):
		return true
	}
	return n.Generated != "" || n.Serial || n.Identity != "" || dom != nil && a.IsConstrained(dom)
}

// HasStorage reports whether a relation has a file of its own.
func HasStorage(rel *catalog.Relation) bool {
	return rel.Kind != catalog.PartitionedTable && rel.Kind != catalog.PartitionedIndex &&
		rel.Kind != catalog.View && rel.Kind != catalog.ForeignTable && rel.Kind != catalog.CompositeType
}

// checkRowTypeUse refuses to give the rows of a table new values, even without a
// rewrite, where a column somewhere else holds rows of it.
func (a *Alteration) checkRowTypeUse(rel *catalog.Relation) bool {
	user := ""
	a.C.EachOfType(rel.OID, func(other *catalog.Relation, c *catalog.Column) {
		if user == "" && (other.Kind == catalog.Table || other.Kind == catalog.MaterializedView) {
			user = other.Name.Name + "." + c.Name
		}
	})
	if user == "" {
		return true
	}
	a.RecordRefusal(pgerror.RetypeRowUsed, rel.Name.Name, user)
	return false
}

// MentionsColumn reports whether an expression names a column.
func MentionsColumn(expr *pgparse.Node, name string) bool {
	found := false
	if expr == nil {
		return false
	}
	pgparse.Walk(expr, func(m any) bool {
		if ref, ok := m.(*pgparse.ColumnRef); ok {
			if f := ref.GetFields(); len(f) > 0 && pgparse.StringText(f[len(f)-1]) == name {
				found = true
			}
		}
		return !found
	})
	return found
}
