package opened

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Functions run that no statement calls by their names: those of operators, casts,
// aggregates and operator classes, the checks of domains, the policies of tables, the
// queries of views. Which of several operators or casts is meant takes the types of all
// expressions; here each of the name counts, as only those matter whose functions change
// the schema, and hardly any does.

// noteImplied takes in what later statements may call without its name.
func (o *Bodies) noteImplied(node *pgparse.Node) {
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.DefineStmt:
		var kind string
		switch s.GetKind() {
		case pgparse.ObjectType_OBJECT_OPERATOR:
			kind = "operator "
		case pgparse.ObjectType_OBJECT_AGGREGATE:
			kind = "aggregate "
		default:
			return
		}
		for _, d := range s.GetDefinition() {
			switch name := d.GetDefElem().GetDefname(); {
			case name == "procedure", name == "function", strings.HasSuffix(name, "func"):
				o.imply(kind+pgparse.Last(s.GetDefnames()), d.GetDefElem().GetArg().GetTypeName().GetNames())
			}
		}
	case *pgparse.CreateCastStmt:
		o.imply("type "+pgparse.Last(s.GetTargettype().GetNames()), s.GetFunc().GetObjname())
		if s.GetContext() == pgparse.CoercionContext_COERCION_IMPLICIT { // in any expression
			o.imply("type "+pgparse.Last(s.GetSourcetype().GetNames()), s.GetFunc().GetObjname())
		}
	case *pgparse.CreateOpClassStmt:
		for _, x := range s.GetItems() {
			if f := x.GetCreateOpClassItem().GetName(); x.GetCreateOpClassItem().GetItemtype() == 2 { // OPCLASS_ITEM_FUNCTION
				o.imply("type "+pgparse.Last(s.GetDatatype().GetNames()), f.GetObjname())
				o.imply("operator class "+pgparse.Last(s.GetOpclassname()), f.GetObjname())
			}
		}
	}
}

func (o *Bodies) imply(by string, function []*pgparse.Node) {
	if len(function) == 0 {
		return
	}
	o.implied[by] = append(o.implied[by], nameOf(function))
}

func nameOf(list []*pgparse.Node) catalog.Name {
	schema, name := pgparse.SchemaAndName(list)
	return catalog.Name{Schema: schema, Name: name}
}

// implies looks at the functions that something calls without their names.
func (w *fired) implies(by string, depth int) {
	for _, name := range w.implied[by] {
		w.named(name, by, depth)
	}
}

// operator looks at the functions of an expression's operators.
func (w *fired) operator(x *pgparse.A_Expr, depth int) {
	w.implies("operator "+pgparse.Last(x.GetName()), depth)
	switch x.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN, pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN, pgparse.A_Expr_Kind_AEXPR_BETWEEN_SYM, pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		for _, name := range [...]string{"<", "<=", ">", ">="} {
			w.implies("operator "+name, depth)
		}
	}
}

// typed looks at what it takes to make a value of a type: its casts, the checks of a
// domain.
func (w *fired) typed(t catalog.Type, depth int) {
	w.implies("type "+t.Name.Name, depth)
	for range maxFires {
		u := w.catalog.Type(t.OID)
		if u == nil || u.Kind != catalog.Domain {
			return
		}
		for _, c := range u.Checks {
			w.query(c.Expr, "domain "+u.Name.String(), depth+1)
		}
		w.query(u.Default, "domain "+u.Name.String(), depth+1)
		t = u.Base
	}
}

// read looks at what reading a relation, or writing to it, calls beside the
// expressions of its columns: once for a statement.
func (w *fired) read(r *catalog.Relation, depth int) {
	if depth > maxFires || w.looked[r.OID] {
		return
	}
	if w.looked == nil {
		w.looked = map[catalog.OID]bool{}
	}
	w.looked[r.OID] = true
	for _, c := range r.Columns {
		w.typed(c.Type, depth)
	}
	if r.RLS || r.ForceRLS {
		for _, p := range r.Policies {
			by := "policy " + p.Name + " of " + r.Name.String()
			w.query(p.Using, by, depth+1)
			w.query(p.Check, by, depth+1)
		}
	}
	if r.View != nil {
		w.query(r.View.Query, r.Kind.String()+" "+r.Name.String(), depth+1)
	}
}

// settings takes in what an UPDATE of pg_settings sets.
func (w *fired) settings(s *pgparse.UpdateStmt) {
	name, value, known, is := pgparse.Updated(s)
	if r, _ := w.catalog.Resolve(s.GetRelation()); !is || r.OID != 0 && !r.Inferred {
		return
	}
	if !known {
		w.hidden = append(w.hidden, "UPDATE of pg_settings")
		return
	}
	quote := strings.NewReplacer("'", "''")
	sql := "SELECT set_config('" + quote.Replace(name) + "', '" + quote.Replace(value) + "', false)"
	w.found = append(w.found, firedBody{"pg_settings_u", []pgparse.BlockStatement{{SQL: sql, Line: 1}}})
}
