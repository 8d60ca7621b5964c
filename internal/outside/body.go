package outside

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Body describes the body of a function.
type Body struct {
	Acts []Act
	// Calls are the names of the functions that it calls, without schemas.
	Calls []string
	// Hides: it runs dynamic SQL whose text is not known.
	Hides bool
}

// Body reads the body of a function in SQL or PL/pgSQL. For any other language it
// returns nothing.
func (role Role) Body(language, text string) Body {
	var out Body
	switch language {
	case "sql":
		role.readStatements(&out, text)
	case "plpgsql":
		for _, p := range pgparse.ReadBody(text).Parts {
			role.readStatements(&out, p.SQL)
		}
		role.readDynamicSQL(&out, text)
	}
	return out
}

func (role Role) readStatements(out *Body, sql string) {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return
	}
	for i := range f.Stmts {
		n := f.Stmts[i].Node
		out.Acts = append(out.Acts, role.Statement(n)...)
		pgparse.Walk(n, func(msg any) bool {
			if c, ok := msg.(*pgparse.FuncCall); ok {
				out.Calls = append(out.Calls, pgparse.LastText(c.GetFuncname()))
			}
			return true
		})
	}
}

// executes matches dynamic SQL in a body, and starting matches a text in it that
// starts a program.
var (
	executes = lazyregexp.New(`(?i)\bEXECUTE\s+([^;]*)`)
	starting = lazyregexp.New(`(?is)\bCOPY\b.*\b(TO|FROM)\s+PROGRAM\b`)
)

// readDynamicSQL reads the dynamic SQL of a body: the text itself if it is constant, else
// what it contains.
func (role Role) readDynamicSQL(out *Body, text string) {
	for _, m := range executes.FindAllStringSubmatch(text, -1) {
		if starting.MatchString(m[1]) {
			out.Acts = append(out.Acts, Act{program + " (COPY … PROGRAM)", false})
		}
		if f, err := pgparse.SplitText("SELECT " + strings.TrimSpace(m[1])); err == nil && len(f.Stmts) == 1 && f.Stmts[0].Err == nil {
			if targets := f.Stmts[0].Node.GetSelectStmt().GetTargetList(); len(targets) == 1 {
				if _, ok := pgparse.ConstantString(targets[0].GetResTarget().GetVal()); ok {
					continue // its statements were read
				}
			}
		}
		out.Hides = true
	}
}
