package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// functionName is the name of a function without its schema.
type functionName string

func (n functionName) hash() uint32 { return hash(2166136261, string(n)) }

// Called reports whether a trigger, a default, a generation expression or a
// check constraint may call a function of that name. It may say so of one that
// none calls any more.
func (c *Catalog) Called(name string) bool {
	_, ok := c.called.get(functionName(name))
	return ok || name == "nextval" // nextvalCall
}

// calls notes that a function is called.
func (f *fold) calls(name string) {
	if _, ok := f.called.get(functionName(name)); !ok {
		f.called = f.called.set(f.own, functionName(name), struct{}{})
	}
}

// callsIn notes the functions that an expression calls.
func (f *fold) callsIn(expr *pgparse.Node) {
	if expr == nil || expr.GetAConst() != nil {
		return
	}
	pgparse.Walk(expr, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok && len(call.GetFuncname()) > 0 {
			f.calls(str(call.GetFuncname()[len(call.GetFuncname())-1]))
		}
		return true
	})
}
