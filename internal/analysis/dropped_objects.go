package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// DroppedObject is an object that a DROP names.
type DroppedObject struct {
	// Name is the name as written; the schema may be "".
	catalog.Name
	Node *pgparse.Node
}

// ListDropped lists what a DROP of one of the kinds names.
func ListDropped(n *pgparse.Node, kinds ...pgparse.ObjectType) []DroppedObject {
	d := n.GetDropStmt()
	if d == nil || !slices.Contains(kinds, d.GetRemoveType()) {
		return nil
	}
	out := make([]DroppedObject, 0, len(d.GetObjects()))
	for _, n := range d.GetObjects() {
		parts := n.GetList().GetItems()
		switch {
		case n.GetTypeName() != nil:
			parts = n.GetTypeName().GetNames()
		case n.GetObjectWithArgs() != nil:
			parts = n.GetObjectWithArgs().GetObjname()
		case n.GetString_() != nil:
			parts = []*pgparse.Node{n}
		}
		if len(parts) == 0 {
			continue
		}
		o := DroppedObject{Node: n}
		o.Schema, o.Name.Name = pgparse.SchemaAndName(parts)
		out = append(out, o)
	}
	return out
}

// DropsByName reports whether a statement is a DROP of one of the kinds that names the relation,
// and does not take it along.
func DropsByName(n *pgparse.Node, name catalog.Name, kinds ...pgparse.ObjectType) bool {
	return slices.ContainsFunc(ListDropped(n, kinds...), func(o DroppedObject) bool { return o.Name.Name == name.Name })
}
