package usage

import (
	"bytes"
	"regexp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// readsWhole reports whether a query returns every row of one relation: it has no condition and no limit, and it
// calls no function, because that may be an aggregate.
func readsWhole(s *pgparse.SelectStmt) bool {
	if s == nil || len(s.GetFromClause()) != 1 || s.GetFromClause()[0].GetRangeVar() == nil || s.GetWhereClause() != nil || s.GetLimitCount() != nil ||
		s.GetHavingClause() != nil || len(s.GetGroupClause())+len(s.GetDistinctClause()) > 0 || s.GetLarg() != nil || s.GetWithClause() != nil {
		return false
	}
	calls := false
	for _, target := range s.GetTargetList() {
		pgparse.Walk(target, func(msg any) bool {
			switch msg.(type) {
			case *pgparse.FuncCall, *pgparse.SubLink:
				calls = true
			}
			return !calls
		})
	}
	return !calls
}

// ReadWhole returns the queries that read all rows of a relation at once.
func (b *Bound) ReadWhole(n catalog.Name) []Use {
	var out []Use
	b.eachNamingQuery(n, func(path string, q *Query, i int) {
		if q.Whole && !q.Open && q.Routine.Name == "" {
			out = append(out, Use{path, q.Relations[i].Line, Reads, Parsed, rankQuery})
		}
	})
	return b.rankUses(out)
}

// IsWordNear reports whether a pattern matches in the lines around one of some names. Names in queries do not
// count, because a query has its own facts.
func (s *Source) IsWordNear(words []string, near *regexp.Regexp, lines int) bool {
	for _, w := range words {
		for at := 0; w != ""; {
			i := bytes.Index(s.text[at:], []byte(w))
			if i < 0 {
				break
			}
			from, to := at+i, at+i+len(w)
			at = to
			if from > 0 && nameByte[s.text[from-1]] || to < len(s.text) && nameByte[s.text[to]] {
				continue
			}
			if in, ok := s.String(from); ok && in.Query {
				continue
			}
			if near.Match(s.textAround(from, to, lines)) {
				return true
			}
		}
	}
	return false
}

// textAround returns a range of the text with some lines before and after it.
func (s *Source) textAround(from, to, lines int) []byte {
	for range lines + 1 {
		from = bytes.LastIndexByte(s.text[:max(from, 0)], '\n')
		if n := bytes.IndexByte(s.text[min(to, len(s.text)):], '\n'); n >= 0 {
			to += n + 1
		} else {
			to = len(s.text)
		}
	}
	return s.text[max(from, 0):min(to, len(s.text))]
}
