package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// DroppedObject is something that a DROP names.
type DroppedObject struct {
	// Name as written: the schema may be "".
	catalog.Name
	Node *pgparse.Node
}

// Drops lists what a DROP of one of the kinds names. It is empty for a
// statement whose transaction is rolled back.
func (s *Stmt) Drops(kinds ...pgparse.ObjectType) []DroppedObject {
	d := s.Node.GetDropStmt()
	if d == nil || !slices.Contains(kinds, d.GetRemoveType()) || s.Tx.RolledBack {
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
		o.Name.Name = parts[len(parts)-1].GetString_().GetSval()
		if len(parts) > 1 {
			o.Schema = parts[len(parts)-2].GetString_().GetSval()
		}
		out = append(out, o)
	}
	return out
}

// IfExists reports whether a DROP says IF EXISTS.
func (s *Stmt) IfExists() bool { return s.Node.GetDropStmt().GetMissingOk() }
