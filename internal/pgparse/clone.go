package pgparse

import "google.golang.org/protobuf/proto"

// Clone is a deep copy of a tree. A tree deeper than Walk goes, or with more
// than 10,000 nodes, is not copied: Clone gives nil.
func Clone(n *Node) *Node {
	count := 0
	Walk(n, func(any) bool {
		count++
		return count <= maxWalk
	})
	if count > maxWalk || n == nil {
		return nil
	}
	return proto.Clone(n).(*Node)
}
