package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Alteration is an ALTER TABLE in progress: its checker's schema is the one that the current command finds.
type Alteration struct {
	*Checker
	// Rel is the altered relation as the current command finds it.
	Rel *catalog.Relation
	// Recurse: the statement has no ONLY, so it reaches the children.
	Recurse bool

	commands *catalog.Commands
	original *catalog.Relation
	// current is the command's place in the list; the schema has it if applied.
	current int
	applied bool
	// added are the columns that the statement has added.
	added []string
}

// NewAlteration returns an ALTER TABLE before its first command; nil if the relation does not exist.
func (q *Checker) NewAlteration(s *pgparse.AlterTableStmt) *Alteration {
	rv := s.GetRelation()
	rel := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.KindOfObject(s.GetObjtype()), s.GetMissingOk())
	if rel == nil {
		return nil
	}
	if q.Commands == nil || q.Commands.Statement != s || q.Commands.Start != q.C {
		q.Commands = catalog.NewCommands(q.C, s)
	}
	return &Alteration{Checker: q, Rel: rel, Recurse: rv.GetInh(), commands: q.Commands, original: rel}
}

// EachCommand calls visit with each command in the order of execution, until it returns false. Each finds the schema that the earlier
// ones have made. Afterwards the schema is the one before the statement.
func (a *Alteration) EachCommand(visit func(cmd *pgparse.AlterTableCmd) bool) {
	list := a.commands.List
	for a.current = range list {
		a.applied = false
		if !visit(list[a.current]) {
			break
		}
		if a.current+1 < len(list) {
			a.applyCommand()
		}
	}
	a.C, a.Rel = a.commands.Start, a.original
}

// applyCommand makes the changes of the current command visible, unless they are.
func (a *Alteration) applyCommand() {
	if a.applied {
		return
	}
	a.applied = true
	cmd := a.commands.List[a.current]
	if name := cmd.GetDef().GetColumnDef().GetColname(); cmd.GetSubtype() == pgparse.AlterTableType_AT_AddColumn && !a.HasColumn(name) {
		a.added = append(a.added, name)
	}
	a.C = a.commands.SchemaAfter(a.current)
	rel := a.C.Relation(a.Rel.OID)
	if rel == nil { // it was not seen before the statement
		rel = a.C.Lookup(a.Rel.Name.Schema, a.Rel.Name.Name)
	}
	if rel != nil {
		a.Rel = rel
	}
}

// IsNew reports whether the statement has made a relation, or was the first to name it.
func (a *Alteration) IsNew(oid catalog.OID) bool { return a.commands.Start.Relation(oid) == nil }

// Original returns a relation as it was before the statement; the given one if it is new.
func (a *Alteration) Original(rel *catalog.Relation) *catalog.Relation {
	if rel == a.Rel {
		return a.original
	}
	if old := a.commands.Start.Relation(rel.OID); old != nil {
		return old
	}
	return rel
}

// IsNewColumn reports whether the statement has added a column.
func (a *Alteration) IsNewColumn(name string) bool { return contains(a.added, name) }

// ViewsReading returns the views that read a column.
func ViewsReading(c *catalog.Catalog, rel *catalog.Relation, col *catalog.Column) []*catalog.Relation {
	return slices.DeleteFunc(c.RelationsByOID(rel.Dependents), func(v *catalog.Relation) bool {
		return v.View == nil || !contains(v.View.Columns[rel.OID], col.Attnum)
	})
}

// HasColumn reports whether the table certainly has the column to be added.
func (a *Alteration) HasColumn(name string) bool {
	col, known := a.FindColumn(a.Rel, name)
	return col != nil && known
}

// typeOfColumn returns the type of a column; an unknown type if it was not seen.
func (a *Alteration) typeOfColumn(name string) catalog.Type {
	if col := a.Rel.Column(name); col != nil && !col.Inferred {
		return col.Type
	}
	return catalog.Type{}
}
