package rehearse

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// findPlantedCodeOrigin returns the statement that made a plant: one that has its name or its
// function's name, or else one whose text does not show what it makes.
func findPlantedCodeOrigin(sc *script.Script, t plant) *script.Statement {
	var function, hidden, maybe *script.Statement
	for _, st := range sc.Statements {
		switch {
		case t.name != "" && createdName(st.Node) == t.name:
			return st
		case st.Node.GetCreateFunctionStmt() != nil:
			if function == nil && (createdName(st.Node) == t.function || t.name == "" && mentionsName(st, t.function)) {
				function = st
			}
		case t.name == "" && !createsNothing(st.Node) && mentionsName(st, t.function):
			return st
		case hidden == nil && mayHideObjects(st):
			hidden = st
		case maybe == nil && mayRunNestedSQL(st):
			maybe = st
		}
	}
	if t.name != "" {
		return cmp.Or(hidden, maybe, function, sc.Statements[0])
	}
	return cmp.Or(function, hidden, maybe, sc.Statements[0])
}

// createdName returns the name of the object that a statement makes; "" for none.
func createdName(n *pgparse.Node) string {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.CreateFunctionStmt:
		return pgparse.LastText(x.GetFuncname())
	case *pgparse.DefineStmt:
		return pgparse.LastText(x.GetDefnames())
	case *pgparse.CreateDomainStmt:
		return pgparse.LastText(x.GetDomainname())
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

func mentionsName(st *script.Statement, name string) bool {
	return slices.Contains(pgparse.ListNames(st.SQL), name)
}

// createsNothing reports whether a statement, by its text, creates nothing persistent.
func createsNothing(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.DoStmt, *pgparse.SelectStmt, *pgparse.CallStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.CopyStmt,
		*pgparse.DropStmt, *pgparse.GrantStmt, *pgparse.CommentStmt:
		return true
	}
	return false
}

// mayHideObjects reports whether a statement may create objects that its text does not
// show: it executes dynamic SQL, calls a function, or changes rows, which may fire
// a trigger.
func mayHideObjects(st *script.Statement) bool {
	switch x := pgparse.Unwrap(st.Node).(type) {
	case *pgparse.DoStmt:
		return strings.Contains(strings.ToLower(st.SQL), "execute")
	case *pgparse.CallStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.CopyStmt:
		return true
	case *pgparse.SelectStmt:
		calls := false
		pgparse.Walk(st.Node, func(msg any) bool {
			if f, ok := msg.(*pgparse.FuncCall); ok {
				calls = calls || len(f.GetFuncname()) == 1 || pgparse.StringText(f.GetFuncname()[0]) != "pg_catalog"
			}
			return !calls
		})
		return calls && x != nil
	}
	return false
}
