package audit

import (
	"slices"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// BindQueries looks up the tables and columns that statements name in the schemas that the release makes, at the base and at the head. After
// ALTER TABLE t RENAME v TO w, SELECT v FROM t binds at the base only.
// No server is asked. Each statement is judged alone: none changes the schema for the next. unread lists what the schemas lack,
// because it could not be read.
//
// Errors: a *[config.InputError] if the text cannot be read.
func (r *Release) BindQueries(text string) (list []onward.BoundQuery, unread []onward.Opaque, err error) {
	settings := r.a.Settings
	versions, _ := r.a.known.majorVersions(settings)
	report, base, head, err := r.Schemas(versions[len(versions)-1])
	r.a.Settings = settings
	if err != nil {
		return nil, nil, err
	}
	s, err := script.BuildScript(script.Source{Text: text, Parts: []script.Part{{SQL: text}}, Mode: onward.TransactionNone})
	if err != nil {
		return nil, nil, &config.InputError{Err: err}
	}
	list = []onward.BoundQuery{}
	for _, st := range s.Statements {
		q := onward.BoundQuery{SQL: st.SQL, Line: st.Line}
		q.Base, q.Head = r.bindStatement(st, base, settings), r.bindStatement(st, head, settings)
		list = append(list, q)
	}
	return list, report.Opaque, nil
}

// bindStatement judges a statement on one schema.
func (r *Release) bindStatement(st *script.Statement, schema *catalog.Catalog, settings *config.Config) (b onward.Binding) {
	if st.Node == nil {
		b.Note = "not judged: " + st.Err.Error()
		return b
	}
	if schema == nil {
		schema = catalog.New()
	}
	var locks onward.Locks
	reader := &locksReader{know: r.a.known, settings: settings, start: schema, now: schema, zone: settings.Assume.TimeZone}
	reader.readLocks(&locks, st)
	b.Note = locks.Note
	for i := range locks.Variants {
		if v := &locks.Variants[i]; v.Refused != "" {
			b.Refused = append(b.Refused, onward.RefusedQuery{Postgres: v.Postgres, Message: v.Refused})
		}
	}
	b.Unknown = listUnknownRelations(st.Node, schema)
	return b
}

// listUnknownRelations returns the relations of a statement whose columns a schema does not know, and that it does not know to be missing.
func listUnknownRelations(node *pgparse.Node, schema *catalog.Catalog) []string {
	var out []string
	for _, rv := range query.ListRelations(node) {
		n := schema.ResolveName(pgparse.RangeName(rv))
		known := n.Relation != nil && !n.Relation.Inferred && !n.Relation.Partial
		if name := n.Full.String(); !known && !n.IsMissing && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
