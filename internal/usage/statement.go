package usage

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
)

// Statement is a statement of SQL in the code.
type Statement struct {
	// SQL is its text, each value that the program puts in a parameter; "" where it is Open.
	SQL  string
	Line int
	// Name is the one by which a comment in front of it calls it for sqlc; Star: it gives all
	// columns of something, which sqlc writes out in the code that it makes.
	Name string
	Star bool
	// Open: the program puts more into it as it runs than values, or what it says was not
	// understood.
	Open bool
	// Fault says why onward could not read the file; "" for no fault.
	Fault string
}

// Statements gives the statements of one file of the code that work on rows. A file of SQL
// that makes a schema is a script, and no code: it gives none. A fault of onward's own costs
// the file: it gives one statement that is not understood.
func Statements(file string, text []byte) []Statement {
	r := newReader(file, text)
	r.asked = true
	if failed := survive(r.statements); failed != "" {
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

// laysIn reports whether a statement of a file of SQL puts rows in that stand there: a
// program's own INSERT takes values.
func laysIn(s Statement) bool {
	const verb = "INSERT"
	return len(s.SQL) > len(verb) && strings.EqualFold(s.SQL[:len(verb)], verb) && !strings.Contains(s.SQL, "$") && containsFold([]byte(s.SQL), "values")
}

// changesSchema reports whether a statement is one that scripts have, and code does not
// keep in a file of queries.
func changesSchema(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.VariableSetStmt, *pgparse.TransactionStmt, *pgparse.ListenStmt, *pgparse.NotifyStmt, *pgparse.VariableShowStmt:
		return false
	}
	return true
}

var (
	// inOne is IN with one parameter for all, as drivers take that write the list.
	inOne = regexp.MustCompile(`(?i)\bIN\s+(\$\d+)`)
	// named is the comment in front of a query for sqlc, with more of them behind it.
	named = regexp.MustCompile(`(?:--|/\*|#)\s*name:\s*(\S+)\s+:\w+[^\n]*\n(?:\s*(?:--|/\*|#)[^\n]*\n)*\s*$`)
	// parameters are the client's own.
	parameters = regexp.MustCompile(`\$(\d+)`)
)

// namedAbove is how far in front of a query its name stands, at most.
const namedAbove = 2 << 10

// whole is a statement as the driver sends it.
func (r *reader) whole(s *sqlText, st pgparse.Stmt, line int) Statement {
	at := s.place(st.Start)
	out := Statement{Line: line, SQL: r.sent(s, st)}
	if m := named.FindSubmatch(r.text[max(0, at-namedAbove):min(at, len(r.text))]); m != nil {
		out.Name = string(m[1])
	}
	out.Open = out.SQL == ""
	out.Star = st.Node != nil && starred(pgparse.Unwrap(st.Node)) || strings.Contains(string(s.text[st.Start:min(st.End, len(s.text))]), "sqlc.embed")
	return out
}

// sent is the text of a statement with its values as parameters; "" where it is not whole.
func (r *reader) sent(s *sqlText, st pgparse.Stmt) string {
	if s.unfinished {
		return ""
	}
	top := 0
	for _, m := range parameters.FindAllSubmatch(s.without(st.Start, st.End), -1) {
		n, _ := strconv.Atoi(string(m[1]))
		top = max(top, n)
	}
	var b strings.Builder
	done, numbers := st.Start, map[string]int{}
	for _, h := range s.holes {
		if h.to <= st.Start || h.at >= st.End {
			continue // the spaces around a value are no part of a statement
		}
		said := string(r.text[h.said.From:h.said.To])
		switch put := string(s.text[h.at:h.to]); {
		case strings.Contains(put, holeName):
			if !r.value(said, h.said.From) {
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
		sql = workload.Arguments(sql)
	}
	if list := split([]byte(sql)); len(list) != 1 || list[0].Err != nil {
		return ""
	}
	return sql
}

// without is a piece of the text without what was put in.
func (s *sqlText) without(from, to int) []byte {
	out := bytes.Clone(s.text[from:to])
	for _, h := range s.holes {
		for i := max(h.at, from); i < min(h.to, to); i++ {
			out[i-from] = ' '
		}
	}
	return out
}

// rawTag is the tag of a template that is a text and no more.
var rawTag = []byte("String.raw")

// value reports whether what a file says at an offset is a value to its driver where it
// stands for one, although elsewhere it may be anything: %s of Python's drivers, ${…} in a
// template of JavaScript that has a tag.
func (r *reader) value(said string, at int) bool {
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
