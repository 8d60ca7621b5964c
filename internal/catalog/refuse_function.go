package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// functionBody checks a body in SQL's own words (RETURN x, BEGIN ATOMIC), which
// is read when the function is made. One that is a string is only read where
// check_function_bodies is on.
func (k *checker) functionBody(s *pgparse.CreateFunctionStmt) {
	body := s.GetSqlBody()
	if body == nil {
		return
	}
	_, name := schemaAndName(s.GetFuncname())
	own := item{alias: name}
	l := &level{}
	for _, n := range s.GetParameters() {
		p := n.GetFunctionParameter()
		if t := k.c.TypeOf(p.GetArgType()); t.Name.Schema != "pg_catalog" || t.Name.Name == "record" {
			return // a row: p.column is one of its
		}
		own.columns = append(own.columns, p.GetName())
		l.items = append(l.items, item{alias: p.GetName()})
	}
	l.items = append(l.items, own)
	if r := body.GetReturnStmt(); r != nil {
		k.expr(r.GetReturnval(), l)
		return
	}
	for _, n := range items(body) {
		for _, stmt := range items(n) {
			k.statement(stmt, l)
		}
	}
}
