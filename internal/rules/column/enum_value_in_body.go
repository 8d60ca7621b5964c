package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// bodyUsesEnumValue reports whether CREATE FUNCTION reads a value of an enum: in a body in
// SQL, which the server looks into at once, as it does not into others.
func bodyUsesEnumValue(s *rule.Stmt, fn *catalog.Function, typ *catalog.UserType, value string) bool {
	if fn == nil || typ == nil || fn.Language != "sql" || !s.ReadsBodies() {
		return false
	}
	nodes := []*pgparse.Node{s.Node.GetCreateFunctionStmt().GetSqlBody()}
	if fn.Body != "" {
		file, err := pgparse.SplitText(fn.Body)
		if err != nil {
			return false
		}
		for i := range file.Stmts {
			nodes = append(nodes, file.Stmts[i].Node)
		}
	}
	return slices.ContainsFunc(nodes, func(n *pgparse.Node) bool {
		return n != nil && usesValue(n, value) && readsEnumValue(n, namesOfType(s.After, fn, n, typ), typ, value)
	})
}

// findCreatedFunction returns the function that a statement creates; nil when it creates none.
func findCreatedFunction(s *rule.Stmt) *catalog.Function {
	if s.Node.GetCreateFunctionStmt() == nil {
		return nil
	}
	schema, name := pgparse.SchemaAndName(s.Node.GetCreateFunctionStmt().GetFuncname())
	list := s.After.Functions(schema, name)
	if i := slices.IndexFunc(list, func(f *catalog.Function) bool { return f.Source == s.SQL }); i >= 0 {
		return list[i]
	}
	return nil
}

// namesOfType are the names that stand for something of the type in a body: parameters,
// and columns of the tables that it names.
func namesOfType(c *catalog.Catalog, fn *catalog.Function, body *pgparse.Node, typ *catalog.UserType) []string {
	var out []string
	for _, p := range fn.Params {
		if p.Type.OID == typ.OID {
			out = append(out, p.Name)
		}
	}
	pgparse.Walk(body, func(msg any) bool {
		if rv, ok := msg.(*pgparse.RangeVar); ok {
			if r, _ := c.Resolve(rv); r != nil {
				for _, col := range r.Columns {
					if col.Type.OID == typ.OID {
						out = append(out, col.Name)
					}
				}
			}
		}
		return true
	})
	return out
}

// readsEnumValue reports whether the value is read as one of the type: cast to it, or
// held against one of the names.
func readsEnumValue(body *pgparse.Node, names []string, typ *catalog.UserType, value string) bool {
	includesColumn := func(list ...*pgparse.Node) bool {
		return slices.ContainsFunc(list, func(n *pgparse.Node) bool {
			fields := n.GetColumnRef().GetFields()
			return len(fields) > 0 && slices.Contains(names, pgparse.LastText(fields))
		})
	}
	found := false
	pgparse.Walk(body, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.TypeCast:
			if _, name := pgparse.SchemaAndName(x.GetTypeName().GetNames()); name == typ.Name.Name && x.GetArg().GetAConst() != nil {
				found = found || usesValue(x.GetArg(), value)
			}
		case *pgparse.A_Expr:
			found = found || includesColumn(x.GetLexpr(), x.GetRexpr()) && (usesValue(x.GetLexpr(), value) || usesValue(x.GetRexpr(), value))
		case *pgparse.CaseExpr:
			if includesColumn(x.GetArg()) {
				for _, w := range x.GetArgs() {
					found = found || usesValue(w.GetCaseWhen().GetExpr(), value)
				}
			}
		}
		return !found
	})
	return found
}
