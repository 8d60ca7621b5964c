package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropFunction drops a function, and with CASCADE the objects that depend on it.
func (f *fold) dropFunction(o *pgparse.ObjectWithArgs, kind pgparse.ObjectType, cascade, missingOK bool) {
	name, list, index := f.findFunction(o)
	if index < 0 {
		switch {
		case o.GetArgsUnspecified() && len(list) > 1:
			f.addProblem(f.isHistoryComplete(), pgerror.RoutineAmbiguous, name.Name)
		case missingOK || !f.isMissing("function", name) || len(list) > 0 && !f.isHistoryComplete():
		case o.GetArgsUnspecified():
			f.addProblem(true, pgerror.RoutineMissingNamed, ObjectWord(kind), name.Name)
		default:
			args := Function{Name: name}
			for _, a := range o.GetObjargs() {
				args.Args = append(args.Args, f.TypeOf(a.GetTypeName()))
			}
			f.addProblem(true, pgerror.RoutineMissing, ObjectWord(kind), args.Signature())
		}
		return
	}
	if no := list[index].refuseDropAs(kind); no != nil {
		if f.addRefusal(f.isHistoryComplete(), no); f.failed {
			return
		}
	}
	if !f.dropCallersOrRefuse(f.newCallee(name, list, index), cascade) {
		return
	}
	list = slices.Delete(slices.Clone(list), index, index+1)
	if len(list) == 0 {
		f.markDropped("function", name)
	}
	f.setFunctions(name, list)
}

// refuseDropAs returns the server's refusal of a DROP that names another kind of routine; nil
// if it accepts it.
func (fn *Function) refuseDropAs(kind pgparse.ObjectType) *pgerror.Refusal {
	switch {
	case kind == pgparse.ObjectType_OBJECT_FUNCTION && fn.Kind == "aggregate":
		return pgerror.IsAggregate.NewRefusal(fn.Name.Name)
	case kind == pgparse.ObjectType_OBJECT_FUNCTION && fn.Kind == "procedure":
		return pgerror.NotFunction.NewRefusal(fn.Signature())
	case kind == pgparse.ObjectType_OBJECT_PROCEDURE && fn.Kind != "procedure":
		return pgerror.NotProcedure.NewRefusal(fn.Signature())
	case kind == pgparse.ObjectType_OBJECT_AGGREGATE && fn.Kind != "aggregate":
		return pgerror.NotAggregate.NewRefusal(fn.Signature())
	}
	return nil
}

// dropCallersOrRefuse sees to what calls a function; false when it forbids the drop.
func (f *fold) dropCallersOrRefuse(x *callee, cascade bool) bool {
	users := x.listSureCallers()
	domains, operators := x.listDomains(), f.operatorsCalling(x.fn.OID)
	if (len(users) > 0 || len(domains) > 0 || len(operators) > 0) && !cascade {
		word := x.fn.Kind
		if word == "aggregate" {
			word = "function"
		}
		f.addConflict(true, pgerror.HasDependents, word, strings.ReplaceAll(x.fn.Signature(), ", ", ","))
		if len(users) == 1 && len(domains)+len(operators) == 0 {
			f.markGeneratedOnly(x.findGeneratedColumn(users[0].Relation))
		}
		if f.failed {
			return false
		}
	}
	for _, name := range operators {
		f.removeObject("operator", name)
	}
	f.dropCallers(x, users, domains)
	return true
}

// dropCallers drops what calls a function: whole relations, or parts of relations and domains.
func (f *fold) dropCallers(x *callee, users []Caller, domains []*UserType) {
	for _, u := range users {
		if u.Whole {
			f.dropRelation(u.Relation.OID)
		} else if r := f.editRelation(u.Relation.OID); r != nil {
			f.dropCalls(r, x)
		}
	}
	for _, u := range domains {
		if x.isSurelyCalledIn(u.Default) { // the default of a domain is no object of its own
			f.dropUserType(u)
			continue
		}
		f.changeType(u.OID, func(u *UserType) {
			u.Checks = slices.DeleteFunc(slices.Clone(u.Checks), func(c *Constraint) bool { return x.isSurelyCalledIn(c.Expr) })
		})
	}
}

// findGeneratedColumn returns the generated column whose expression calls a function; "" if
// there is none, or if another part of the relation calls it, too.
func (x *callee) findGeneratedColumn(r *Relation) string {
	rest, generated := *r, ""
	rest.Columns = slices.Clone(r.Columns)
	for i, c := range r.Columns {
		if x.isSurelyCalledIn(c.GeneratedExpr) {
			col := *c
			col.GeneratedExpr, rest.Columns[i] = nil, &col
			generated = "column " + c.Name + " of " + r.Name.String()
		}
	}
	if other, _ := x.describeCaller(&rest); other.Sure {
		return ""
	}
	return generated
}

func (x *callee) isSurelyCalledIn(expr *pgparse.Node) bool {
	_, sure := x.isCalledIn(expr)
	return sure
}

// dropCalls drops the triggers, defaults, generated columns, checks and policies
// of a relation that call a function.
func (f *fold) dropCalls(r *Relation, x *callee) {
	r.Triggers = slices.DeleteFunc(slices.Clone(r.Triggers), func(t *Trigger) bool { return x.isFiredBy(t) || x.isSurelyCalledIn(t.When) })
	if slices.ContainsFunc(r.Policies, func(p *Policy) bool { return x.isSurelyCalledIn(p.Using) || x.isSurelyCalledIn(p.Check) }) {
		r.copyRare().Policies = slices.DeleteFunc(slices.Clone(r.Policies),
			func(p *Policy) bool { return x.isSurelyCalledIn(p.Using) || x.isSurelyCalledIn(p.Check) })
	}
	for _, c := range slices.Clone(r.Constraints) {
		if c.Kind == Check && x.isSurelyCalledIn(c.Expr) {
			f.forgetConstraint(r, c)
		}
	}
	for _, c := range slices.Clone(r.Columns) {
		switch {
		case x.isSurelyCalledIn(c.GeneratedExpr):
			f.dropColumn(r, c.Name, true, true, false)
		case x.isSurelyCalledIn(c.Default):
			e := r.editColumn(c.Attnum)
			e.Default, e.DefaultText, e.Takes = nil, "", 0
		}
	}
}
