package rehearse_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
)

// unqualified lists what a statement leaves to the path of the session that
// sends it: names of relations, functions, types and collations, and operators,
// also those that the grammar writes itself, as for IN, LIKE and CASE x WHEN.
// Statements in DO blocks count; bodies of functions that bring a path do not.
func unqualified(sql string) []string {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return []string{err.Error()}
	}
	var q looseNames
	for i := range f.Stmts {
		if s := &f.Stmts[i]; s.Err != nil {
			q.add("cannot be parsed: " + s.Err.Error())
		} else {
			q.statement(s.Node)
		}
	}
	return q.list
}

type looseNames struct{ list []string }

func (q *looseNames) add(what string) {
	if !slices.Contains(q.list, what) {
		q.list = append(q.list, what)
	}
}

func (q *looseNames) statement(n *pgparse.Node) {
	var with []string
	pgparse.Walk(n, func(msg any) bool {
		if c, ok := msg.(*pgparse.CommonTableExpr); ok {
			with = append(with, c.GetCtename())
		}
		return true
	})
	if x := n.GetDoStmt(); x != nil {
		q.block(x)
	}
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.CreateFunctionStmt:
			return q.function(x)
		case *pgparse.RangeVar:
			if x.GetSchemaname() == "" && !slices.Contains(with, x.GetRelname()) {
				q.add("relation " + x.GetRelname())
			}
		case *pgparse.FuncCall:
			if names := pgparse.StringTexts(x.GetFuncname()); len(names) == 1 {
				q.add("function " + names[0])
			}
		case *pgparse.TypeName:
			if names := pgparse.StringTexts(x.GetNames()); len(names) == 1 && !x.GetPctType() {
				q.add("type " + names[0])
			}
		case *pgparse.CollateClause:
			if names := pgparse.StringTexts(x.GetCollname()); len(names) == 1 {
				q.add("collation " + names[0])
			}
		case *pgparse.A_Expr:
			if names := pgparse.StringTexts(x.GetName()); len(names) == 1 {
				q.add("operator " + names[0] + " " + strings.TrimPrefix(x.GetKind().String(), "AEXPR_"))
			}
		case *pgparse.SubLink:
			if x.GetTestexpr() != nil && len(x.GetOperName()) < 2 {
				q.add("operator of IN or ANY (SELECT …)")
			}
		case *pgparse.CaseExpr:
			if x.GetArg() != nil {
				q.add("operator = of CASE … WHEN")
			}
		case *pgparse.SortBy:
			if len(x.GetUseOp()) == 1 {
				q.add("operator of ORDER BY … USING")
			}
		case *pgparse.JoinExpr:
			if len(x.GetUsingClause()) > 0 || x.GetIsNatural() {
				q.add("operator = of JOIN … USING")
			}
		}
		return true
	})
}

// block reads what a DO block runs and computes.
func (q *looseNames) block(x *pgparse.DoStmt) {
	for _, arg := range x.GetArgs() {
		d := arg.GetDefElem()
		if d.GetDefname() != "as" {
			continue
		}
		body := pgparse.ReadBody(pgparse.StringText(d.GetArg()))
		for _, p := range body.Parts {
			q.all(unqualified(p.SQL))
		}
		for name, t := range body.Variables {
			if !strings.Contains(t, ".") {
				q.add("type of the variable " + name)
			}
		}
	}
}

func (q *looseNames) all(list []string) {
	for _, x := range list {
		q.add(x)
	}
}

// function: one that brings its path is read in no other.
func (q *looseNames) function(x *pgparse.CreateFunctionStmt) bool {
	for _, o := range x.GetOptions() {
		if d := o.GetDefElem(); d.GetDefname() == "set" && d.GetArg().GetVariableSetStmt().GetName() == "search_path" {
			return false
		}
	}
	q.add(fmt.Sprintf("the path of function %s", pgparse.LastText(x.GetFuncname())))
	return true
}

func TestUnqualified(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT oid FROM pg_catalog.pg_class WHERE relkind OPERATOR(pg_catalog.=) 'r'::pg_catalog.\"char\" AND relpages OPERATOR(pg_catalog.=) ANY ($1) ORDER BY " +
			"oid": "",
		"WITH x AS (SELECT 1::integer AS a) SELECT CAST(a AS double precision), COALESCE(a, 0), a IS NULL, CURRENT_USER FROM x": "",
		"DO $$ DECLARE x pg_catalog.text; BEGIN x := pg_catalog.concat('a', 'b'); EXECUTE x; END $$":                            "",
		"SET LOCAL lock_timeout = '5s'; CREATE SCHEMA x; ALTER DATABASE a OWNER TO b":                                           "",
		"CREATE FUNCTION a.f() RETURNS boolean LANGUAGE sql SET search_path = pg_catalog AS 'SELECT now() > now()'":             "",
		"SELECT 1 FROM pg_class":                           "relation pg_class",
		"SELECT now()":                                     "function now",
		"SELECT $1::text":                                  "type text",
		"SELECT 'a' COLLATE \"C\"":                         "collation C",
		"SELECT 1 = 2":                                     "operator = OP",
		"SELECT $1 IN (1, 2)":                              "operator = IN",
		"SELECT $1 = ANY ($2)":                             "operator = OP_ANY",
		"SELECT $1 LIKE 'a'":                               "operator ~~ LIKE",
		"SELECT $1 BETWEEN 1 AND 2":                        "operator BETWEEN BETWEEN",
		"SELECT $1 IS DISTINCT FROM 2":                     "operator = DISTINCT",
		"SELECT NULLIF($1, '')":                            "operator = NULLIF",
		"SELECT CASE $1 WHEN 1 THEN 2 END":                 "operator = of CASE … WHEN",
		"SELECT $1 IN (SELECT 1)":                          "operator of IN or ANY (SELECT …)",
		"SELECT 1 FROM a.b JOIN a.c USING (d)":             "operator = of JOIN … USING",
		"SELECT 1 FROM a.b ORDER BY 1 USING <":             "operator of ORDER BY … USING",
		"DO $$ BEGIN IF 1 > 2 THEN RETURN; END IF; END $$": "operator > OP",
		"DO $$ BEGIN PERFORM now(); END $$":                "function now",
		"CREATE FUNCTION a.f() RETURNS boolean LANGUAGE sql AS 'SELECT now() > now()'": "the path of function f",
	} {
		if got := strings.Join(unqualified(sql), ", "); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}
