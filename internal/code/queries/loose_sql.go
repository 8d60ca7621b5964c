package queries

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
)

// RecordStatements records the queries of a text. A statement that cannot be parsed is read loosely, by its words.
func RecordStatements(r *source.File, s *Text) {
	for _, st := range s.parseStatements() {
		from := st.Start
		line := func(offset int) int { return r.LineAt(s.fileOffset(from + max(offset, 0))) }
		if st.Node == nil {
			text := string(s.SQL[st.Start:st.End])
			if q := readLooseQuery(text, line); q != nil {
				q.Line = line(0)
				r.Facts.Queries = append(r.Facts.Queries, *q)
				recordLooseAllColumns(r, text, q)
				if r.KeepStatements {
					r.Statements = append(r.Statements, statementAsSent(r, s, st, q.Line))
				}
			}
			continue
		}
		q, sets := DigestStatement(st.Node, false, line)
		r.Facts.Settings = append(r.Facts.Settings, sets...)
		if q == nil {
			recordRoutine(r, st.Node, string(s.SQL[st.Start:st.End]), line)
			r.CreatesSchema = r.CreatesSchema || belongsInScript(st.Node)
			continue
		}
		q.Line = line(0)
		recordAllColumnsQueries(r, st.Node, line)
		if s.unfinished || s.hasInsertedNames(st.Start, st.End) {
			q.Open = true
		}
		r.Facts.Queries = append(r.Facts.Queries, *q)
		if r.KeepStatements {
			r.Statements = append(r.Statements, statementAsSent(r, s, st, q.Line))
		}
	}
}

// hasInsertedNames reports whether a statement has names, or larger pieces, that the program
// inserts.
func (s *Text) hasInsertedNames(from, to int) bool {
	return slices.ContainsFunc(s.holes, func(h Hole) bool {
		return h.at >= from && h.to <= to && strings.Contains(string(s.SQL[h.at:h.to]), HoleName)
	})
}

var (
	looseSource = lazyregexp.New(`(?i)\b(from|join|into|update|using|truncate(?:\s+table)?|copy)\s+(?:only\s+|lateral\s+)?((?:"?\w+"?\s*\.\s*)?"?[A-Za-z_][\w$]*"?)(\s*\()?(?:\s+(?:as\s+)?(\w+))?`)
	looseName   = lazyregexp.New(`(?:"?([A-Za-z_]\w*)"?\s*\.\s*)?"?([A-Za-z_]\w*)"?(\s*\()?`)
	looseText   = lazyregexp.New(`'(?:[^']|'')*'|--[^\n]*|/\*(?s:.*?)\*/`)
	notLoose    = lazyregexp.New(`(?i)(?:\bdo|\bfor(?:\s+no\s+key)?)\s+update\b|\bdistinct\s+from\b|\b(?:extract|substring|trim|overlay)\s*\([^()]*?\sfrom\b|\busing\s*\(`)
	looseSign   = lazyregexp.New(`\b(?:SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|JOIN|VALUES|SET)\b|[=<>(*]|` + HoleName)
	looseBegins = lazyregexp.New(`(?i)^\W*(?:with\s+(?:recursive\s+)?\w+.*?\bas\b|select\b.*\bfrom\s|insert\s+into\s|update\s+\S+\s.*\bset\s|delete\s+from\s|merge\s+into\s|copy\s+\S+)`)
	// looseCompares matches a comparison of whole rows, as Query.Compares says.
	looseCompares = lazyregexp.New(`(?i)\bselect\s+distinct\b|\bgroup\s+by\b|\b(?:union|intersect|except)\s+(?:distinct\s+)?\(?\s*select\b`)
	// looseConflict matches ON CONFLICT with an unknown target.
	looseConflict = lazyregexp.New(`(?i)\bon\s+conflict\b`)
	looseWith     = lazyregexp.New(`(?i)(?:\bwith\s+(?:recursive\s+)?|\)\s*,\s*)(\w+)(?:\s*\([^()]*\))?\s+as\s+(?:(?:not\s+)?materialized\s+)?\(`)
)

