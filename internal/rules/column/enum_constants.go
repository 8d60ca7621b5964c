package column

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// readsConstants reports whether a statement is of a kind in which a constant is
// read when it runs: not the body of a function, not a comment.
func readsConstants(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case nil, *pgparse.CreateFunctionStmt, *pgparse.DoStmt, *pgparse.CommentStmt, *pgparse.VariableSetStmt, *pgparse.CreateEnumStmt:
		return false
	}
	return true
}

func usesValue(n *pgparse.Node, value string) bool {
	found := false
	pgparse.Walk(n, func(msg any) bool {
		if x, ok := msg.(*pgparse.A_Expr); ok && (isTextValue(x.Lexpr) && isUncast(x.Rexpr) || isTextValue(x.Rexpr) && isUncast(x.Lexpr)) {
			return false // a text is compared with texts
		}
		if c, ok := msg.(*pgparse.A_Const); ok && c.GetSval() != nil && c.GetSval().GetSval() == value {
			found = true
		}
		return !found
	})
	return found
}

// isTextValue reports whether an operand is a column's value as a text.
func isTextValue(n *pgparse.Node) bool {
	cast := n.GetTypeCast()
	return cast != nil && cast.GetArg().GetColumnRef() != nil && castsToText(cast)
}

func castsToText(cast *pgparse.TypeCast) bool {
	_, name := pgparse.SchemaAndName(cast.GetTypeName().GetNames())
	return name == "text" || name == "varchar" || name == "bpchar"
}

// isUncast reports whether nothing in an operand is cast to anything but text.
func isUncast(n *pgparse.Node) bool {
	out := true
	pgparse.Walk(n, func(msg any) bool {
		if cast, ok := msg.(*pgparse.TypeCast); ok && !castsToText(cast) {
			out = false
		}
		return out
	})
	return out
}

// readsAsType reports whether the value is read as one of the type whatever the rows
// hold: not as a text that a cast takes once it was chosen, as in
// (CASE … THEN 'x' END)::kind.
func readsAsType(n *pgparse.Node, value string) bool {
	found := false
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.TypeCast:
			return !found && x.Arg.GetAConst() != nil
		case *pgparse.A_Const:
			found = found || x.GetSval() != nil && x.GetSval().GetSval() == value
		}
		return !found
	})
	return found
}
