package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkFunctionReplace returns the server's refusal of CREATE OR REPLACE for a routine that keeps
// its arguments; nil if the server accepts it. The checks have the order of ProcedureCreate:
// the kind of routine, its result, the names of its input parameters and their defaults.
func (f *fold) checkFunctionReplace(old, fn *Function) *pgerror.Refusal {
	switch {
	case old.Kind != fn.Kind || old.Window != fn.Window:
		return pgerror.ReplaceKind.NewRefusal()
	case fn.Kind == "aggregate":
		return nil // its parameters are not kept
	case fn.Kind == "procedure" && (len(old.outParams()) > 0) != (len(fn.outParams()) > 0):
		return pgerror.ReplaceOutput.NewRefusal()
	case !f.hasSameResult(old, fn):
		return pgerror.ReplaceResult.NewRefusal()
	}
	if name := findRenamedInput(old, fn); name != "" {
		return pgerror.ReplaceName.NewRefusal(name)
	}
	if fn.Defaults < old.Defaults {
		return pgerror.ReplaceDefaults.NewRefusal()
	}
	return nil
}

// hasSameResult reports whether two functions return the same type; true if a type is not known.
func (f *fold) hasSameResult(a, b *Function) bool {
	if a.Kind != "procedure" {
		if a.ReturnsSet != b.ReturnsSet || !f.hasSameType(a.Returns, b.Returns) {
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
	return slices.EqualFunc(x, y, func(p, q Param) bool { return p.Name == q.Name && f.hasSameType(p.Type, q.Type) })
}

// hasSameType reports whether two types are the same; true if one of them is not known.
func (f *fold) hasSameType(a, b Type) bool {
	return !a.IsKnown() || !b.IsKnown() || isSameType(a, b) || !f.isTypeCertain(a) || !f.isTypeCertain(b)
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

// findRenamedInput returns the first named input parameter of old that fn renames or omits; ""
// for none.
func findRenamedInput(old, fn *Function) string {
	isOutput := func(p Param) bool { return !p.In }
	inputs := slices.DeleteFunc(slices.Clone(fn.Params), isOutput)
	for i, p := range slices.DeleteFunc(slices.Clone(old.Params), isOutput) {
		if p.Name != "" && (i >= len(inputs) || inputs[i].Name != p.Name) {
			return p.Name
		}
	}
	return ""
}

// checkFunctionForm records what the server refuses in CREATE FUNCTION for any schema.
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
	want := outputType(fn.outParams())
	switch {
	case s.GetReturnType() == nil && len(fn.outParams()) == 0:
		f.addProblem(true, pgerror.ResultMissing)
	case s.GetReturnType() != nil && !f.hasSameType(want, fn.Returns):
		f.addProblem(true, pgerror.ResultOfOutput, want.FormatFull())
	}
}
