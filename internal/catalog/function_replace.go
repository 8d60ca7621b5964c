package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkReplace is what the server has against CREATE OR REPLACE of a routine that
// keeps its arguments, in the order of ProcedureCreate: the kind of routine, its
// result, the names of its input parameters and their defaults; nil when it
// has nothing.
func (f *fold) checkReplace(old, fn *Function) *pgerror.Refusal {
	switch {
	case old.Kind != fn.Kind || old.Window != fn.Window:
		return pgerror.ReplaceKind.NewRefusal()
	case fn.Kind == "aggregate":
		return nil // its parameters are not kept
	case fn.Kind == "procedure" && (len(old.outParams()) > 0) != (len(fn.outParams()) > 0):
		return pgerror.ReplaceOutput.NewRefusal()
	case !f.sameResult(old, fn):
		return pgerror.ReplaceResult.NewRefusal()
	}
	if name := renamedInput(old, fn); name != "" {
		return pgerror.ReplaceName.NewRefusal(name)
	}
	if fn.Defaults < old.Defaults {
		return pgerror.ReplaceDefaults.NewRefusal()
	}
	return nil
}

// sameResult reports whether two functions give the same, or that is not known.
func (f *fold) sameResult(a, b *Function) bool {
	if a.Kind != "procedure" {
		if a.ReturnsSet != b.ReturnsSet || !f.oneResult(a.Returns, b.Returns) {
			return false
		}
		if r := b.Returns.Name; r.Schema != "pg_catalog" || r.Name != "record" {
			return true
		}
	}
	// A row of the output parameters: their names are its columns'.
	x, y := a.outParams(), b.outParams()
	if a.Kind != "procedure" && (len(x) < 2 || len(y) < 2) {
		return len(x) < 2 && len(y) < 2
	}
	return slices.EqualFunc(x, y, func(p, q Param) bool { return p.Name == q.Name && f.oneResult(p.Type, q.Type) })
}

// oneResult reports whether two types are one, or that is not known.
func (f *fold) oneResult(a, b Type) bool {
	return !a.IsKnown() || !b.IsKnown() || oneType(a, b) || !f.isTypeCertain(a) || !f.isTypeCertain(b)
}

// isTypeCertain reports whether a type is certain to be the one that its name says:
// a builtin one, or one that was seen created.
func (f *fold) isTypeCertain(t Type) bool {
	if t.OID == 0 {
		return t.Name.Schema == "pg_catalog"
	}
	u := f.Type(t.OID)
	return u == nil && f.Relation(t.OID) != nil || u != nil && !u.Inferred
}

// renamedInput is an input parameter of a function that has another name, or none,
// in another one; "" when there is no such.
func renamedInput(old, fn *Function) string {
	in := func(p Param) bool { return !p.In }
	names := slices.DeleteFunc(slices.Clone(fn.Params), in)
	for i, p := range slices.DeleteFunc(slices.Clone(old.Params), in) {
		if p.Name != "" && (i >= len(names) || names[i].Name != p.Name) {
			return p.Name
		}
	}
	return ""
}

// checkFunctionForm is what CREATE FUNCTION refuses whatever the schema is.
func (f *fold) checkFunctionForm(s *pgparse.CreateFunctionStmt, fn *Function) {
	if fn.Language == "" {
		f.addProblem(true, pgerror.NoLanguage)
		return
	}
	defaults, variadic := false, false
	for i, n := range s.GetParameters() {
		par, p := n.GetFunctionParameter(), fn.Params[i]
		switch {
		case !p.In && par.GetDefexpr() != nil:
			f.addProblem(true, pgerror.DefaultOfOutput)
		case p.In && defaults && par.GetDefexpr() == nil:
			f.addProblem(true, pgerror.DefaultMissing)
		case p.In && variadic:
			f.addProblem(true, pgerror.VariadicNotLast)
		case p.Name != "" && slices.ContainsFunc(fn.Params[:i], func(o Param) bool {
			return o.Name == p.Name && (o.In && p.In || o.Out && p.Out)
		}):
			f.addProblem(true, pgerror.ParameterTwice, p.Name)
		}
		if f.failed {
			return
		}
		defaults = defaults || par.GetDefexpr() != nil
		variadic = variadic || par.GetMode() == pgparse.FunctionParameterMode_FUNC_PARAM_VARIADIC
	}
	if fn.Kind == "procedure" {
		return
	}
	want := resultOf(fn.outParams())
	switch {
	case s.GetReturnType() == nil && len(fn.outParams()) == 0:
		f.addProblem(true, pgerror.ResultMissing)
	case s.GetReturnType() != nil && !f.oneResult(want, fn.Returns):
		f.addProblem(true, pgerror.ResultOfOutput, want.FormatFull())
	}
}
