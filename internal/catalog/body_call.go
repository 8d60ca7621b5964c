package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// FindCall returns the first place that calls a function by its name. It prefers a place that
// each call of the body reaches and whose errors the body does not handle. It passes over calls that counts, which may be nil, rejects.
func (b *Body) FindCall(fn Name, counts func(*pgparse.FuncCall) bool) (best Mention, found bool) {
	if b == nil || !b.HasCallOf(fn.Name) {
		return Mention{}, false
	}
	for i := range b.parts {
		p := &b.parts[i]
		if !callsFunction(p.node, fn, counts) {
			continue
		}
		next := Mention{Text: p.text, Sure: true, Maybe: p.maybe, Caught: p.caught}
		if !found || next.rank() > best.rank() {
			best, found = next, true
		}
	}
	return best, found
}

// callsFunction reports whether a statement calls a function, with its schema or without.
func callsFunction(n *pgparse.Node, fn Name, counts func(*pgparse.FuncCall) bool) bool {
	found := false
	pgparse.Walk(n, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok {
			schema, name := pgparse.SchemaAndName(call.GetFuncname())
			found = found || name == fn.Name && (schema == "" || schema == fn.Schema) && (counts == nil || counts(call))
		}
		return !found
	})
	return found
}
