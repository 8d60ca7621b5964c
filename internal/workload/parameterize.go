package workload

import (
	"slices"
	"sort"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// parameterize decides the fate of each literal of a statement. A literal inside a query becomes
// a parameter; any other literal is removed.
func (s *statement) parameterize(node *pgparse.Node) {
	switch n := pgparse.Unwrap(node).(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.CallStmt:
		s.parameterizeQuery(node, 0, len(s.toks))
	case *pgparse.DeclareCursorStmt:
		s.keepQueryFrom(n.Query, s.tokenAfter(0, "FOR"))
	case *pgparse.PrepareStmt:
		for _, a := range n.Argtypes {
			start := s.tokenAt(a.GetTypeName().GetLocation())
			s.argType = append(s.argType, s.joinTokens(start, s.typeEnd(start)))
		}
		s.keepQueryFrom(n.Query, s.tokenAfter(0, "AS"))
	case *pgparse.ExplainStmt:
		if _, isSelect := pgparse.Unwrap(n.Query).(*pgparse.SelectStmt); isSelect || kindOf(n.Query) != DDL && kindOf(n.Query) != Other {
			s.parameterizeQuery(n.Query, s.explainedQueryStart(), len(s.toks))
		}
	case *pgparse.CopyStmt:
		if n.Query != nil {
			s.parameterizeQuery(n.Query, 1, s.bracketEnd(1))
		}
	case *pgparse.VariableSetStmt:
		s.removeSettingValue(n.Name)
	case *pgparse.AlterRoleSetStmt:
		s.removeSettingValue(n.Setstmt.GetName())
	case *pgparse.AlterDatabaseSetStmt:
		s.removeSettingValue(n.Setstmt.GetName())
	case *pgparse.AlterSystemStmt:
		s.removeSettingValue(n.Setstmt.GetName())
	}
}

// keepQueryFrom keeps the query that begins at a token and drops everything before it.
func (s *statement) keepQueryFrom(node *pgparse.Node, from int) {
	for i := range s.toks[:from] {
		s.toks[i].drop = true
	}
	if k := kindOf(node); k != DDL && k != Other {
		s.parameterizeQuery(node, from, len(s.toks))
	}
}

// tokenAfter returns the token that follows a keyword outside brackets.
func (s *statement) tokenAfter(i int, keyword string) int {
	for i < len(s.toks) {
		switch {
		case s.isKeyword(i, keyword):
			return i + 1
		case s.isByte(i, '('):
			i = s.bracketEnd(i)
		default:
			i++
		}
	}
	return 0
}

// explainedQueryStart returns the first token of the query in EXPLAIN.
func (s *statement) explainedQueryStart() int {
	i := 1
	for s.isKeyword(i, "ANALYZE", "ANALYSE", "VERBOSE") {
		i++
	}
	if s.isByte(i, '(') && !s.isByte(i+1, '(') && !s.isKeyword(i+1, "SELECT", "WITH", "VALUES", "TABLE") {
		i = s.bracketEnd(i)
	}
	return i
}

// removeSettingValue removes the value of a setting. It may be a word without quotes, and it may be
// a secret. The search path is kept, because it consists of names.
func (s *statement) removeSettingValue(name string) {
	if strings.EqualFold(name, "search_path") {
		return
	}
	for i := s.tokenAfter(0, "SET"); i > 0 && i < len(s.toks)-1; i++ {
		if s.isByte(i, '=') || s.isKeyword(i, "TO") {
			for j := i + 1; j < len(s.toks); j++ {
				s.toks[j].drop = j > i+1
			}
			// The value is treated as a string, whatever it was.
			s.toks[i+1].kind, s.toks[i+1].fate = pgparse.LexemeString, lost
			return
		}
	}
}

// tokenAt returns the token at a byte offset of the text.
func (s *statement) tokenAt(location int32) int {
	i := sort.Search(len(s.toks), func(i int) bool { return s.toks[i].end > location })
	return min(i, len(s.toks)-1)
}

// parameterizeQuery turns the literals of a query, given as a range of tokens, into parameters.
func (s *statement) parameterizeQuery(node *pgparse.Node, from, to int) {
	for i := from; i < to; i++ {
		if s.toks[i].isLiteral() {
			s.toks[i].fate = param
		}
	}
	for i := from; i < to; i++ {
		if s.isKeyword(i, "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP") && s.isByte(i+1, '(') {
			s.keepLiterals(i+1, s.bracketEnd(i+1))
		}
	}
	pgparse.Walk(node, s.visitNode)
}

// keepLiterals keeps the literals in a range of tokens.
func (s *statement) keepLiterals(from, to int) {
	for i := from; i < to; i++ {
		s.toks[i].fate = stays
	}
}

// keepLiteralsBelow keeps the literals below a node.
func (s *statement) keepLiteralsBelow(nodes ...*pgparse.Node) {
	for _, n := range nodes {
		pgparse.Walk(n, func(msg any) bool {
			if c, ok := msg.(*pgparse.A_Const); ok && c.Location >= 0 {
				i := s.tokenAt(c.Location)
				for s.isByte(i, '-') {
					i++
				}
				s.toks[i].fate = stays
			}
			return true
		})
	}
}

// visitNode handles the nodes that need more than a parameter for each literal.
func (s *statement) visitNode(msg any) bool {
	switch n := msg.(type) {
	case *pgparse.A_Const:
		s.includeSign(n)
	case *pgparse.TypeName:
		if n.Location >= 0 {
			from := s.tokenAt(n.Location)
			s.keepLiterals(from, s.typeEnd(from))
		}
		return false
	case *pgparse.TypeCast:
		return s.rewriteTypedLiteral(n)
	case *pgparse.SelectStmt:
		for _, g := range slices.Concat(n.GroupClause, n.DistinctClause) {
			s.keepResultNumber(g)
		}
		for _, o := range n.SortClause {
			s.keepResultNumber(o.GetSortBy().GetNode())
		}
		s.shareEqualLiterals(n)
	case *pgparse.InferClause:
		s.keepLiteralsBelow(n.IndexElems...)
		s.keepLiteralsBelow(n.WhereClause)
	case *pgparse.CTECycleClause:
		s.keepLiteralsBelow(n.CycleMarkValue, n.CycleMarkDefault)
	case *pgparse.JsonTablePathSpec:
		s.replaceJSONPath(n.String_)
	case *pgparse.JsonBehavior:
		s.replaceJSONDefault(n.Expr)
	case *pgparse.FuncCall:
		s.visitCall(n)
	case *pgparse.JsonKeyValue:
		s.castToText(n.Key)
	case *pgparse.JsonValueExpr:
		s.castToText(n.RawExpr)
	case *pgparse.JsonIsPredicate:
		s.castToText(n.Expr)
	case *pgparse.NullTest:
		s.castToText(n.Arg)
	case *pgparse.ResTarget:
		s.castRowToText(n.Val)
	}
	return true
}

// includeSign treats the sign before a number as part of the number.
func (s *statement) includeSign(c *pgparse.A_Const) {
	if c.Location < 0 {
		return
	}
	i := s.tokenAt(c.Location)
	if first := i; s.isByte(i, '-') && i+1 < len(s.toks) && s.toks[i+1].kind == pgparse.LexemeNumber && s.toks[i+1].fate == param {
		s.joinSign(first, i+1)
	}
}

// rewriteTypedLiteral rewrites a literal with a type name before it, such as date '2020-01-01', as a
// cast.
func (s *statement) rewriteTypedLiteral(n *pgparse.TypeCast) bool {
	c := n.GetArg().GetAConst()
	if c == nil || n.TypeName == nil || n.TypeName.Location < 0 || n.TypeName.Location >= c.Location {
		return true
	}
	from, literal := s.tokenAt(n.TypeName.Location), s.tokenAt(c.Location)
	words := "n"
	if from < literal {
		words = s.joinTokens(from, literal)
		s.toks[literal].space = s.toks[from].space
	}
	for i := from; i < literal; i++ {
		s.toks[i].drop = true
	}
	s.casts[literal] = castTypeName(words)
	// INTERVAL '1' SECOND (3)
	end := literal + 1
	for s.isKeyword(end, "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO") {
		end++
	}
	if end > literal+1 && s.isByte(end, '(') {
		s.keepLiterals(end, s.bracketEnd(end))
	}
	return false
}

// keepResultNumber keeps a number that refers to a column of the result.
func (s *statement) keepResultNumber(n *pgparse.Node) {
	switch e := pgparse.Unwrap(n).(type) {
	case *pgparse.A_Const:
		// A number of more than four digits cannot be a column's position: no result has
		// that many columns.
		if i := s.tokenAt(e.Location); e.GetIval() != nil && e.Location >= 0 && s.toks[i].kind == pgparse.LexemeNumber && len(s.tokenText(i)) <= 4 {
			s.keepLiteralsBelow(n)
		}
	case *pgparse.GroupingSet:
		for _, c := range e.Content {
			s.keepResultNumber(c)
		}
	case *pgparse.RowExpr:
		for _, a := range e.Args {
			s.keepResultNumber(a)
		}
	}
}
