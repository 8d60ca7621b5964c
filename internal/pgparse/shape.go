package pgparse

import (
	"fmt"
	"hash/fnv"
	"io"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// ShapeKey returns a key for the content of a tree without its locations: trees that are
// [Equal] have the same shape. It returns "" for a tree of more than 10,000 nodes.
func ShapeKey(n *Node) string {
	if n == nil || !isSmallTree(n) {
		return ""
	}
	h := fnv.New64a()
	writeShape(h, n.ProtoReflect())
	return fmt.Sprintf("#%016x", h.Sum64())
}

// ShapeOf is ShapeKey for any message that Walk accepts.
func ShapeOf(msg any) string {
	m, ok := msg.(protoreflect.ProtoMessage)
	if !ok || !isSmallMessage(msg) {
		return ""
	}
	h := fnv.New64a()
	writeShape(h, m.ProtoReflect())
	return fmt.Sprintf("#%016x", h.Sum64())
}

func writeShape(w io.Writer, m protoreflect.Message) {
	fmt.Fprintf(w, "%s{", m.Descriptor().Name())
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if isLocation(fd.Name()) || !m.Has(fd) {
			continue
		}
		fmt.Fprintf(w, "%d:", fd.Number())
		writeValue := func(v protoreflect.Value) {
			if fd.Message() != nil {
				writeShape(w, v.Message())
			} else {
				fmt.Fprintf(w, "%q,", v.String())
			}
		}
		if !fd.IsList() {
			writeValue(m.Get(fd))
			continue
		}
		list := m.Get(fd).List()
		fmt.Fprintf(w, "[%d", list.Len())
		for j := range list.Len() {
			writeValue(list.Get(j))
		}
	}
	io.WriteString(w, "}")
}
