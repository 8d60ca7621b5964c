package usage

import (
	"bytes"
	"path"
	"slices"
	"strings"

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

// typedCodeEnd returns the offset up to which a file is code whose rows must fit their target.
// Tests do not count. It is 0 for other languages.
func (r *reader) typedCodeEnd() int {
	switch path.Ext(r.path) {
	case ".go":
		if !bytes.Contains(r.text, []byte("\t\"testing\"\n")) {
			return len(r.text)
		}
	case ".rs":
		if n := bytes.Index(r.text, []byte("#[cfg(test)]")); n >= 0 {
			return n
		}
		return len(r.text)
	}
	return 0
}

// recordAllColumnsQueries records the relations of which a query returns all columns. line returns the line of
// an offset in the statement.
func (r *reader) recordAllColumnsQueries(n *pgparse.Node, line func(at int) int) {
	if r.typedEnd == 0 {
		return
	}
	how := Reads
	stmt := pgparse.Unwrap(n)
	switch stmt.(type) {
	case *pgparse.SelectStmt:
	case *pgparse.InsertStmt:
		how = Inserts
	case *pgparse.UpdateStmt, *pgparse.MergeStmt:
		how = Updates
	case *pgparse.DeleteStmt:
		how = Deletes
	default:
		return
	}
	if !returnsAllColumns(stmt) {
		return
	}
	list, others := query.BindStatement(n, query.NoRelations{}).WholeRelations()
	for _, w := range list {
		schema, name := pgparse.RangeName(w.Source.Range)
		if hasHole(name) {
			continue
		}
		if hasHole(schema) {
			schema = ""
		}
		at := w.At
		if how != Reads {
			at = 0 // RETURNING is at the end
		}
		r.addAllColumnsQuery(AllColumnsQuery{Relation: Relation{schema, name, line(at), how}, As: w.As, Others: others + 1})
	}
}

func (r *reader) addAllColumnsQuery(q AllColumnsQuery) {
	r.facts.AllColumnsQueries = append(r.facts.AllColumnsQueries, q)
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
func (r *reader) recordLooseAllColumns(text string, q *Query) {
	if r.typedEnd == 0 {
		return
	}
	others := 0
	if len(q.Relations) == 1 {
		others = 1
	}
	if m := looseStar.FindStringSubmatch(text); m != nil && !hasHole(m[3]) && (m[1] == "" || strings.EqualFold(m[1], m[3]) || strings.EqualFold(m[1], m[4])) {
		r.addAllColumnsQuery(AllColumnsQuery{Relation: Relation{strings.ToLower(m[2]), strings.ToLower(m[3]), q.Line, Reads}, As: m[1], Others: others})
	}
	if len(q.Writes) == 1 && looseReturning.MatchString(text) {
		of := q.Relations[q.Writes[0].Relation]
		r.addAllColumnsQuery(AllColumnsQuery{Relation: Relation{of.Schema, of.Name, q.Line, q.Writes[0].How}, Others: others})
	}
}

// recordTargets records, for the queries from index first on, the targets of their rows. Their SQL is
// in some strings of a Go program.
func (r *reader) recordTargets(first, from, to int) {
	if first == len(r.facts.AllColumnsQueries) {
		return
	}
	if open := r.lits[from].open; open >= r.typedEnd {
		r.facts.AllColumnsQueries = r.facts.AllColumnsQueries[:first]
		return
	}
	if r.d != goLike {
		return
	}
	of := r.facts.AllColumnsQueries[first]
	for _, at := range r.driverCalls(r.lits[from].open, r.lits[to].end) {
		head, rest := r.text[max(0, at.From-starAbove):at.From], functionRest(r.text[at.To:])
		last := lastStatement(head)
		of.Exact = of.Exact || exactRows.Match(rest) || exactRows.Match(last)
		of.Fitting = of.Fitting || scanyRows.Match(rest) || scanyRows.Match(last)
		of.Sqlx = of.Sqlx || sqlxCall.Match(head) || bytes.Contains(rest, []byte("StructScan("))
		if n := countScanTargets(rest); n > 0 && !slices.Contains(of.Scans, n) {
			of.Scans = append(of.Scans, n)
		}
	}
	for i := first; i < len(r.facts.AllColumnsQueries); i++ {
		s := &r.facts.AllColumnsQueries[i]
		s.Exact, s.Fitting, s.Sqlx, s.Scans = of.Exact, of.Fitting, of.Sqlx, of.Scans
	}
}

// driverCalls returns the places at which SQL is passed to the driver. This is the SQL itself. If
// it is assigned to a name, it is every use of the name: in the whole file, or, for a
// function's own variable, in the rest of the function until the name gets another value.
func (r *reader) driverCalls(from, to int) []Span {
	m := starHeld.FindSubmatch(r.text[max(0, from-starAbove):from])
	if m == nil {
		return []Span{{From: from, To: to}}
	}
	name := m[1]
	begin, end, own := r.scopeOf(from, to)
	var out []Span
	for at := begin; at < end; {
		n := bytes.Index(r.text[at:end], name)
		if n < 0 {
			break
		}
		start, stop := at+n, at+n+len(name)
		at = stop
		switch {
		case nameByte[r.text[start-1]] || stop < len(r.text) && nameByte[r.text[stop]], r.inLiteral(start), isInSpans(r.notes, start):
		case !becomes.Match(r.text[stop:min(len(r.text), stop+starAbove)]):
			out = append(out, Span{From: start, To: stop})
		case own:
			return out
		}
	}
	return out
}

// scopeOf returns the range in which the name of a text may be used: the rest of the function
// around it, or the whole file.
func (r *reader) scopeOf(from, to int) (begin, end int, own bool) {
	function := bytes.LastIndex(r.text[:from], []byte("\nfunc "))
	if function < 0 || bytes.Contains(r.text[function:from], []byte("\n}")) {
		return 1, len(r.text), false
	}
	if end = bytes.Index(r.text[to:], []byte("\n}")); end < 0 {
		return to, len(r.text), true
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
	at := bytes.Index(text, scanCall)
	if at < 0 {
		return 0
	}
	depth, count := 0, 1
	args := bytes.TrimRight(text[at+len(scanCall):], " \t\r\n")
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
