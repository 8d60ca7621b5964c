package pgparse

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Clone is a deep copy of a tree. One of more than 10,000 nodes is not copied:
// Clone gives nil.
func Clone(n *Node) *Node {
	if n == nil || !small(n) {
		return nil
	}
	return proto.Clone(n).(*Node)
}

func small(n *Node) bool {
	count := 0
	Walk(n, func(any) bool {
		count++
		return count <= maxWalk
	})
	return count <= maxWalk
}

// Equal reports whether two trees are the same but for the locations in them.
// Trees of more than 10,000 nodes are never equal.
func Equal(a, b *Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return small(a) && small(b) && equal(a.ProtoReflect(), b.ProtoReflect())
}

func equal(a, b protoreflect.Message) bool {
	if a.Descriptor() != b.Descriptor() {
		return false
	}
	same := true
	fields := a.Descriptor().Fields()
	for i := 0; i < fields.Len() && same; i++ {
		fd := fields.Get(i)
		switch {
		case isLocation(fd.Name()):
		case a.Has(fd) != b.Has(fd):
			same = false
		case !a.Has(fd):
		case fd.IsList():
			x, y := a.Get(fd).List(), b.Get(fd).List()
			same = x.Len() == y.Len()
			for j := 0; j < x.Len() && same; j++ {
				if fd.Message() != nil {
					same = equal(x.Get(j).Message(), y.Get(j).Message())
				} else {
					same = x.Get(j).Equal(y.Get(j))
				}
			}
		case fd.Message() != nil:
			same = equal(a.Get(fd).Message(), b.Get(fd).Message())
		default:
			same = a.Get(fd).Equal(b.Get(fd))
		}
	}
	return same
}

// isLocation tells the fields that hold places in the text.
func isLocation(name protoreflect.Name) bool {
	switch name {
	case "location", "stmt_location", "stmt_len", "rexpr_list_start", "rexpr_list_end":
		return true
	}
	return false
}
