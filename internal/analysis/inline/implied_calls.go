package inline

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Some functions run although no statement names them: functions of operators, casts,
// aggregates and operator classes, the checks of domains, the policies of tables, the
// queries of views. Choosing between several operators or casts of one name would need
// the types of all expressions. Here all of that name count, since only functions that
// change the schema matter, and hardly any does.

// recordImpliedCalls records what later statements may call without naming it.
func (in *Inliner) recordImpliedCalls(node *pgparse.Node) {
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
				in.addImpliedCall(kind+pgparse.LastText(s.GetDefnames()), d.GetDefElem().GetArg().GetTypeName().GetNames())
			}
		}
	case *pgparse.CreateCastStmt:
		in.addImpliedCall("type "+pgparse.LastText(s.GetTargettype().GetNames()), s.GetFunc().GetObjname())
		if s.GetContext() == pgparse.CoercionContext_COERCION_IMPLICIT { // in any expression
			in.addImpliedCall("type "+pgparse.LastText(s.GetSourcetype().GetNames()), s.GetFunc().GetObjname())
		}
	case *pgparse.CreateOpClassStmt:
		for _, x := range s.GetItems() {
			if f := x.GetCreateOpClassItem().GetName(); x.GetCreateOpClassItem().GetItemtype() == 2 { // OPCLASS_ITEM_FUNCTION
				in.addImpliedCall("type "+pgparse.LastText(s.GetDatatype().GetNames()), f.GetObjname())
				in.addImpliedCall("operator class "+pgparse.LastText(s.GetOpclassname()), f.GetObjname())
			}
		}
	}
}

func (in *Inliner) addImpliedCall(caller string, function []*pgparse.Node) {
	if len(function) == 0 {
		return
	}
	in.impliedCalls[caller] = append(in.impliedCalls[caller], qualifiedName(function))
}

func qualifiedName(list []*pgparse.Node) catalog.Name {
	schema, name := pgparse.SchemaAndName(list)
	return catalog.Name{Schema: schema, Name: name}
}

// readImpliedCalls examines the functions that an object calls without naming them.
func (w *firedCode) readImpliedCalls(caller string, depth int) {
	for _, name := range w.impliedCalls[caller] {
		w.readFunctionsNamed(name, caller, depth)
	}
}

// readOperator examines the functions of an expression's operators.
func (w *firedCode) readOperator(x *pgparse.A_Expr, depth int) {
	w.readImpliedCalls("operator "+pgparse.LastText(x.GetName()), depth)
	switch x.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN, pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN, pgparse.A_Expr_Kind_AEXPR_BETWEEN_SYM,
		pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		for _, name := range [...]string{"<", "<=", ">", ">="} {
			w.readImpliedCalls("operator "+name, depth)
		}
	}
}

// readType examines the functions that make a value of a type: its casts, and the checks of
// a domain.
func (w *firedCode) readType(t catalog.Type, depth int) {
	w.readImpliedCalls("type "+t.Name.Name, depth)
	for range maxCallDepth {
		u := w.catalog.Type(t.OID)
		if u == nil || u.Kind != catalog.Domain {
			return
		}
		for _, c := range u.Checks {
			w.readQuery(c.Expr, "domain "+u.Name.String(), depth+1)
		}
		w.readQuery(u.Default, "domain "+u.Name.String(), depth+1)
		t = u.Base
	}
}

// readRelation examines what reading or writing a relation calls besides the expressions of its
// columns, once per statement.
func (w *firedCode) readRelation(r *catalog.Relation, depth int) {
	if depth > maxCallDepth || w.readBefore[r.OID] {
		return
	}
	if w.readBefore == nil {
		w.readBefore = map[catalog.OID]bool{}
	}
	w.readBefore[r.OID] = true
	for _, c := range r.Columns {
		w.readType(c.Type, depth)
	}
	if r.RLS || r.ForceRLS {
		for _, p := range r.Policies {
			caller := "policy " + p.Name + " of " + r.Name.String()
			w.readQuery(p.Using, caller, depth+1)
			w.readQuery(p.Check, caller, depth+1)
		}
	}
	if r.View != nil {
		w.readQuery(r.View.Query, r.Kind.String()+" "+r.Name.String(), depth+1)
	}
}

// handleSettingUpdate handles the setting that an UPDATE of pg_settings changes.
func (w *firedCode) handleSettingUpdate(s *pgparse.UpdateStmt) {
	name, value, known, isSetting := pgparse.UpdatedSetting(s)
	if r, _ := w.catalog.Resolve(s.GetRelation()); !isSetting || r.OID != 0 && !r.Inferred {
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
