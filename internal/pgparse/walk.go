package pgparse

// maxWalk bounds the recursion over a tree: a chain of operators nests as deep
// as it is long.
const maxWalk = 10_000

type walk struct {
	f     func(msg any) bool
	depth int
}

// Walk calls f for each node of a tree, parents first: msg is a pointer to the
// node's own type (*RangeVar, *ColumnRef, …), never *Node. When f returns
// false the node's children are left out. Nodes nested deeper than 10,000
// levels are not visited.
func Walk(root any, f func(msg any) bool) {
	w := &walk{f: f}
	if n, ok := root.(*Node); ok {
		w.node(n)
		return
	}
	w.visit(root)
}

func (w *walk) node(n *Node) {
	if n == nil {
		return
	}
	if msg := unwrap(n); msg != nil {
		w.visit(msg)
	}
}

func (w *walk) visit(msg any) {
	if w.depth >= maxWalk || !w.f(msg) {
		return
	}
	w.depth++
	w.children(msg)
	w.depth--
}

// Unwrap is the statement or expression inside a node: *AlterTableStmt,
// *FuncCall, …; nil for an empty one.
func Unwrap(n *Node) any { return unwrap(n) }
