package usage

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
)

// Statement is a statement of SQL in the code.
type Statement struct {
	// SQL is its text, with a parameter for each value that the program inserts; "" if it is
	// Open.
	SQL  string
	Line int
	// Name is its name in a comment for sqlc before it. Star is set if it returns all columns
	// of something, which sqlc writes out in its generated code.
	Name string
	Star bool
	// Open is set if the program inserts more than values at run time, or if the statement
	// was not understood.
	Open bool
	// Fault says why onward could not read the file; "" if it could.
	Fault string
}

// Statements returns the statements in one file of the code that work on rows. An SQL file
// that creates a schema is a script, and no code: it has none. If onward itself fails on a
// file, it returns one statement that is not understood.
func Statements(file string, text []byte) []Statement {
	r := newReader(file, text)
	r.asked = true
	if failed := catchPanic(r.readSQL); failed != "" {
		return []Statement{{Line: 1, Open: true, Fault: failed}}
	}
	if r.d == nil && r.makes {
		return nil
	}
	if QueryFile(file) {
		r.wholes = slices.DeleteFunc(r.wholes, laysIn)
	}
	return r.wholes
}

// laysIn reports whether a statement of an SQL file inserts rows that are written in it: a
// program's own INSERT has parameters.
func laysIn(s Statement) bool {
	const verb = "INSERT"
	return len(s.SQL) > len(verb) && strings.EqualFold(s.SQL[:len(verb)], verb) && !strings.Contains(s.SQL, "$") && containsFold([]byte(s.SQL), "values")
}

// changesSchema reports whether a statement belongs in a script, and not in a file of
// queries.
func changesSchema(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.VariableSetStmt, *pgparse.TransactionStmt, *pgparse.ListenStmt, *pgparse.NotifyStmt, *pgparse.VariableShowStmt:
		return false
	}
	return true
}

var (
	// inOne matches IN with one parameter for the whole list, which some drivers expand.
	inOne = lazyregexp.New(`(?i)\bIN\s+(\$\d+)`)
	// named matches the comment with a query's name for sqlc, and further comments after it.
	named = lazyregexp.New(`(?:--|/\*|#)\s*name:\s*(\S+)\s+:\w+[^\n]*\n(?:\s*(?:--|/\*|#)[^\n]*\n)*\s*$`)
	// parameters matches the client's own parameters.
	parameters = lazyregexp.New(`\$(\d+)`)
)

// namedAbove is how many bytes before a query are searched for its name.
const namedAbove = 2 << 10

// statementAsSent returns a statement as the driver sends it.
func (r *reader) statementAsSent(s *sqlText, st pgparse.Stmt, line int) Statement {
	at := s.fileOffset(st.Start)
	out := Statement{Line: line, SQL: r.parameterizedText(s, st)}
	if m := named.FindSubmatch(r.text[max(0, at-namedAbove):min(at, len(r.text))]); m != nil {
		out.Name = string(m[1])
	}
	out.Open = out.SQL == ""
	out.Star = st.Node != nil && returnsAllColumns(pgparse.Unwrap(st.Node)) || strings.Contains(string(s.text[st.Start:min(st.End, len(s.text))]), "sqlc.embed")
	return out
}

// parameterizedText returns the text of a statement with its values as parameters; "" if it is incomplete.
func (r *reader) parameterizedText(s *sqlText, st pgparse.Stmt) string {
	if s.unfinished {
		return ""
	}
	top := 0
	for _, m := range parameters.FindAllSubmatch(s.textWithoutHoles(st.Start, st.End), -1) {
		n, _ := strconv.Atoi(string(m[1]))
		top = max(top, n)
	}
	var b strings.Builder
	done, numbers := st.Start, map[string]int{}
	for _, h := range s.holes {
		if h.to <= st.Start || h.at >= st.End {
			continue // spaces around a value do not belong to the statement
		}
		said := string(r.text[h.source.From:h.source.To])
		switch put := string(s.text[h.at:h.to]); {
		case strings.Contains(put, holeName):
			if !r.isDriverValue(said, h.source.From) {
				return ""
			}
		case put != parameter:
			continue
		}
		b.Write(s.text[done:max(done, h.at)])
		done = min(h.to, st.End)
		n := numbers[said]
		if n == 0 || said == "" || said == "?" || said == "%s" {
			top++
			n = top
			numbers[said] = n
		}
		b.WriteString(" $" + strconv.Itoa(n) + " ")
	}
	b.Write(s.text[done:st.End])
	sql := inOne.ReplaceAllString(b.String(), "IN ($1)")
	if strings.Contains(sql, "sqlc.") {
		sql = workload.NumberArguments(sql)
	}
	if list := splitStatements([]byte(sql)); len(list) != 1 || list[0].Err != nil {
		return ""
	}
	return sql
}

// textWithoutHoles returns a piece of the text without the inserted parts.
func (s *sqlText) textWithoutHoles(from, to int) []byte {
	out := bytes.Clone(s.text[from:to])
	for _, h := range s.holes {
		for i := max(h.at, from); i < min(h.to, to); i++ {
			out[i-from] = ' '
		}
	}
	return out
}

// rawTag is the tag of a template that is plain text.
var rawTag = []byte("String.raw")

// isDriverValue reports whether text at an offset is a value for the driver in this place, although
// elsewhere it may be anything: %s of Python's drivers, ${…} in a JavaScript template with a
// tag.
func (r *reader) isDriverValue(said string, at int) bool {
	switch path.Ext(r.path) {
	case ".py":
		rest := bytes.TrimLeft(r.text[min(r.ends, len(r.text)):], " \t\r\n)")
		return said == "%s" && !bytes.HasPrefix(rest, []byte("%"))
	case ".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".jsx", ".vue", ".svelte":
		if !strings.HasPrefix(said, "${") {
			return false
		}
		for _, l := range r.lits {
			if l.from <= at && at < l.to {
				before := r.text[:l.open]
				return len(before) > 0 && (nameByte[before[len(before)-1]] || before[len(before)-1] == '>') && !bytes.HasSuffix(before, rawTag)
			}
		}
	}
	return false
}
