package workload

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// polymorphicFunctions lists functions that take values of any type, but refuse one whose type cannot be
// determined. (https://www.postgresql.org/docs/current/extend-type-system.html)
var polymorphicFunctions = []string{
	"concat", "concat_ws", "format", "count", "json_build_object", "json_build_array", "jsonb_build_object", "jsonb_build_array",
	"num_nulls", "num_nonnulls", "pg_typeof", "pg_column_size", "pg_collation_for", "quote_literal", "quote_nullable", "to_json", "to_jsonb",
	"json_object_agg", "jsonb_object_agg", "json_agg", "jsonb_agg", "array_agg",
}

// visitCall handles functions whose arguments need a more precise type, or may not be parameters.
func (s *statement) visitCall(n *pgparse.FuncCall) {
	if len(n.Funcname) == 0 {
		return
	}
	if n.AggDistinct {
		s.shareEqualExpressions(slices.Concat(n.Args, n.AggOrder))
	}
	name := n.Funcname[len(n.Funcname)-1].GetString_().GetSval()
	switch {
	case name == "extract" && n.Funcformat == pgparse.CoercionForm_COERCE_SQL_SYNTAX && len(n.Args) > 0:
		s.writeExtractField(n.Args[0])
	case slices.Contains(polymorphicFunctions, name):
		for _, a := range n.Args {
			s.castToText(a)
		}
	default:
		for _, a := range n.Args {
			s.castRowToText(a)
		}
	}
}

// castToText gives a string the type text if its context determines no type.
func (s *statement) castToText(n *pgparse.Node) {
	if c := n.GetAConst(); c != nil && c.Location >= 0 {
		if i := s.tokenAt(c.Location); s.toks[i].kind == pgparse.LexemeString {
			s.types[i] = "text"
		}
	}
	s.castRowToText(n)
}

// castRowToText calls untyped for each value of a row that is not compared with anything.
func (s *statement) castRowToText(n *pgparse.Node) {
	if r := n.GetRowExpr(); r != nil {
		for _, a := range r.Args {
			s.castToText(a)
		}
	}
}

// fields are the fields of EXTRACT.
var fields = []string{
	"century", "day", "decade", "dow", "doy", "epoch", "hour", "isodow", "isoyear", "julian", "microseconds",
	"millennium", "milliseconds", "minute", "month", "quarter", "second", "timezone", "timezone_hour", "timezone_minute", "week", "year",
}

// writeExtractField writes EXTRACT('year' FROM …) as EXTRACT(year FROM …): Postgres allows no parameter
// there.
func (s *statement) writeExtractField(n *pgparse.Node) {
	c := n.GetAConst()
	if c == nil || c.Location < 0 {
		return
	}
	if i := s.tokenAt(c.Location); s.toks[i].kind == pgparse.LexemeString {
		s.replaceToken(i, removedLiteral)
		if f := strings.ToLower(c.GetSval().GetSval()); slices.Contains(fields, f) {
			s.replaceToken(i, f)
		}
	}
}

func (s *statement) replaceToken(i int, text string) {
	s.toks[i].fate = unsaid
	s.instead[i] = text
}

var plainPath = lazyregexp.New(`^'[\w$.\[\]* ,]*'$`)

// replaceJSONPath keeps a JSON path that has only names and positions, and replaces a path that compares
// with values by its beginning: Postgres allows no parameter in JSON_TABLE.
func (s *statement) replaceJSONPath(n *pgparse.Node) {
	c := n.GetAConst()
	if c == nil || c.Location < 0 {
		return
	}
	if i := s.tokenAt(c.Location); plainPath.MatchString(s.tokenText(i)) {
		s.toks[i].fate = stays
	} else {
		s.replaceToken(i, "'$'")
	}
}

// replaceJSONDefault writes DEFAULT 'x' ON EMPTY with NULL: Postgres allows no parameter there.
func (s *statement) replaceJSONDefault(n *pgparse.Node) {
	if c := n.GetAConst(); c != nil && c.Location >= 0 {
		i := s.tokenAt(c.Location)
		if s.isByte(i, '-') {
			s.toks[i].drop = true
			i++
		}
		if s.toks[i].isLiteral() {
			s.replaceToken(i, "NULL")
		}
	}
}

// shareEqualLiterals gives the literals of equal expressions one parameter if Postgres compares the
// expressions: a selected expression must equal the one in GROUP BY.
func (s *statement) shareEqualLiterals(n *pgparse.SelectStmt) {
	if len(n.GroupClause) == 0 && len(n.DistinctClause) == 0 {
		return
	}
	s.shareEqualExpressions(append(slices.Concat(n.TargetList, n.GroupClause, n.DistinctClause, n.SortClause), n.HavingClause))
}

func (s *statement) shareEqualExpressions(nodes []*pgparse.Node) {
	seen := map[string][]int{}
	for _, root := range nodes {
		pgparse.Walk(root, func(msg any) bool {
			if _, isConst := msg.(*pgparse.A_Const); isConst {
				return false
			}
			list := s.parameterTokens(msg)
			if len(list) == 0 {
				return false
			}
			shape := pgparse.ShapeOf(msg)
			first, known := seen[shape]
			if !known || shape == "" {
				seen[shape] = list
				return true
			}
			for i := range min(len(first), len(list)) {
				s.shareParameter(first[i], list[i])
			}
			return true
		})
	}
}

// parameterTokens returns the tokens of the literals below a node that become parameters.
func (s *statement) parameterTokens(msg any) []int {
	var out []int
	pgparse.Walk(msg, func(m any) bool {
		c, isConst := m.(*pgparse.A_Const)
		if !isConst || c.Location < 0 {
			return true
		}
		i := s.tokenAt(c.Location)
		for s.isByte(i, '-') {
			i++
		}
		if s.toks[i].isLiteral() && s.toks[i].fate == param {
			out = append(out, i)
		}
		return true
	})
	return out
}

// shareParameter gives two literals the same parameter.
func (s *statement) shareParameter(a, b int) {
	a, b = s.rootToken(a), s.rootToken(b)
	if a != b {
		s.same[max(a, b)] = min(a, b)
	}
}

func (s *statement) rootToken(i int) int {
	for {
		other, ok := s.same[i]
		if !ok {
			return i
		}
		i = other
	}
}
