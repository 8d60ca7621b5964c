package queries

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/pgparse"
)

// A function that a program creates when it starts, from files of its own, is code: no
// migration shows what it reads, and it reads it until the new code starts.

// recordRoutine records what the body of a function, or of a DO block, uses. line returns the
// line of an offset in the statement.
func recordRoutine(r *source.File, n *pgparse.Node, statement string, line func(offset int) int) {
	var routine facts.Relation
	var options []*pgparse.Node
	otherwise := "plpgsql"
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.CreateFunctionStmt:
		routine.Schema, routine.Name = pgparse.SchemaAndName(s.GetFuncname())
		options, otherwise = s.GetOptions(), "sql"
	case *pgparse.DoStmt:
		options = s.GetArgs()
	default:
		return
	}
	language, bodies := pgparse.FunctionCode(options)
	if len(bodies) != 1 {
		return
	}
	body := bodies[0]
	bodyStart := strings.Index(statement, body)
	in := func(offset int) int {
		if bodyStart < 0 {
			return line(0) // the body is in doubled quotes
		}
		return line(bodyStart + offset)
	}
	switch cmp.Or(language, otherwise) {
	case "sql":
		recordBodySQL(r, routine, body, in)
	case "plpgsql":
		for _, p := range pgparse.ReadBody(body).Parts {
			recordBodySQL(r, routine, p.SQL, func(offset int) int { return in(p.Offset + offsetInPart(&p, offset)) })
		}
	}
}

// offsetInPart maps an offset in a part's SQL to its text. They differ in one stretch, where
// something was removed or inserted: before and after it, both are equal.
func offsetInPart(p *pgparse.Part, offset int) int {
	prefixLength := 0
	for prefixLength < min(len(p.SQL), len(p.Text)) && p.SQL[prefixLength] == p.Text[prefixLength] {
		prefixLength++
	}
	if offset <= prefixLength {
		return offset
	}
	return max(0, len(p.Text)-(len(p.SQL)-offset))
}

func recordBodySQL(r *source.File, routine facts.Relation, sql string, line func(offset int) int) {
	for _, st := range SplitStatements([]byte(sql)) {
		if st.Node == nil {
			continue
		}
		place := func(offset int) int { return line(st.Start + max(offset, 0)) }
		q, sets := DigestStatement(st.Node, false, place)
		r.Facts.Settings = append(r.Facts.Settings, sets...)
		if q != nil && len(q.Relations)+len(q.Functions)+len(q.Types) > 0 {
			q.Line, q.Routine = place(0), routine
			r.Facts.Queries = append(r.Facts.Queries, *q)
		}
		if q == nil {
			recordRoutine(r, st.Node, sql[st.Start:st.End], place)
		}
		recordAssembledSQL(r, routine, st.Node, sql[st.Start:st.End], place)
	}
}

// recordAssembledSQL records the use in texts of a statement that are SQL: a body assembles SQL from
// them, and runs it with EXECUTE. A list of written columns does not count, because the
// body may add other names. The recursion ends because a text within a text is shorter.
func recordAssembledSQL(r *source.File, routine facts.Relation, n *pgparse.Node, statement string, line func(offset int) int) {
	pgparse.Walk(n, func(msg any) bool {
		c, ok := msg.(*pgparse.A_Const)
		if !ok {
			return true
		}
		text := c.GetSval().GetSval()
		if begins := strings.TrimSpace(text); !BeginsLikeSQL([]byte(text)) && !hasPrefixFold(begins, "create function") &&
			!hasPrefixFold(begins, "create or replace") {
			return true
		}
		if start := strings.Index(statement, text); start >= 0 && len(text) < len(statement) {
			n := len(r.Facts.Queries)
			recordBodySQL(r, routine, text, func(offset int) int { return line(start + offset) })
			for i := n; i < len(r.Facts.Queries); i++ {
				r.Facts.Queries[i].Writes, r.Facts.Queries[i].Open = nil, true
			}
		}
		return true
	})
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
