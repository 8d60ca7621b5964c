package queries

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// Most languages ignore a new column in SELECT *. In Go a row must fit its target, and
// Rust's sqlx keeps using a plan that the server no longer accepts.

var (
	// sqlxCall matches the calls of jmoiron/sqlx, before their SQL, that read rows into
	// structs, or return rows that do.
	sqlxCall = lazyregexp.New(`\.(?:Select|Get|Queryx|QueryRowx|NamedQuery|Preparex|PrepareNamed)(?:Context)?\([^;{}]*$`)
	// exactRows matches readers of pgx that accept no column without a field, and no field
	// without a column. scanyRows matches readers of scany, which accept no column without
	// a field.
	exactRows = lazyregexp.New(`\bpgx\.RowTo(?:AddrOf)?StructBy(?:Name|Pos)\[`)
	scanyRows = lazyregexp.New(`\b(?:pgxscan|sqlscan|dbscan)\.(?:Select|Get|Scan)\w*\(`)
	scanCall  = []byte(".Scan(")
	// starHeld matches the assignment of a text to a constant or variable.
	starHeld = lazyregexp.New(`(\w+)\s*(?::?=|string\s*=)\s*(?:fmt\.Sprintf\(\s*)?$`)
	// becomes matches the text after a name that gets another value.
	becomes = lazyregexp.New(`^(?:\s*,\s*\w+)*(?:\s+string)?\s*:?=[^=]`)
)

const (
	// starReach is how many bytes after its SQL are searched for the code that reads the
	// rows of a query; starAbove is how many bytes before it are searched.
	starReach = 3 << 10
	starAbove = 300
)

// FindTypedCodeEnd returns the offset up to which a file is code whose rows must fit their target.
// Tests do not count. It is 0 for other languages.
func FindTypedCodeEnd(r *source.File) int {
	switch path.Ext(r.Path) {
	case ".go":
		if !bytes.Contains(r.Text, []byte("\t\"testing\"\n")) {
			return len(r.Text)
		}
	case ".rs":
		if n := bytes.Index(r.Text, []byte("#[cfg(test)]")); n >= 0 {
			return n
		}
		return len(r.Text)
	}
	return 0
}

// recordAllColumnsQueries records the relations of which a query returns all columns. line returns the line of
// an offset in the statement.
func recordAllColumnsQueries(r *source.File, n *pgparse.Node, line func(offset int) int) {
	if r.TypedEnd == 0 {
		return
	}
	access := facts.Reads
	stmt := pgparse.Unwrap(n)
	switch stmt.(type) {
	case *pgparse.SelectStmt:
	case *pgparse.InsertStmt:
		access = facts.Inserts
	case *pgparse.UpdateStmt, *pgparse.MergeStmt:
		access = facts.Updates
	case *pgparse.DeleteStmt:
		access = facts.Deletes
	default:
		return
	}
	if !returnsAllColumns(stmt) {
		return
	}
	list, otherCount := query.BindStatement(n, query.NoRelations{}).WholeRelations()
	for _, w := range list {
		schema, name := pgparse.RangeName(w.Source.Range)
		if HasHole(name) {
			continue
		}
		if HasHole(schema) {
			schema = ""
		}
		offset := w.At
		if access != facts.Reads {
			offset = 0 // RETURNING is at the end
		}
		addAllColumnsQuery(r, facts.AllColumnsQuery{Relation: facts.Relation{Schema: schema, Name: name, Line: line(offset), How: access}, As: w.As,
			Others: otherCount + 1})
	}
}

func addAllColumnsQuery(r *source.File, q facts.AllColumnsQuery) {
	r.Facts.AllColumnsQueries = append(r.Facts.AllColumnsQueries, q)
}

// returnsAllColumns reports whether a statement returns all columns of something.
func returnsAllColumns(stmt any) bool {
	if s, ok := stmt.(*pgparse.SelectStmt); ok && s.GetLarg() != nil {
		return returnsAllColumns(s.GetLarg()) || returnsAllColumns(s.GetRarg())
	}
	return slices.ContainsFunc(query.OutputList(stmt), func(n *pgparse.Node) bool {
		return pgparse.EndsInStar(n.GetResTarget().GetVal().GetColumnRef())
	})
}

// SELECT * and RETURNING * in SQL that the grammar cannot read.
var (
	looseStar      = lazyregexp.New(`(?i)^\W*select\s+(?:(\w+)\.)?\*\s+from\s+(?:"?(\w+)"?\s*\.\s*)?"?(\w+)"?(?:\s+(?:as\s+)?(\w+)\b)?`)
	looseReturning = lazyregexp.New(`(?i)\breturning\s+\*`)
)

