package outside

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Body is what the body of a function does.
type Body struct {
	Acts []Act
	// Calls are the names of the functions that it calls, without schemas.
	Calls []string
	// Hides: it runs text that it puts together as it goes.
	Hides bool
}

// Body reads the body of a function in SQL or PL/pgSQL. Of one in another
// language nothing is told.
func (by Role) Body(language, text string) Body {
	var out Body
	switch language {
	case "sql":
		by.statements(&out, text)
	case "plpgsql":
		for _, p := range pgparse.ReadBody(text).Parts {
			by.statements(&out, p.SQL)
		}
		by.dynamic(&out, text)
	}
	return out
}

func (by Role) statements(out *Body, sql string) {
	f, err := pgparse.Split(sql)
	if err != nil {
		return
	}
	for i := range f.Stmts {
		n := f.Stmts[i].Node
		out.Acts = append(out.Acts, by.Statement(n)...)
		pgparse.Walk(n, func(msg any) bool {
			if c, ok := msg.(*pgparse.FuncCall); ok {
				out.Calls = append(out.Calls, pgparse.Last(c.GetFuncname()))
			}
			return true
		})
	}
}

// executes is where a body runs text, and starting what text of it starts a program.
var (
	executes = regexp.MustCompile(`(?i)\bEXECUTE\s+([^;]*)`)
	starting = regexp.MustCompile(`(?is)\bCOPY\b.*\b(TO|FROM)\s+PROGRAM\b`)
)

// dynamic looks at the text that a body puts together: whether it can be known,
// and what stands in it where it cannot.
func (by Role) dynamic(out *Body, text string) {
	for _, m := range executes.FindAllStringSubmatch(text, -1) {
		if starting.MatchString(m[1]) {
			out.Acts = append(out.Acts, Act{program + " (COPY … PROGRAM)", false})
		}
		if f, err := pgparse.Split("SELECT " + strings.TrimSpace(m[1])); err == nil && len(f.Stmts) == 1 && f.Stmts[0].Err == nil {
			if targets := f.Stmts[0].Node.GetSelectStmt().GetTargetList(); len(targets) == 1 {
				if _, ok := pgparse.ConstantString(targets[0].GetResTarget().GetVal()); ok {
					continue // its statements were read
				}
			}
		}
		out.Hides = true
	}
}
