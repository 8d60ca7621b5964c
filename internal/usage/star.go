package usage

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// A column more in SELECT * is passed over in most languages. In Go a row must fit what
// it is read into, and sqlx of Rust goes on with a plan that the server no longer takes.

var (
	// sqlxCall are the calls of jmoiron/sqlx that put rows into structs, or make rows
	// that do, in front of their SQL.
	sqlxCall = regexp.MustCompile(`\.(?:Select|Get|Queryx|QueryRowx|NamedQuery|Preparex|PrepareNamed)(?:Context)?\([^;{}]*$`)
	// exactRows are the readers of pgx that take no column without a field, and no field
	// without a column; scanyRows are those of scany, which take no column without a field.
	exactRows = regexp.MustCompile(`\bpgx\.RowTo(?:AddrOf)?StructBy(?:Name|Pos)\[`)
	scanyRows = regexp.MustCompile(`\b(?:pgxscan|sqlscan|dbscan)\.(?:Select|Get|Scan)\w*\(`)
	scanCall  = []byte(".Scan(")
	// starHeld is the constant or variable that holds a text, in front of it.
	starHeld = regexp.MustCompile(`(\w+)\s*(?::?=|string\s*=)\s*(?:fmt\.Sprintf\(\s*)?$`)
	// becomes is what stands behind a name that gets another value.
	becomes = regexp.MustCompile(`^(?:\s*,\s*\w+)*(?:\s+string)?\s*:?=[^=]`)
)

const (
	// starReach is how far behind its SQL the rows of a query are read, at most, and
	// starAbove how far in front of it what reads them begins.
	starReach = 3 << 10
	starAbove = 300
)

