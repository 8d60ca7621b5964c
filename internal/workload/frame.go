package workload

import (
	"slices"
	"sort"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// frame says what becomes of each literal of a statement: a parameter inside of a query,
// nothing in what is none.
func (s *statement) frame(node *pgparse.Node) {
	switch n := pgparse.Unwrap(node).(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.CallStmt:
		s.query(node, 0, len(s.toks))
	case *pgparse.DeclareCursorStmt:
		s.body(n.Query, s.behind(0, "FOR"))
	case *pgparse.PrepareStmt:
		for _, a := range n.Argtypes {
			at := s.at(a.GetTypeName().GetLocation())
			s.argType = append(s.argType, s.words(at, s.typeEnd(at)))
		}
		s.body(n.Query, s.behind(0, "AS"))
	case *pgparse.ExplainStmt:
		if _, is := pgparse.Unwrap(n.Query).(*pgparse.SelectStmt); is || kindOf(n.Query) != DDL && kindOf(n.Query) != Other {
			s.query(n.Query, s.explained(), len(s.toks))
		}
	case *pgparse.CopyStmt:
		if n.Query != nil {
			s.query(n.Query, 1, s.bracketEnd(1))
		}
	case *pgparse.VariableSetStmt:
		s.setting(n.Name)
	case *pgparse.AlterRoleSetStmt:
		s.setting(n.Setstmt.GetName())
	case *pgparse.AlterDatabaseSetStmt:
		s.setting(n.Setstmt.GetName())
	case *pgparse.AlterSystemStmt:
		s.setting(n.Setstmt.GetName())
	}
}

// body keeps the query that begins at a token, and nothing before it.
func (s *statement) body(node *pgparse.Node, from int) {
	for i := range s.toks[:from] {
		s.toks[i].drop = true
	}
	if k := kindOf(node); k != DDL && k != Other {
		s.query(node, from, len(s.toks))
	}
}

// behind is the token behind a keyword that stands outside of brackets.
func (s *statement) behind(i int, keyword string) int {
	for i < len(s.toks) {
		switch {
		case s.word(i, keyword):
			return i + 1
		case s.is(i, '('):
			i = s.bracketEnd(i)
		default:
			i++
		}
	}
	return 0
}

// explained is where the query of EXPLAIN begins.
func (s *statement) explained() int {
	i := 1
	for s.word(i, "ANALYZE", "ANALYSE", "VERBOSE") {
		i++
	}
	if s.is(i, '(') && !s.is(i+1, '(') && !s.word(i+1, "SELECT", "WITH", "VALUES", "TABLE") {
		i = s.bracketEnd(i)
	}
	return i
}

// setting cuts the value of a setting off, which may be a word without quotes: a secret,
// as well. The search path is names.
func (s *statement) setting(name string) {
	if strings.EqualFold(name, "search_path") {
		return
	}
	for i := s.behind(0, "SET"); i > 0 && i < len(s.toks)-1; i++ {
		if s.is(i, '=') || s.word(i, "TO") {
			for j := i + 1; j < len(s.toks); j++ {
				s.toks[j].drop = j > i+1
			}
			// A string, whatever it was.
			s.toks[i+1].kind, s.toks[i+1].fate = pgparse.LexemeString, lost
			return
		}
	}
}

// at is the token that holds a byte of the text.
func (s *statement) at(location int32) int {
	i := sort.Search(len(s.toks), func(i int) bool { return s.toks[i].end > location })
	return min(i, len(s.toks)-1)
}

// query makes parameters of the literals in a range of tokens that is a query.
func (s *statement) query(node *pgparse.Node, from, to int) {
	for i := from; i < to; i++ {
		if s.toks[i].literal() {
			s.toks[i].fate = param
		}
	}
	for i := from; i < to; i++ {
		if s.word(i, "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP") && s.is(i+1, '(') {
			s.keep(i+1, s.bracketEnd(i+1))
		}
	}
	pgparse.Walk(node, s.visit)
}

// keep keeps what stands in a range of tokens.
func (s *statement) keep(from, to int) {
	for i := from; i < to; i++ {
		s.toks[i].fate = stays
	}
}

// keepAll keeps the literals below a node.
func (s *statement) keepAll(nodes ...*pgparse.Node) {
	for _, n := range nodes {
		pgparse.Walk(n, func(msg any) bool {
			if c, ok := msg.(*pgparse.A_Const); ok && c.Location >= 0 {
				i := s.at(c.Location)
				for s.is(i, '-') {
					i++
				}
				s.toks[i].fate = stays
			}
			return true
		})
	}
}

// visit handles what is more than a literal at its place.
func (s *statement) visit(msg any) bool {
	switch n := msg.(type) {
	case *pgparse.A_Const:
		s.negative(n)
	case *pgparse.TypeName:
		if n.Location >= 0 {
			from := s.at(n.Location)
			s.keep(from, s.typeEnd(from))
		}
		return false
	case *pgparse.TypeCast:
		return s.cast(n)
	case *pgparse.SelectStmt:
		for _, g := range slices.Concat(n.GroupClause, n.DistinctClause) {
			s.position(g)
		}
		for _, o := range n.SortClause {
			s.position(o.GetSortBy().GetNode())
		}
		s.share(n)
	case *pgparse.InferClause:
		s.keepAll(n.IndexElems...)
		s.keepAll(n.WhereClause)
	case *pgparse.CTECycleClause:
		s.keepAll(n.CycleMarkValue, n.CycleMarkDefault)
	case *pgparse.JsonTablePathSpec:
		s.path(n.String_)
	case *pgparse.JsonBehavior:
		s.behavior(n.Expr)
	case *pgparse.FuncCall:
		s.call(n)
	case *pgparse.JsonKeyValue:
		s.untyped(n.Key)
	case *pgparse.JsonValueExpr:
		s.untyped(n.RawExpr)
	case *pgparse.JsonIsPredicate:
		s.untyped(n.Expr)
	case *pgparse.NullTest:
		s.untyped(n.Arg)
	case *pgparse.ResTarget:
		s.row(n.Val)
	}
	return true
}

// negative takes the sign of a number for part of it.
func (s *statement) negative(c *pgparse.A_Const) {
	if c.Location < 0 {
		return
	}
	i := s.at(c.Location)
	if first := i; s.is(i, '-') && i+1 < len(s.toks) && s.toks[i+1].kind == pgparse.LexemeNumber && s.toks[i+1].fate == param {
		s.sign(first, i+1)
	}
}

// cast writes a literal that names its type, as date '2020-01-01', as a cast.
func (s *statement) cast(n *pgparse.TypeCast) bool {
	c := n.GetArg().GetAConst()
	if c == nil || n.TypeName == nil || n.TypeName.Location < 0 || n.TypeName.Location >= c.Location {
		return true
	}
	from, at := s.at(n.TypeName.Location), s.at(c.Location)
	words := "n"
	if from < at {
		words = s.words(from, at)
		s.toks[at].space = s.toks[from].space
	}
	for i := from; i < at; i++ {
		s.toks[i].drop = true
	}
	s.casts[at] = plainType(words)
	// INTERVAL '1' SECOND (3)
	end := at + 1
	for s.word(end, "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO") {
		end++
	}
	if end > at+1 && s.is(end, '(') {
		s.keep(end, s.bracketEnd(end))
	}
	return false
}

// position keeps a number that stands for a column of the result.
func (s *statement) position(n *pgparse.Node) {
	switch e := pgparse.Unwrap(n).(type) {
	case *pgparse.A_Const:
		// No result has more columns than four digits say.
		if i := s.at(e.Location); e.GetIval() != nil && e.Location >= 0 && s.toks[i].kind == pgparse.LexemeNumber && len(s.of(i)) <= 4 {
			s.keepAll(n)
		}
	case *pgparse.GroupingSet:
		for _, c := range e.Content {
			s.position(c)
		}
	case *pgparse.RowExpr:
		for _, a := range e.Args {
			s.position(a)
		}
	}
}
