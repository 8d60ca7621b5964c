package usage

import (
	"bytes"
	"regexp"
)

// A fragment of SQL says something only where it names the tables itself: a condition
// on orders.state, a join.

// maxFragment is how long one is, at most.
const maxFragment = 1 << 10

var (
	fragmentName = regexp.MustCompile(`\b[a-z_]\w*"?\."?[a-z_]\w*"?\s*(?:=|<|>|!=|\+|-|\*|/|,|\||(?i:is|in|like|ilike|between|asc|desc|not|and|or|as)\b|::|@>|$)|(?:=|<|>|,|\()\s*"?[a-z_]\w*"?\."?[a-z_]\w*"?\s*$|(?i)\bselect\b.*\bfrom\b`)
	fragmentTail = regexp.MustCompile(`(?i)^\s*(?:(?:(?:left|right|inner|full|cross)(?:\s+outer)?\s+)?join\s+\S+|where\s)`)
	fragmentMore = regexp.MustCompile(`(?i)^\s*(?:and|or)\s`)
	// fragmentConflict is ON CONFLICT by itself, as what is added to a query.
	fragmentConflict = regexp.MustCompile(`(?i)^\s*on\s+conflict\b`)
	fragmentSign     = regexp.MustCompile(`[=<>]|(?i)\b(?:is|in|like|asc|desc|join|as)\b`)
)

// dotted reports whether a text has a name with another one behind a point.
func dotted(text []byte) bool {
	for i := 1; i+1 < len(text); i++ {
		if text[i] == '.' && (nameByte[text[i-1]] || text[i-1] == '"') && (nameByte[text[i+1]] || text[i+1] == '"') {
			return true
		}
	}
	return false
}

// fragment notes what a piece of a query says of tables that it names.
func (r *reader) fragment(l literal) {
	n := l.to - l.from
	if l.symbol || n < 5 || n > maxFragment {
		return
	}
	text := r.text[l.from:l.to]
	if fragmentConflict.Match(text) {
		r.conflict(l)
		return
	}
	if bytes.IndexByte(text, ' ') < 0 || !dotted(text) && !bytes.Contains(text, []byte("select ")) && !bytes.Contains(text, []byte("SELECT ")) || !fragmentSign.Match(text) || !fragmentName.Match(text) {
		return
	}
	s := &sqlText{}
	switch {
	case fragmentTail.Match(text):
		s.text = append(s.text, "SELECT FROM "+holeName+" "...)
	case fragmentMore.Match(text):
		s.text = append(s.text, "SELECT WHERE true "...)
	default:
		s.text = append(s.text, "SELECT "...)
	}
	s.add(r.text, l, r.d)
	list := s.parse()
	if len(list) != 1 || list[0].Node == nil {
		return // prose
	}
	q, _ := digestOf(list[0].Node, true, func(at int) int { return r.lineAt(s.place(max(at, 0))) })
	if q != nil && len(q.Relations) > 0 {
		q.Line, q.Open = r.lineAt(l.from), true
		r.facts.Queries = append(r.facts.Queries, *q)
	}
}

// conflict notes an ON CONFLICT that the program adds to a query: to the one in front of
// it, where that is an INSERT which is not whole; else to any.
func (r *reader) conflict(l literal) {
	s := &sqlText{text: []byte("INSERT INTO " + holeName + " DEFAULT VALUES ")}
	s.add(r.text, l, r.d)
	list := s.parse()
	if len(list) == 0 || list[0].Node == nil {
		return
	}
	q, _ := digestOf(list[0].Node, true, func(at int) int { return r.lineAt(s.place(max(at, 0))) })
	if q == nil || len(q.Upserts) == 0 {
		return
	}
	q.Line, q.Open = r.lineAt(l.from), true
	if n := len(r.facts.Queries); n > 0 {
		last := &r.facts.Queries[n-1]
		if w := len(last.Writes); last.Open && w > 0 && last.Writes[w-1].How == Inserts && q.Line-last.Line < upsertAbove {
			q.Relations = append(q.Relations, last.Relations[last.Writes[w-1].Relation])
			for i := range q.Upserts {
				q.Upserts[i].Relation = len(q.Relations) - 1
			}
		}
	}
	r.facts.Queries = append(r.facts.Queries, *q)
}
