package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Forms that older versions cannot parse, such as GENERATED … VIRTUAL before 18.

// checkColumnSyntax refuses clauses of a column of CREATE TABLE that the version
// does not have: COMPRESSION before 14.
func (q *Checker) checkColumnSyntax(def *pgparse.ColumnDef) {
	if def.GetCompression() != "" && !q.V.AtLeast(14) {
		q.RecordRefusal(pgerror.SyntaxAt, "COMPRESSION")
	}
	if def.GetStorageName() != "" && !q.V.AtLeast(16) {
		q.RecordRefusal(pgerror.SyntaxAt, "STORAGE")
	}
	if isSystemColumn(def.GetColname()) {
		q.RecordRefusal(pgerror.ColumnSystemName, def.GetColname())
	}
	q.checkCollation(def)
	for _, n := range def.GetConstraints() {
		q.checkConstraintSyntax(n.GetConstraint())
	}
}

// checkConstraintSyntax is checkColumnSyntax for a constraint.
func (q *Checker) checkConstraintSyntax(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_GENERATED:
		if con.GetGeneratedKind() == "v" && !q.V.AtLeast(18) {
			q.RecordRefusal(pgerror.SyntaxAt, "VIRTUAL")
		}
	case pgparse.ConstrType_CONSTR_PRIMARY:
		if con.GetWithoutOverlaps() && !q.V.AtLeast(18) {
			q.RecordRefusal(pgerror.SyntaxAt, "WITHOUT")
		}
	case pgparse.ConstrType_CONSTR_UNIQUE:
		if con.GetWithoutOverlaps() && !q.V.AtLeast(18) {
			q.RecordRefusal(pgerror.SyntaxAt, "WITHOUT")
		}
		if con.GetNullsNotDistinct() && !q.V.AtLeast(15) {
			q.RecordRefusal(pgerror.SyntaxAt, "NULLS")
		}
	case pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED, pgparse.ConstrType_CONSTR_ATTR_ENFORCED:
		if !q.V.AtLeast(18) {
			q.RecordRefusal(pgerror.SyntaxAt, "ENFORCED")
		}
	case pgparse.ConstrType_CONSTR_CHECK, pgparse.ConstrType_CONSTR_FOREIGN:
		q.refuseNewerSyntax(con.GetRawExpr())
		q.requireNoSubquery(con)
		if !con.GetIsEnforced() && !q.V.AtLeast(18) {
			q.RecordRefusal(pgerror.SyntaxAt, "ENFORCED")
		}
		if len(con.GetFkDelSetCols()) > 0 && !q.V.AtLeast(15) {
			q.RecordRefusal(pgerror.SyntaxAt, "(")
		}
	}
}

// checkExprSyntax refuses an expression in words that the version does not have.
func (q *Checker) checkExprSyntax(expr *pgparse.Node) bool {
	q.refuseNewerSyntax(expr)
	return q.Refusal == nil
}

// checkFunctionSyntax refuses a body in SQL's own words: RETURN x, BEGIN ATOMIC.
func (q *Checker) checkFunctionSyntax(s *pgparse.CreateFunctionStmt) {
	if body := s.GetSqlBody(); body != nil && !q.V.AtLeast(14) {
		word := "BEGIN"
		if body.GetReturnStmt() != nil {
			word = "RETURN"
		}
		q.RecordRefusal(pgerror.SyntaxAt, word)
	}
	q.checkBodySyntax(s)
}

// checkBodySyntax refuses a body with a statement in a form that the version does not have: the server reads all of it.
func (q *Checker) checkBodySyntax(s *pgparse.CreateFunctionStmt) {
	language, code := pgparse.FunctionCode(s.GetOptions())
	if len(code) != 1 || q.UncheckedBodies {
		return
	}
	texts := []string{}
	switch language {
	case "sql":
		texts = code
	case "plpgsql":
		for _, part := range pgparse.ReadBody(code[0]).Parts {
			if pgparse.MayHaveNewerForm(part.SQL) || pgparse.MayHaveOlderForm(part.SQL) {
				texts = append(texts, part.SQL)
			}
		}
	}
	for _, text := range texts {
		file, err := pgparse.SplitText(text)
		if err != nil {
			continue
		}
		for i := range file.Stmts {
			if message := q.versionSyntaxError(file.Stmts[i].Node); message != "" {
				q.RecordRefusal(pgerror.SyntaxOf, message)
				return
			}
		}
	}
}

// requireType refuses a built-in type that the version does not have.
func (q *Checker) requireType(t catalog.Type) bool {
	since := 0
	if t.Name.Schema == "pg_catalog" {
		since = builtin.TypeSince(t.Name.Name)
	}
	if since == 0 || q.V.AtLeast(since) {
		return true
	}
	q.RecordRefusal(pgerror.TypeMissing, t.Name.Name)
	return false
}

// viewOptions are the parameters of views, with the first version that has them
// (0: all).
var viewOptions = map[string]int{"security_barrier": 0, "check_option": 0, "security_invoker": 15}

// checkViewOptions refuses options that the version's views do not have, unless a view
// of the schema has one: then it was no such version that made it.
func (q *Checker) checkViewOptions(s *pgparse.ViewStmt) {
	for _, n := range s.GetOptions() {
		name := n.GetDefElem().GetDefname()
		if since := viewOptions[name]; since > 0 && !q.hasViewOption(name) && !q.V.AtLeast(since) {
			q.RecordRefusal(pgerror.ParameterUnknown, name)
		}
	}
}

// checkGrantedPrivileges refuses a privilege that the version does not have.
func (q *Checker) checkGrantedPrivileges(s *pgparse.GrantStmt) {
	if slices.ContainsFunc(s.GetPrivileges(), func(n *pgparse.Node) bool { return n.GetAccessPriv().GetPrivName() == "maintain" }) && !q.V.AtLeast(17) {
		q.RecordRefusal(pgerror.PrivilegeUnknown, "maintain")
	}
}

// hasViewOption reports whether a view of the schema has an option.
func (q *Checker) hasViewOption(name string) bool {
	found := false
	q.C.EachRelation(func(rel *catalog.Relation) bool {
		if rel.Kind == catalog.View {
			_, found = rel.Options[name]
		}
		return !found
	})
	return found
}
