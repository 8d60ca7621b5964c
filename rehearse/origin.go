package rehearse

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// origin is the statement that made a trap: one that says its name, or that of its
// function; else one whose text does not show what it makes.
func origin(sc *script.Script, t trap) *script.Statement {
	var function, hidden, maybe *script.Statement
	for _, st := range sc.Statements {
		switch {
		case t.name != "" && names(st.Node) == t.name:
			return st
		case st.Node.GetCreateFunctionStmt() != nil:
			if function == nil && (names(st.Node) == t.by || t.name == "" && says(st, t.by)) {
				function = st
			}
		case t.name == "" && !asks(st.Node) && says(st, t.by):
			return st
		case hidden == nil && hides(st):
			hidden = st
		case maybe == nil && mayNest(st):
			maybe = st
		}
	}
	if t.name != "" {
		return cmp.Or(hidden, maybe, function, sc.Statements[0])
	}
	return cmp.Or(function, hidden, maybe, sc.Statements[0])
}

// names is the name that a statement gives to what it makes; "" for none.
func names(n *pgparse.Node) string {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.CreateFunctionStmt:
		return pgparse.Last(x.GetFuncname())
	case *pgparse.DefineStmt:
		return pgparse.Last(x.GetDefnames())
	case *pgparse.CreateDomainStmt:
		return pgparse.Last(x.GetDomainname())
	case *pgparse.ViewStmt:
		return x.GetView().GetRelname()
	case *pgparse.CreateTableAsStmt:
		return x.GetInto().GetRel().GetRelname()
	case *pgparse.IndexStmt:
		return x.GetIdxname()
	case *pgparse.CreateTrigStmt:
		return x.GetTrigname()
	case *pgparse.CreatePolicyStmt:
		return x.GetPolicyName()
	case *pgparse.RuleStmt:
		return x.GetRulename()
	case *pgparse.RenameStmt:
		return x.GetNewname()
	}
	return ""
}

func says(st *script.Statement, name string) bool {
	return slices.Contains(pgparse.Names(st.SQL), name)
}

// asks reports whether a statement makes nothing that stays by what its text says.
func asks(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.DoStmt, *pgparse.SelectStmt, *pgparse.CallStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.CopyStmt,
		*pgparse.DropStmt, *pgparse.GrantStmt, *pgparse.CommentStmt:
		return true
	}
	return false
}

// hides reports whether a statement may well make what its text does not show: it
// runs text, calls a function, or changes rows, which a trigger may answer.
func hides(st *script.Statement) bool {
	switch x := pgparse.Unwrap(st.Node).(type) {
	case *pgparse.DoStmt:
		return strings.Contains(strings.ToLower(st.SQL), "execute")
	case *pgparse.CallStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.CopyStmt:
		return true
	case *pgparse.SelectStmt:
		calls := false
		pgparse.Walk(st.Node, func(msg any) bool {
			if f, ok := msg.(*pgparse.FuncCall); ok {
				calls = calls || len(f.GetFuncname()) == 1 || pgparse.Text(f.GetFuncname()[0]) != "pg_catalog"
			}
			return !calls
		})
		return calls && x != nil
	}
	return false
}
