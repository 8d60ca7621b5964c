package pgparse

import "cmp"

// maxWalk limits the recursion over a tree: a chain of operators is nested as deep as it
// is long.
const maxWalk = 10_000

type walk struct {
	f     func(msg any) bool
	depth int
}

// Walk calls f for each node of a tree, parents first. msg is a pointer to the node's own
// type (*RangeVar, *ColumnRef, …), never *Node. If f returns false, the node's children
// are skipped. Nodes nested deeper than 10,000 levels are not visited.
func Walk(root any, f func(msg any) bool) {
	w := &walk{f: f}
	if n, ok := root.(*Node); ok {
		w.walkNode(n)
		return
	}
	w.visitMessage(root)
}

func (w *walk) walkNode(n *Node) {
	if n == nil {
		return
	}
	if msg := unwrap(n); msg != nil {
		w.visitMessage(msg)
	}
}

func (w *walk) walkNodes(list []*Node) {
	for _, n := range list {
		if name, ok := n.GetNode().(*Node_String_); ok {
			// Most items are names, which have no children.
			if w.depth < maxWalk {
				w.f(name.String_)
			}
			continue
		}
		w.walkNode(n)
	}
}

// visitField visits the message in a field that has a type of its own. isSet is
// false for a nil pointer, which an interface hides.
func (w *walk) visitField(msg any, isSet bool) {
	if isSet {
		w.visitMessage(msg)
	}
}

func (w *walk) visitMessage(msg any) {
	if w.depth >= maxWalk || !w.f(msg) {
		return
	}
	w.depth++
	w.children(msg)
	w.depth--
}

// Unwrap returns the statement or expression inside a node: *AlterTableStmt, *FuncCall,
// …; nil for an empty one.
func Unwrap(n *Node) any { return unwrap(n) }

// WrittenRelation returns the relation to which an INSERT, UPDATE, DELETE or MERGE writes; nil for other statements.
func WrittenRelation(n *Node) *RangeVar {
	return cmp.Or(n.GetInsertStmt().GetRelation(), n.GetUpdateStmt().GetRelation(), n.GetDeleteStmt().GetRelation(), n.GetMergeStmt().GetRelation())
}
