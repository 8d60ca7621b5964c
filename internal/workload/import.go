package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
