package workload

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// Seen is a statement, or a message of several, as reported by a source other than the proxy.
type Seen struct {
	SQL string
	// Role and Sender say who sent it. The sender's number of calls is Calls.
	Role   string
	Sender Sender
	Named  bool
	Calls  int64
	Rows   int64
	MS     float64
	// Refused is the SQLSTATE with which the server refused it; "" if it did not.
	Refused string
}

// Import builds a workload from the statements of such a source.
type Import struct {
	source   string
	postgres int
	queries  map[string]*Query
	known    map[string]*Query // by the lexical key of the text (AppendLexicalKey), and the role
	notes    map[string]bool
}

// NewImport begins an import. source is the name that Workload.Sources will list.
func NewImport(source string) *Import {
	return &Import{source: source, queries: map[string]*Query{}, known: map[string]*Query{}, notes: map[string]bool{}}
}

// Postgres sets the major version of the source.
func (im *Import) Postgres(major int) { im.postgres = major }

// Note adds a sentence about something that could not be imported.
func (im *Import) Note(format string, args ...any) { im.notes[fmt.Sprintf(format, args...)] = true }

// Add adds a statement, unless onward itself sent it. Comments of the statement may name its sender.
func (im *Import) Add(s Seen) {
	if isFromOnward(&s) {
		return
	}
	s.Sender = s.Sender.addTags(ReadTags(s.SQL))
	key := string(AppendLexicalKey(nil, s.SQL)) + "\x00" + s.Role
	if q := im.known[key]; q != nil {
		im.countCalls(q, s)
		return
	}
	parts, err := SplitMessage(s.SQL)
	if err != nil {
		im.Note("a statement was left out: %v", err)
		return
	}
	for _, part := range parts {
		q := im.findOrAddQuery(part, s.Role)
		if len(parts) == 1 {
			im.known[key] = q
		}
		im.countCalls(q, s)
		s.MS, s.Rows = 0, 0 // time and rows are known for the whole message only
	}
}

// findOrAddQuery returns the Query of a statement, and creates it if it is new.
func (im *Import) findOrAddQuery(sql, role string) *Query {
	n := Normalize(sql)
	id := Fingerprint(n.SQL, "", role)
	if q := im.queries[id]; q != nil {
		return q
	}
	q := &Query{ID: id, SQL: n.SQL, Kind: n.Kind, Params: n.Params, Role: role, Unread: n.Unread}
	for i, p := range q.Params {
		if p == "" {
			q.Params[i] = "unknown"
		}
	}
	q.Mark = statementMark(n)
	im.queries[id] = q
	return q
}

// statementMark returns the mark of a statement of which only the text is known.
func statementMark(n Normal) Mark {
	switch n.Kind {
	case Other:
		return Session
	case DDL:
		return Migration
	case Select:
		if readsOnlyCatalogs(n.SQL) {
			return Introspection
		}
	}
	return Code
}

// readsOnlyCatalogs reports whether a query reads only the system catalogs.
func readsOnlyCatalogs(sql string) bool {
	statement := pgparse.ParseStatement(sql)
	if statement == nil {
		return false
	}
	some := false
	for _, r := range query.ListRelations(statement) {
		if r.Schemaname != "pg_catalog" && r.Schemaname != "information_schema" && (r.Schemaname != "" || !strings.HasPrefix(r.Relname, "pg_")) {
			return false
		}
		some = true
	}
	return some
}

func (im *Import) countCalls(q *Query, s Seen) {
	if s.Refused != "" {
		q.Errors = mergeRefusals(q.Errors, map[string]int64{s.Refused: 1})
		return
	}
	q.Calls, q.Rows, q.MS = addCapped(q.Calls, s.Calls), addCapped(q.Rows, s.Rows), roundMicroseconds(q.MS+s.MS)
	if s.Calls == 1 {
		q.MostRows = max(q.MostRows, s.Rows)
	}
	q.Named = q.Named || s.Named
	if s.Sender != (Sender{}) {
		s.Sender.Calls = s.Calls
		q.Senders = mergeSenders(q.Senders, []Sender{s.Sender})
	}
}

// Workload returns the imported workload. No server has resolved what its queries use.
func (im *Import) Workload() *Workload {
	w := &Workload{Schema: Schema, Postgres: im.postgres, Sources: []string{im.source}, Notes: slices.Sorted(maps.Keys(im.notes))}
	for _, id := range slices.Sorted(maps.Keys(im.queries)) {
		w.Queries = append(w.Queries, *im.queries[id])
	}
	return w
}

// OwnSchemas are the schemas that onward makes: for its ledger, the state of a plan, rehearsals and recordings.
var OwnSchemas = []string{"onward_ledger", "onward_fleet", "onward", "onward_record", "onward_rehearsal"}

