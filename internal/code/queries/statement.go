package queries

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
)

// belongsInScript reports whether a statement belongs in a script, and not in a file of
// queries.
func belongsInScript(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.VariableSetStmt, *pgparse.TransactionStmt, *pgparse.ListenStmt, *pgparse.NotifyStmt, *pgparse.VariableShowStmt:
		return false
	}
	return true
}

var (
	// inOne matches IN with one parameter for the whole list, which some drivers expand.
	inOne = lazyregexp.New(`(?i)\bIN\s+(\$\d+)`)
	// queryNameComment matches the comment with a query's name for sqlc, and further comments after it.
	queryNameComment = lazyregexp.New(`(?:--|/\*|#)\s*name:\s*(\S+)\s+:\w+[^\n]*\n(?:\s*(?:--|/\*|#)[^\n]*\n)*\s*$`)
	// parameters matches the client's own parameters.
	parameters = lazyregexp.New(`\$(\d+)`)
)

// namedAbove is how many bytes before a query are searched for its name.
const namedAbove = 2 << 10

// statementAsSent returns a statement as the driver sends it.
func statementAsSent(r *source.File, s *Text, st pgparse.Stmt, line int) facts.Statement {
	start := s.fileOffset(st.Start)
	out := facts.Statement{Line: line, SQL: parameterizedText(r, s, st)}
	if m := queryNameComment.FindSubmatch(r.Text[max(0, start-namedAbove):min(start, len(r.Text))]); m != nil {
		out.Name = string(m[1])
	}
	out.Open = out.SQL == ""
	out.Star = st.Node != nil && returnsAllColumns(pgparse.Unwrap(st.Node)) || strings.Contains(string(s.SQL[st.Start:min(st.End, len(s.SQL))]), "sqlc.embed")
	return out
}

// parameterizedText returns the text of a statement with its values as parameters; "" if it is incomplete.
func parameterizedText(r *source.File, s *Text, st pgparse.Stmt) string {
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
		expression := string(r.Text[h.source.From:h.source.To])
		switch placeholder := string(s.SQL[h.at:h.to]); {
		case strings.Contains(placeholder, HoleName):
			if !isDriverPlaceholder(r, expression, h.source.From) {
				return ""
			}
		case placeholder != parameter:
			continue
		}
		b.Write(s.SQL[done:max(done, h.at)])
		done = min(h.to, st.End)
		n := numbers[expression]
		if n == 0 || expression == "" || expression == "?" || expression == "%s" {
			top++
			n = top
			numbers[expression] = n
		}
		b.WriteString(" $" + strconv.Itoa(n) + " ")
	}
	b.Write(s.SQL[done:st.End])
	sql := inOne.ReplaceAllString(b.String(), "IN ($1)")
	if strings.Contains(sql, "sqlc.") {
		sql = workload.NumberArguments(sql)
	}
	if list := SplitStatements([]byte(sql)); len(list) != 1 || list[0].Err != nil {
		return ""
	}
	return sql
}

// textWithoutHoles returns a piece of the text without the inserted parts.
func (s *Text) textWithoutHoles(from, to int) []byte {
	out := bytes.Clone(s.SQL[from:to])
	for _, h := range s.holes {
		for i := max(h.at, from); i < min(h.to, to); i++ {
			out[i-from] = ' '
		}
	}
	return out
}

// rawTag is the tag of a template that is plain text.
var rawTag = []byte("String.raw")

// isDriverPlaceholder reports whether text at an offset is a value for the driver in this place, although
// elsewhere it may be anything: %s of Python's drivers, ${…} in a JavaScript template with a
// tag.
func isDriverPlaceholder(r *source.File, expression string, offset int) bool {
	switch path.Ext(r.Path) {
	case ".py":
		rest := bytes.TrimLeft(r.Text[min(r.SQLEnd, len(r.Text)):], " \t\r\n)")
		return expression == "%s" && !bytes.HasPrefix(rest, []byte("%"))
	case ".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".jsx", ".vue", ".svelte":
		if !strings.HasPrefix(expression, "${") {
			return false
		}
		for _, l := range r.Strings {
			if l.From <= offset && offset < l.To {
				before := r.Text[:l.Open]
				return len(before) > 0 && (lexer.NameByte[before[len(before)-1]] || before[len(before)-1] == '>') && !bytes.HasSuffix(before, rawTag)
			}
		}
	}
	return false
}
