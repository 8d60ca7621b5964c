package pgparse

import (
	"fmt"
	"hash/fnv"
	"io"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Shape names a tree by what is in it but for its locations: trees that are
// [Equal] have one shape. "" for one of more than 10,000 nodes.
func Shape(n *Node) string {
	if n == nil || !small(n) {
		return ""
	}
	h := fnv.New64a()
	shape(h, n.ProtoReflect())
	return fmt.Sprintf("#%016x", h.Sum64())
}

// ShapeOf is Shape of what Walk visits.
func ShapeOf(msg any) string {
	m, is := msg.(protoreflect.ProtoMessage)
	if !is || !smaller(msg) {
		return ""
	}
	h := fnv.New64a()
	shape(h, m.ProtoReflect())
	return fmt.Sprintf("#%016x", h.Sum64())
}

func shape(w io.Writer, m protoreflect.Message) {
	fmt.Fprintf(w, "%s{", m.Descriptor().Name())
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if isLocation(fd.Name()) || !m.Has(fd) {
			continue
		}
		fmt.Fprintf(w, "%d:", fd.Number())
		one := func(v protoreflect.Value) {
			if fd.Message() != nil {
				shape(w, v.Message())
			} else {
				fmt.Fprintf(w, "%q,", v.String())
			}
		}
		if !fd.IsList() {
			one(m.Get(fd))
			continue
		}
		list := m.Get(fd).List()
		fmt.Fprintf(w, "[%d", list.Len())
		for j := range list.Len() {
			one(list.Get(j))
		}
	}
	io.WriteString(w, "}")
}