// isFromOnward reports whether onward itself sent a statement: by its application_name, or because the statement works on a
// schema of onward's.
func isFromOnward(s *Seen) bool {
	if a := s.Sender.Application; a == "onward" || strings.HasPrefix(a, "onward ") {
		return true
	}
	if !strings.Contains(s.SQL, "onward") {
		return false
	}
	for offset := 0; ; {
		x := pgparse.NextLexeme(s.SQL, offset)
		offset = x.End
		switch x.Kind {
		case pgparse.LexemeEnd:
			return false
		case pgparse.LexemeWord, pgparse.LexemeQuoted:
			name := strings.ToLower(strings.Trim(s.SQL[x.Start:x.End], `"`))
			if slices.Contains(OwnSchemas, name) && (strings.HasPrefix(s.SQL[offset:], ".") || name != "onward") {
				return true
			}
		}
	}
}

// ReadQueries reads a file of queries. Their number of calls is 0, because it is unknown. Their places are file and
// line.
func (im *Import) ReadQueries(file, text string) error {
	f, err := pgparse.SplitText(text)
	if err != nil {
		return err
	}
	lines := pgparse.NewLines(text)
	for i := range f.Stmts {
		st := &f.Stmts[i]
		line, _ := lines.Position(st.Start)
		im.AddAt(file, line, f.Src[st.Start:st.End])
	}
	return nil
}

// AddAt adds a statement found in a file, with 0 calls.
func (im *Import) AddAt(file string, line int, sql string) {
	im.Add(Seen{SQL: sql, Sender: Sender{Place: formatPlace(file, line)}})
}

var queryName = lazyregexp.New(`(?m)^[ \t]*(?:--|/\*|#)\s*name:\s*(\S+)\s+(:\w+)`)

// ReadNamedQueries reads a file of queries for sqlc: "-- name: GetUser :one" before each query, and @arg,
// sqlc.arg('x'), sqlc.narg, sqlc.slice and sqlc.embed inside. Their places are file, line and name.
func (im *Import) ReadNamedQueries(file, text string) error {
	heads := queryName.FindAllStringSubmatchIndex(text, -1)
	lines := pgparse.NewLines(text)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		line, _ := lines.Position(h[0])
		sql := NumberArguments(text[h[1]:end])
		parts, err := SplitMessage(sql)
		if err != nil {
			return err
		}
		for _, part := range parts {
			im.Add(Seen{SQL: part, Sender: Sender{Place: formatPlace(file, line) + " " + text[h[2]:h[3]]}})
		}
	}
	if len(heads) == 0 {
		return im.ReadQueries(file, text)
	}
	return nil
}

// NumberArguments replaces the named arguments of a query for sqlc (@x, sqlc.arg('x')) with $1, $2 …. Arguments of one name
// become one parameter.
func NumberArguments(sql string) string {
	var b strings.Builder
	t := &text{}
	t.splitTokens(sql)
	done, numbers, top := 0, map[string]int{}, 0
	for i := range t.toks {
		if t.toks[i].kind == pgparse.LexemeParam {
			n, _ := strconv.Atoi(t.tokenText(i)[1:])
			top = max(top, n)
		}
	}
	for i := 0; i < len(t.toks); i++ {
		name, next, kind := t.readArgument(i)
		if next == 0 {
			continue
		}
		b.WriteString(sql[done:t.toks[i].start])
		switch {
		case kind == "embed":
			b.WriteString(name + ".*")
		default:
			if numbers[name] == 0 {
				top++
				numbers[name] = top
			}
			b.WriteString("$" + strconv.Itoa(numbers[name]))
		}
		done = int(t.toks[next-1].end)
		i = next - 1
	}
	b.WriteString(sql[done:])
	return b.String()
}

// readArgument returns the name and kind of the argument that begins at a token, and the token after it; 0 if none begins
// there.
func (t *text) readArgument(i int) (name string, next int, kind string) {
	if t.isByte(i, '@') && i+1 < len(t.toks) && t.toks[i+1].kind == pgparse.LexemeWord && !t.toks[i+1].space &&
		(i == 0 || t.toks[i-1].kind != pgparse.LexemeOther || t.toks[i].space || t.isByte(i-1, '(') || t.isByte(i-1, ',') || t.isByte(i-1, '=')) {
		return t.tokenText(i + 1), i + 2, "arg"
	}
	if !t.isKeyword(i, "SQLC") || !t.isByte(i+1, '.') || !t.isKeyword(i+2, "ARG", "NARG", "SLICE", "EMBED") || !t.isByte(i+3, '(') || !t.isByte(i+5, ')') {
		return "", 0, ""
	}
	return strings.Trim(t.tokenText(i+4), `'"`), i + 6, strings.ToLower(t.tokenText(i + 2))
}
