package catalog

import (
	"errors"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// checkFunctionBody checks a body in SQL's own words (RETURN x, BEGIN ATOMIC), which the
// server reads when it creates the function. The server reads a body in a string only if
// check_function_bodies is on; here only its syntax is checked.
func (k *checker) checkFunctionBody(s *pgparse.CreateFunctionStmt) {
	body := s.GetSqlBody()
	if body == nil {
		k.checkTextBody(s)
		return
	}
	_, name := pgparse.SchemaAndName(s.GetFuncname())
	paramSource := newColumnSource(name)
	var rows []*query.Source
	for _, n := range s.GetParameters() {
		p := n.GetFunctionParameter()
		if t := k.c.TypeOf(p.GetArgType()); t.Name.Schema != "pg_catalog" || t.Name.Name == "record" {
			return // a row: p.column is one of its
		}
		paramSource.Columns = append(paramSource.Columns, query.Output{Name: p.GetName()})
		rows = append(rows, newColumnSource(p.GetName()))
	}
	rows = append(rows, paramSource)
	if r := body.GetReturnStmt(); r != nil {
		k.checkExpr(r.GetReturnval(), rows...)
		return
	}
	for _, n := range pgparse.ListItems(body) {
		for _, stmt := range pgparse.ListItems(n) {
			k.checkQuery(stmt, rows...)
		}
	}
}

// checkTextBody checks a body of SQL that is a string.
func (k *checker) checkTextBody(s *pgparse.CreateFunctionStmt) {
	language, definition := pgparse.FunctionCode(s.GetOptions())
	if language != "sql" || len(definition) != 1 {
		return
	}
	file, err := pgparse.SplitText(definition[0])
	if err != nil {
		return
	}
	for _, stmt := range file.Stmts {
		if stmt.Err == nil {
			continue
		}
		if k.problem = newSyntaxProblem(stmt.Err); k.problem != nil {
			return
		}
	}
}

// checkBlockBody checks the syntax of a body in PL/pgSQL. The server reads all its statements when the function is made.
func checkBlockBody(node *pgparse.Node, sql string) *Problem {
	s := node.GetCreateFunctionStmt()
	if s == nil {
		return nil
	}
	language, definition := pgparse.FunctionCode(s.GetOptions())
	if language != "plpgsql" || len(definition) != 1 || pgparse.IsBlockComplete(sql, definition[0]) {
		return nil
	}
	_, err := pgparse.ParseBlock(sql)
	return newSyntaxProblem(err)
}

// newSyntaxProblem returns the problem of a body that the parser refuses; nil for any other error. Newer servers may
// accept a form that it does not know.
func newSyntaxProblem(err error) *Problem {
	wrong := new(pgparse.SyntaxError)
	if !errors.As(err, &wrong) || wrong.Hint != "" || !strings.HasPrefix(wrong.Message, "syntax error") && !strings.HasSuffix(wrong.Message, "at end of input") {
		return nil
	}
	p := &Problem{Refusal: *pgerror.SyntaxOf.NewRefusal(wrong.Message), Certain: true, Body: true}
	p.Until = pgparse.GrammarMajor
	return p
}
