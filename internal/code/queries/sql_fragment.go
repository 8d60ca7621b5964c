package queries

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// A fragment of SQL is evidence only if it names the tables itself: a condition on
// orders.state, a join.

// maxFragment bounds the length of a fragment.
const maxFragment = 1 << 10

var (
	fragmentName = lazyregexp.New(`\b[a-z_]\w*"?\."?[a-z_]\w*"?\s*(?:=|<|>|!=|\+|-|\*|/|,|\||(?i:is|in|like|ilike|between|asc|desc|not|and|or|as)\b|::|@>|$)|(?:=|<|>|,|\()\s*"?[a-z_]\w*"?\."?[a-z_]\w*"?\s*$|(?i)\bselect\b.*\bfrom\b`)
	fragmentTail = lazyregexp.New(`(?i)^\s*(?:(?:(?:left|right|inner|full|cross)(?:\s+outer)?\s+)?join\s+\S+|where\s)`)
	fragmentMore = lazyregexp.New(`(?i)^\s*(?:and|or)\s`)
	// fragmentConflict matches an ON CONFLICT that code adds to a query.
	fragmentConflict = lazyregexp.New(`(?i)^\s*on\s+conflict\b`)
	fragmentSign     = lazyregexp.New(`[=<>]|(?i)\b(?:is|in|like|asc|desc|join|as)\b`)
)

// hasQualifiedName reports whether a text has a qualified name: a name, a point and a name.
func hasQualifiedName(text []byte) bool {
	for i := 1; i+1 < len(text); i++ {
		if text[i] == '.' && (lexer.NameByte[text[i-1]] || text[i-1] == '"') && (lexer.NameByte[text[i+1]] || text[i+1] == '"') {
			return true
		}
	}
	return false
}

// ReadFragment records what a piece of a query says about tables that it names.
func ReadFragment(r *source.File, l lexer.String) {
	n := l.To - l.From
	if l.Symbol || n < 5 || n > maxFragment {
		return
	}
	text := r.Text[l.From:l.To]
	if start := bytes.TrimLeft(text, " \t\r\n\f"); len(start) > 0 && start[0]|' ' == 'o' && fragmentConflict.Match(text) {
		recordAppendedConflict(r, l)
		return
	}
	if bytes.IndexByte(text, ' ') < 0 || !hasQualifiedName(text) && !bytes.Contains(text, []byte("select ")) && !bytes.Contains(text, []byte("SELECT ")) ||
		!fragmentSign.Match(text) || !fragmentName.Match(text) {
		return
	}
	s := &Text{}
	switch {
	case fragmentTail.Match(text):
		s.SQL = append(s.SQL, "SELECT FROM "+HoleName+" "...)
	case fragmentMore.Match(text):
		s.SQL = append(s.SQL, "SELECT WHERE true "...)
	default:
		s.SQL = append(s.SQL, "SELECT "...)
	}
	s.AddString(r.Text, l, r.Language)
	list := s.parseStatements()
	if len(list) != 1 || list[0].Node == nil {
		return // prose
	}
	q, _ := DigestStatement(list[0].Node, true, func(offset int) int { return r.LineAt(s.fileOffset(max(offset, 0))) })
	if q != nil && len(q.Relations) > 0 {
		q.Line, q.Open = r.LineAt(l.From), true
		r.Facts.Queries = append(r.Facts.Queries, *q)
	}
}

// recordAppendedConflict records an ON CONFLICT that the program adds to a query: to the query before
// it, if that is an incomplete INSERT; otherwise to an unknown one.
func recordAppendedConflict(r *source.File, l lexer.String) {
	s := &Text{SQL: []byte("INSERT INTO " + HoleName + " DEFAULT VALUES ")}
	s.AddString(r.Text, l, r.Language)
	list := s.parseStatements()
	if len(list) == 0 || list[0].Node == nil {
		return
	}
	q, _ := DigestStatement(list[0].Node, true, func(offset int) int { return r.LineAt(s.fileOffset(max(offset, 0))) })
	if q == nil || len(q.Upserts) == 0 {
		return
	}
	q.Line, q.Open = r.LineAt(l.From), true
	if n := len(r.Facts.Queries); n > 0 {
		last := &r.Facts.Queries[n-1]
		if w := len(last.Writes); last.Open && w > 0 && last.Writes[w-1].How == facts.Inserts && q.Line-last.Line < upsertAbove {
			q.Relations = append(q.Relations, last.Relations[last.Writes[w-1].Relation])
			for i := range q.Upserts {
				q.Upserts[i].Relation = len(q.Relations) - 1
			}
		}
	}
	r.Facts.Queries = append(r.Facts.Queries, *q)
}