// recordLooseAllColumns records the queries on all columns in such SQL.
func recordLooseAllColumns(r *source.File, text string, q *facts.Query) {
	if r.TypedEnd == 0 {
		return
	}
	othersPlusOne := 0
	if len(q.Relations) == 1 {
		othersPlusOne = 1
	}
	if m := looseStar.FindStringSubmatch(text); m != nil && !HasHole(m[3]) && (m[1] == "" || strings.EqualFold(m[1], m[3]) || strings.EqualFold(m[1], m[4])) {
		from := facts.Relation{Schema: strings.ToLower(m[2]), Name: strings.ToLower(m[3]), Line: q.Line, How: facts.Reads}
		addAllColumnsQuery(r, facts.AllColumnsQuery{Relation: from, As: m[1], Others: othersPlusOne})
	}
	if len(q.Writes) == 1 && looseReturning.MatchString(text) {
		target := q.Relations[q.Writes[0].Relation]
		addAllColumnsQuery(r, facts.AllColumnsQuery{Relation: facts.Relation{Schema: target.Schema, Name: target.Name, Line: q.Line, How: q.Writes[0].How},
			Others: othersPlusOne})
	}
}

// RecordTargets records, for the queries from index first on, the targets of their rows. Their SQL is
// in some strings of a Go program.
func RecordTargets(r *source.File, first, from, to int) {
	if first == len(r.Facts.AllColumnsQueries) {
		return
	}
	if open := r.Strings[from].Open; open >= r.TypedEnd {
		r.Facts.AllColumnsQueries = r.Facts.AllColumnsQueries[:first]
		return
	}
	if r.Language != lexer.Go {
		return
	}
	starQuery := r.Facts.AllColumnsQueries[first]
	for _, call := range findDriverCalls(r, r.Strings[from].Open, r.Strings[to].End) {
		head, rest := r.Text[max(0, call.From-starAbove):call.From], functionRest(r.Text[call.To:])
		last := lastStatement(head)
		starQuery.Exact = starQuery.Exact || exactRows.Match(rest) || exactRows.Match(last)
		starQuery.Fitting = starQuery.Fitting || scanyRows.Match(rest) || scanyRows.Match(last)
		starQuery.Sqlx = starQuery.Sqlx || sqlxCall.Match(head) || bytes.Contains(rest, []byte("StructScan("))
		if n := countScanTargets(rest); n > 0 && !slices.Contains(starQuery.Scans, n) {
			starQuery.Scans = append(starQuery.Scans, n)
		}
	}
	for i := first; i < len(r.Facts.AllColumnsQueries); i++ {
		s := &r.Facts.AllColumnsQueries[i]
		s.Exact, s.Fitting, s.Sqlx, s.Scans = starQuery.Exact, starQuery.Fitting, starQuery.Sqlx, starQuery.Scans
	}
}

// findDriverCalls returns the places at which SQL is passed to the driver. This is the SQL itself. If
// it is assigned to a name, it is every use of the name: in the whole file, or, for a
// function's own variable, in the rest of the function until the name gets another value.
func findDriverCalls(r *source.File, from, to int) []lexer.Span {
	m := starHeld.FindSubmatch(r.Text[max(0, from-starAbove):from])
	if m == nil {
		return []lexer.Span{{From: from, To: to}}
	}
	name := m[1]
	begin, end, inFunction := variableScope(r, from, to)
	var out []lexer.Span
	for offset := begin; offset < end; {
		n := bytes.Index(r.Text[offset:end], name)
		if n < 0 {
			break
		}
		start, stop := offset+n, offset+n+len(name)
		offset = stop
		switch {
		case lexer.NameByte[r.Text[start-1]] || stop < len(r.Text) && lexer.NameByte[r.Text[stop]], r.IsInString(start), lexer.IsInSpans(r.Comments, start):
		case !becomes.Match(r.Text[stop:min(len(r.Text), stop+starAbove)]):
			out = append(out, lexer.Span{From: start, To: stop})
		case inFunction:
			return out
		}
	}
	return out
}

// variableScope returns the range in which the name of a text may be used: the rest of the function
// around it, or the whole file.
func variableScope(r *source.File, from, to int) (begin, end int, inFunction bool) {
	function := bytes.LastIndex(r.Text[:from], []byte("\nfunc "))
	if function < 0 || bytes.Contains(r.Text[function:from], []byte("\n}")) {
		return 1, len(r.Text), false
	}
	if end = bytes.Index(r.Text[to:], []byte("\n}")); end < 0 {
		return to, len(r.Text), true
	}
	return to, to + end, true
}

// functionRest returns the rest of a Go function.
func functionRest(rest []byte) []byte {
	rest = rest[:min(len(rest), starReach)]
	if n := bytes.Index(rest, []byte("\n}")); n >= 0 {
		rest = rest[:n]
	}
	return rest
}

// lastStatement returns the end of a text after the last semicolon or brace.
func lastStatement(text []byte) []byte {
	if n := bytes.LastIndexAny(text, ";{}"); n >= 0 {
		text = text[n:]
	}
	return text
}

// countScanTargets counts the targets of the first Scan in a text; 0 if it has none, or if the targets
// are a slice.
func countScanTargets(text []byte) int {
	start := bytes.Index(text, scanCall)
	if start < 0 {
		return 0
	}
	depth, count := 0, 1
	args := bytes.TrimRight(text[start+len(scanCall):], " \t\r\n")
	for i, c := range args {
		switch c {
		case '(', '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 && !bytes.HasPrefix(bytes.TrimLeft(args[i+1:], " \t\r\n"), []byte(")")) {
				count++
			}
		case ')':
			if depth--; depth < 0 {
				if i == 0 || bytes.HasSuffix(args[:i], []byte("...")) {
					return 0
				}
				return count
			}
		}
	}
	return 0
}