// readLooseQuery records the facts in SQL that the grammar cannot read, for example because the
// program inserts large parts of it. It only looks at words. It returns nil if the text
// is no SQL.
func readLooseQuery(text string, line func(int) int) *facts.Query {
	blank := func(s string) string { return strings.Repeat(" ", len(s)) }
	text = looseText.ReplaceAllStringFunc(text, blank)
	if !looseBegins.MatchString(strings.Join(strings.Fields(text), " ")) || !looseSign.MatchString(text) {
		return nil
	}
	l := &looseQuery{text: notLoose.ReplaceAllStringFunc(text, blank), line: line, q: &facts.Query{Open: true}, alias: map[string]int{}, named: map[int]bool{}}
	l.recordRelations()
	q := l.q
	if len(q.Relations) == 0 {
		return nil
	}
	if match := looseConflict.FindStringIndex(text); match != nil && len(q.Writes) > 0 {
		q.Upserts = []facts.Upsert{{Relation: q.Writes[len(q.Writes)-1].Relation, Line: line(match[0]), Target: facts.Target{Open: true, Where: true}}}
	}
	q.Compares = looseCompares.MatchString(l.text)
	l.recordNames()
	return q
}

// looseQuery is a query that is read by its words.
type looseQuery struct {
	text string
	line func(int) int
	q    *facts.Query
	// all are its sources, alias the ones with an alias, and named the offsets of their
	// names.
	all   []int
	alias map[string]int
	named map[int]bool
}

// recordRelations records the relations that it reads and writes.
func (l *looseQuery) recordRelations() {
	cteNames := map[string]bool{}
	for _, m := range looseWith.FindAllStringSubmatch(l.text, -1) {
		cteNames[strings.ToLower(m[1])] = true
	}
	for _, m := range looseSource.FindAllStringSubmatchIndex(l.text, -1) {
		verb := strings.ToLower(l.text[m[2]:m[3]])
		name := l.text[m[4]:m[5]]
		if m[6] >= 0 && verb != "into" || cteNames[strings.ToLower(name)] || HasHole(name) {
			l.all = append(l.all, facts.OtherSource)
			continue
		}
		l.named[m[4]] = true
		schema, table := "", name
		if n := strings.LastIndexByte(name, '.'); n >= 0 {
			schema, table = foldName(name[:n]), name[n+1:]
		}
		table = foldName(table)
		rel := facts.Relation{Schema: schema, Name: table, Line: l.line(m[4]), How: looseHow(verb, l.text[:m[2]])}
		index := len(l.q.Relations)
		l.q.Relations = append(l.q.Relations, rel)
		if rel.How != facts.Reads {
			l.q.Writes = append(l.q.Writes, facts.Write{Relation: index, How: rel.How, Line: rel.Line})
		}
		l.all = append(l.all, index)
		l.alias[table] = index
		if m[8] >= 0 {
			l.alias[strings.ToLower(l.text[m[8]:m[9]])] = index
		}
	}
}

// looseHow returns what a word before a relation does with it. before is the text before
// the word.
func looseHow(verb, before string) facts.How {
	switch {
	case verb == "into":
		return facts.Inserts
	case verb == "update":
		return facts.Updates
	case verb == "from" && strings.HasSuffix(strings.ToLower(strings.TrimSpace(before)), "delete"):
		return facts.Deletes
	case strings.HasPrefix(verb, "truncate"):
		return facts.Truncates
	case verb == "copy":
		return facts.Copies
	}
	return facts.Reads
}

// recordNames records the names that may be its functions and columns.
func (l *looseQuery) recordNames() {
	q := l.q
	for _, m := range looseName.FindAllStringSubmatchIndex(l.text, -1) {
		name := foldName(l.text[m[4]:m[5]])
		if m[6] >= 0 && !HasHole(name) && len(q.Functions) < maxLoose {
			q.Functions = append(q.Functions, facts.FunctionCall{Relation: facts.Relation{Name: name, Line: l.line(m[4])}})
		}
		if m[6] >= 0 || l.named[m[0]] || HasHole(name) || len(q.Columns) == maxLoose {
			continue
		}
		sources := l.all
		if m[2] >= 0 {
			index, ok := l.alias[foldName(l.text[m[2]:m[3]])]
			if !ok {
				continue
			}
			sources = []int{index}
		}
		q.Columns = append(q.Columns, facts.Column{Name: name, Line: l.line(m[4]), How: facts.Reads, Of: sources})
	}
}

// maxLoose bounds the names that are recorded from such a text.
const maxLoose = 2000

// foldName returns a name as the server reads it.
func foldName(name string) string {
	name = strings.TrimSpace(name)
	if strings.HasPrefix(name, `"`) {
		return strings.Trim(name, `"`)
	}
	return strings.ToLower(name)
}

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
