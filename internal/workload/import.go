package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// Seen is a statement, or a message of several, as another source than the proxy tells of it.
type Seen struct {
	SQL string
	// Role, Sender: who sent it. The sender's calls are those of the statement.
	Role   string
	Sender Sender
	Named  bool
	Calls  int64
	Rows   int64
	MS     float64
	// Refused is the SQLSTATE with which the server refused it; "" where it did not.
	Refused string
}

// Import gathers a workload from statements that another source tells of.
type Import struct {
	source   string
	postgres int
	queries  map[string]*Query
	known    map[string]*Query // by what Lexical makes of the text, and the role
	notes    map[string]bool
}

// NewImport begins an import. Source is what Workload.Sources is to name.
func NewImport(source string) *Import {
	return &Import{source: source, queries: map[string]*Query{}, known: map[string]*Query{}, notes: map[string]bool{}}
}

// Postgres says which major version the source is of.
func (im *Import) Postgres(major int) { im.postgres = major }

// Note adds a sentence on what could not be taken over.
func (im *Import) Note(format string, args ...any) { im.notes[fmt.Sprintf(format, args...)] = true }

// Add adds what was seen.
func (im *Import) Add(s Seen) {
	key := string(Lexical(nil, s.SQL)) + "\x00" + s.Role
	if q := im.known[key]; q != nil {
		im.count(q, s)
		return
	}
	parts, err := Split(s.SQL)
	if err != nil {
		im.Note("a statement was left out: %v", err)
		return
	}
	for _, part := range parts {
		q := im.one(part, s.Role)
		if len(parts) == 1 {
			im.known[key] = q
		}
		im.count(q, s)
		s.MS, s.Rows = 0, 0 // those of the message
	}
}

// one is the query of a statement.
func (im *Import) one(sql, role string) *Query {
	n := Normalise(sql)
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
	q.Mark = markOf(n)
	im.queries[id] = q
	return q
}

// markOf is the mark of a statement that nothing is known of but its text.
func markOf(n Normal) Mark {
	switch n.Kind {
	case Other:
		return Session
	case DDL:
		return Migration
	case Select:
		if introspects(n.SQL) {
			return Introspection
		}
	}
	return Code
}

// introspects reports whether a query reads the system's catalogs, and nothing else.
func introspects(sql string) bool {
	f, err := pgparse.Split(sql)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		return false
	}
	some := false
	for _, r := range query.Relations(f.Stmts[0].Node) {
		if r.Schemaname != "pg_catalog" && r.Schemaname != "information_schema" && (r.Schemaname != "" || !strings.HasPrefix(r.Relname, "pg_")) {
			return false
		}
		some = true
	}
	return some
}

func (im *Import) count(q *Query, s Seen) {
	if s.Refused != "" {
		q.Errors = refusals(q.Errors, map[string]int64{s.Refused: 1})
		return
	}
	q.Calls, q.Rows, q.MS = sum(q.Calls, s.Calls), sum(q.Rows, s.Rows), micro(q.MS+s.MS)
	if s.Calls == 1 {
		q.MostRows = max(q.MostRows, s.Rows)
	}
	q.Named = q.Named || s.Named
	if s.Sender != (Sender{}) {
		s.Sender.Calls = s.Calls
		q.Senders = senders(q.Senders, []Sender{s.Sender})
	}
}

// Workload is what was gathered. Nobody was asked what its queries use.
func (im *Import) Workload() *Workload {
	w := &Workload{Schema: Schema, Postgres: im.postgres, Sources: []string{im.source}, Notes: slices.Sorted(maps.Keys(im.notes))}
	for _, id := range slices.Sorted(maps.Keys(im.queries)) {
		w.Queries = append(w.Queries, *im.queries[id])
	}
	return w
}
