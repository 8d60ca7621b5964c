package pgparse

// ParseStatement returns the parse tree of a text with one statement; nil if it cannot be parsed, or has another number of statements.
func ParseStatement(sql string) *Node {
	f, err := SplitText(sql)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Err != nil {
		return nil
	}
	return f.Stmts[0].Node
}

// ParseExpression returns the parse tree of an SQL expression, such as a default or the condition of a CHECK; nil if it cannot be
// parsed.
func ParseExpression(text string) *Node {
	targets := ParseStatement("SELECT " + text).GetSelectStmt().GetTargetList()
	if len(targets) != 1 {
		return nil
	}
	return targets[0].GetResTarget().GetVal()
}
