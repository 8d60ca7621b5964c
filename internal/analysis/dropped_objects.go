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
		if parts := nameParts(n); len(parts) > 0 {
			o := DroppedObject{Node: n}
			o.Schema, o.Name.Name = pgparse.SchemaAndName(parts)
			out = append(out, o)
		}
	}
	return out
}

// nameParts returns the parts of the name of a dropped object.
func nameParts(n *pgparse.Node) []*pgparse.Node {
	switch {
	case n.GetTypeName() != nil:
		return n.GetTypeName().GetNames()
	case n.GetObjectWithArgs() != nil:
		return n.GetObjectWithArgs().GetObjname()
	case n.GetString_() != nil:
		return []*pgparse.Node{n}
	}
	return n.GetList().GetItems()
}

// DropsByName reports whether a statement is a DROP of one of the kinds that names the relation,
// and does not take it along.
func DropsByName(n *pgparse.Node, name catalog.Name, kinds ...pgparse.ObjectType) bool {
	d := n.GetDropStmt()
	return slices.Contains(kinds, d.GetRemoveType()) && slices.ContainsFunc(d.GetObjects(), func(n *pgparse.Node) bool {
		return pgparse.ClipName(pgparse.LastText(nameParts(n))) == name.Name
	})
}
