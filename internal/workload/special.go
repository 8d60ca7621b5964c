package workload

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// anything are functions that take values of any type, and refuse one whose type nothing
// tells. (https://www.postgresql.org/docs/current/extend-type-system.html)
var anything = []string{
	"concat", "concat_ws", "format", "count", "json_build_object", "json_build_array", "jsonb_build_object", "jsonb_build_array",
	"num_nulls", "num_nonnulls", "pg_typeof", "pg_column_size", "pg_collation_for", "quote_literal", "quote_nullable", "to_json", "to_jsonb",
	"json_object_agg", "jsonb_object_agg", "json_agg", "jsonb_agg", "array_agg",
}

// call handles the arguments that must be told more of, or less.
func (s *statement) call(n *pgparse.FuncCall) {
	if len(n.Funcname) == 0 {
		return
	}
	if n.AggDistinct {
		s.shareAll(slices.Concat(n.Args, n.AggOrder))
	}
	name := n.Funcname[len(n.Funcname)-1].GetString_().GetSval()
	switch {
	case name == "extract" && n.Funcformat == pgparse.CoercionForm_COERCE_SQL_SYNTAX && len(n.Args) > 0:
		s.field(n.Args[0])
	case slices.Contains(anything, name):
		for _, a := range n.Args {
			s.untyped(a)
		}
	default:
		for _, a := range n.Args {
			s.row(a)
		}
	}
}

// untyped gives a string the type text where nothing else tells one.
func (s *statement) untyped(n *pgparse.Node) {
	if c := n.GetAConst(); c != nil && c.Location >= 0 {
		if i := s.at(c.Location); s.toks[i].kind == pgparse.LexemeString {
			s.types[i] = "text"
		}
	}
	s.row(n)
}

// row is untyped for each value of a row that is compared with nothing.
func (s *statement) row(n *pgparse.Node) {
	if r := n.GetRowExpr(); r != nil {
		for _, a := range r.Args {
			s.untyped(a)
		}
	}
}

// fields are those that EXTRACT knows.
var fields = []string{
	"century", "day", "decade", "dow", "doy", "epoch", "hour", "isodow", "isoyear", "julian", "microseconds",
	"millennium", "milliseconds", "minute", "month", "quarter", "second", "timezone", "timezone_hour", "timezone_minute", "week", "year",
}

// field writes EXTRACT('year' FROM …) as EXTRACT(year FROM …): Postgres takes no parameter there.
func (s *statement) field(n *pgparse.Node) {
	c := n.GetAConst()
	if c == nil || c.Location < 0 {
		return
	}
	if i := s.at(c.Location); s.toks[i].kind == pgparse.LexemeString {
		s.put(i, gone)
		if f := strings.ToLower(c.GetSval().GetSval()); slices.Contains(fields, f) {
			s.put(i, f)
		}
	}
}

func (s *statement) put(i int, text string) {
	s.toks[i].fate = unsaid
	s.instead[i] = text
}

var plainPath = regexp.MustCompile(`^'[\w$.\[\]* ,]*'$`)

// path keeps a path into JSON that is names and positions only, and puts its beginning
// for one that compares with values: Postgres takes no parameter in JSON_TABLE.
func (s *statement) path(n *pgparse.Node) {
	c := n.GetAConst()
	if c == nil || c.Location < 0 {
		return
	}
	if i := s.at(c.Location); plainPath.MatchString(s.of(i)) {
		s.toks[i].fate = stays
	} else {
		s.put(i, "'$'")
	}
}

// behavior writes DEFAULT 'x' ON EMPTY with NULL: Postgres takes no parameter there.
func (s *statement) behavior(n *pgparse.Node) {
	if c := n.GetAConst(); c != nil && c.Location >= 0 {
		i := s.at(c.Location)
		if s.is(i, '-') {
			s.toks[i].drop = true
			i++
		}
		if s.toks[i].literal() {
			s.put(i, "NULL")
		}
	}
}

// share gives the literals of equal expressions one parameter, where Postgres holds
// expressions against each other: what is selected must be what is grouped by.
func (s *statement) share(n *pgparse.SelectStmt) {
	if len(n.GroupClause) == 0 && len(n.DistinctClause) == 0 {
		return
	}
	s.shareAll(append(slices.Concat(n.TargetList, n.GroupClause, n.DistinctClause, n.SortClause), n.HavingClause))
}

func (s *statement) shareAll(nodes []*pgparse.Node) {
	seen := map[string][]int{}
	for _, root := range nodes {
		pgparse.Walk(root, func(msg any) bool {
			if _, is := msg.(*pgparse.A_Const); is {
				return false
			}
			list := s.literals(msg)
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
				s.together(first[i], list[i])
			}
			return true
		})
	}
}

// literals are the tokens of the literals below a node that become parameters.
func (s *statement) literals(msg any) []int {
	var out []int
	pgparse.Walk(msg, func(m any) bool {
		c, is := m.(*pgparse.A_Const)
		if !is || c.Location < 0 {
			return true
		}
		i := s.at(c.Location)
		for s.is(i, '-') {
			i++
		}
		if s.toks[i].literal() && s.toks[i].fate == param {
			out = append(out, i)
		}
		return true
	})
	return out
}

// together gives two literals one parameter.
func (s *statement) together(a, b int) {
	a, b = s.root(a), s.root(b)
	if a != b {
		s.same[max(a, b)] = min(a, b)
	}
}

func (s *statement) root(i int) int {
	for {
		other, ok := s.same[i]
		if !ok {
			return i
		}
		i = other
	}
}