// takes is up to where a file is code whose rows must fit what they are read into, and
// is no test; 0 for one of another language.
func (r *reader) takes() int {
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

// star notes the relations of which a query gives all columns. line tells the line of an
// offset of the statement.
func (r *reader) star(n *pgparse.Node, line func(at int) int) {
	if r.taking == 0 {
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
	if !starred(stmt) {
		return
	}
	list, others := query.Bind(n, query.Nothing{}).Wholes()
	for _, w := range list {
		schema, name := pgparse.RangeName(w.Source.Range)
		if hole(name) {
			continue
		}
		if hole(schema) {
			schema = ""
		}
		at := w.At
		if how != Reads {
			at = 0 // RETURNING stands at the end
		}
		r.facts.Stars = append(r.facts.Stars, Star{Relation: Relation{schema, name, line(at), how}, As: w.As, Others: others + 1})
	}
}

// starred reports whether a statement gives all columns of something.
func starred(stmt any) bool {
	if s, ok := stmt.(*pgparse.SelectStmt); ok && s.GetLarg() != nil {
		return starred(s.GetLarg()) || starred(s.GetRarg())
	}
	return slices.ContainsFunc(query.Given(stmt), func(n *pgparse.Node) bool {
		return pgparse.EndsInStar(n.GetResTarget().GetVal().GetColumnRef())
	})
}

// SELECT * and RETURNING * of SQL that the grammar does not read.
var (
	looseStar      = regexp.MustCompile(`(?i)^\W*select\s+(?:(\w+)\.)?\*\s+from\s+(?:"?(\w+)"?\s*\.\s*)?"?(\w+)"?(?:\s+(?:as\s+)?(\w+)\b)?`)
	looseReturning = regexp.MustCompile(`(?i)\breturning\s+\*`)
)

// looseStars notes the stars of such SQL.
func (r *reader) looseStars(text string, q *Query) {
	if r.taking == 0 {
		return
	}
	others := 0
	if len(q.Relations) == 1 {
		others = 1
	}
	if m := looseStar.FindStringSubmatch(text); m != nil && !hole(m[3]) && (m[1] == "" || strings.EqualFold(m[1], m[3]) || strings.EqualFold(m[1], m[4])) {
		r.facts.Stars = append(r.facts.Stars, Star{Relation: Relation{strings.ToLower(m[2]), strings.ToLower(m[3]), q.Line, Reads}, As: m[1], Others: others})
	}
	if len(q.Writes) == 1 && looseReturning.MatchString(text) {
		of := q.Relations[q.Writes[0].Relation]
		r.facts.Stars = append(r.facts.Stars, Star{Relation: Relation{of.Schema, of.Name, q.Line, q.Writes[0].How}, Others: others})
	}
}

// taken tells of the stars from one on, whose SQL is some strings of a program of Go,
// what their rows are read into.
func (r *reader) taken(first, from, to int) {
	if first == len(r.facts.Stars) {
		return
	}
	if open := r.lits[from].open; open >= r.taking {
		r.facts.Stars = r.facts.Stars[:first]
		return
	}
	if r.d != goLike {
		return
	}
	of := r.facts.Stars[first]
	for _, at := range r.given(r.lits[from].open, r.lits[to].end) {
		head, rest := r.text[max(0, at.From-starAbove):at.From], function(r.text[at.To:])
		last := lastStatement(head)
		of.Exact = of.Exact || exactRows.Match(rest) || exactRows.Match(last)
		of.Fitting = of.Fitting || scanyRows.Match(rest) || scanyRows.Match(last)
		of.Sqlx = of.Sqlx || sqlxCall.Match(head) || bytes.Contains(rest, []byte("StructScan("))
		if n := scans(rest); n > 0 && !slices.Contains(of.Scans, n) {
			of.Scans = append(of.Scans, n)
		}
	}
	for i := first; i < len(r.facts.Stars); i++ {
		s := &r.facts.Stars[i]
		s.Exact, s.Fitting, s.Sqlx, s.Scans = of.Exact, of.Fitting, of.Sqlx, of.Scans
	}
}

// given are the places at which a text of SQL is given to the driver: where it stands,
// or, for one that has a name, where the file says that; where it is a function's own, in
// that function, until the name stands for something else.
func (r *reader) given(from, to int) []Span {
	m := starHeld.FindSubmatch(r.text[max(0, from-starAbove):from])
	if m == nil {
		return []Span{{From: from, To: to}}
	}
	name := m[1]
	begin, end, own := r.body(from, to)
	var out []Span
	for at := begin; at < end; {
		n := bytes.Index(r.text[at:end], name)
		if n < 0 {
			break
		}
		start, stop := at+n, at+n+len(name)
		at = stop
		switch {
		case nameByte[r.text[start-1]] || stop < len(r.text) && nameByte[r.text[stop]], r.inLiteral(start), within(r.notes, start):
		case !becomes.Match(r.text[stop:min(len(r.text), stop+starAbove)]):
			out = append(out, Span{From: start, To: stop})
		case own:
			return out
		}
	}
	return out
}

// body is where the name of a text may stand: in the rest of the function that it is in,
// or anywhere in the file.
func (r *reader) body(from, to int) (begin, end int, own bool) {
	function := bytes.LastIndex(r.text[:from], []byte("\nfunc "))
	if function < 0 || bytes.Contains(r.text[function:from], []byte("\n}")) {
		return 1, len(r.text), false
	}
	if end = bytes.Index(r.text[to:], []byte("\n}")); end < 0 {
		return to, len(r.text), true
	}
	return to, to + end, true
}

// function is the rest of a function of Go.
func function(rest []byte) []byte {
	rest = rest[:min(len(rest), starReach)]
	if n := bytes.Index(rest, []byte("\n}")); n >= 0 {
		rest = rest[:n]
	}
	return rest
}

// lastStatement is the last line of a text, and what it is the end of.
func lastStatement(text []byte) []byte {
	if n := bytes.LastIndexAny(text, ";{}"); n >= 0 {
		text = text[n:]
	}
	return text
}

// scans counts the places that the first Scan of a text fills; 0 when it has none, or
// fills those of a list.
func scans(text []byte) int {
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
