package live

import (
	"context"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Schema is what a server holds.
type Schema struct {
	Catalog *catalog.Catalog
	// Major is the server's major version.
	Major int
	// Unread lists what the server has and the catalog does not, a line each:
	// it could not be folded.
	Unread []string
}

// ReadSchema reads the schema of the database at url: nothing but definitions,
// in one snapshot. The error is a [*ServerError] or an [*AddressError].
func ReadSchema(ctx context.Context, url string) (*Schema, error) {
	s, err := open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer s.close(ctx)
	var ddl []string
	for _, q := range definitions {
		if q.since > s.major || q.until != 0 && q.until < s.major {
			continue
		}
		lines, err := s.lines(ctx, q.what, strings.ReplaceAll(q.sql, "@user", userSchemas))
		if err != nil {
			return nil, err
		}
		ddl = append(ddl, lines...)
	}
	c, unread := fold(ddl)
	invalid, err := s.lines(ctx, "invalid indexes", strings.ReplaceAll(invalidSQL, "@user", userSchemas))
	if err != nil {
		return nil, err
	}
	for _, name := range invalid {
		schema, name, _ := strings.Cut(name, "\n")
		if r := c.Lookup(schema, name); r != nil && r.Index != nil {
			// No statement makes such an index. Nobody else has this catalog
			// yet, so it may be changed in place.
			r.Index.Valid = false
		}
	}
	return &Schema{Catalog: c, Major: s.major, Unread: unread}, nil
}

// fold applies definitions. What does not apply yet, because it needs what
// comes later, is tried again once the rest is there.
func fold(ddl []string) (*catalog.Catalog, []string) {
	c := catalog.New()
	c.Complete = true
	var unread []string
	type statement struct {
		node *pgparse.Node
		sql  string
		why  string
	}
	var todo []statement
	for _, sql := range ddl {
		f, err := pgparse.Split(sql)
		if err != nil {
			unread = append(unread, head(sql)+": "+err.Error())
			continue
		}
		for _, st := range f.Stmts {
			text := f.Src[st.Start:st.End]
			if st.Node == nil {
				unread = append(unread, head(text)+": "+st.Err.Error())
				continue
			}
			todo = append(todo, statement{node: st.Node, sql: text})
		}
	}
	for len(todo) > 0 {
		var again []statement
		for _, st := range todo {
			next, problems := c.Apply(st.node, st.sql)
			if len(problems) > 0 && problems[0].Certain {
				st.why = problems[0].Message
				again = append(again, st)
				continue
			}
			c = next
		}
		if len(again) == len(todo) {
			for _, st := range again {
				unread = append(unread, head(st.sql)+": "+st.why)
			}
			break
		}
		todo = again
	}
	for n := c.Unmodelled; n != nil; n = n.Next {
		unread = append(unread, n.Text)
	}
	c.Unmodelled = nil
	c.SearchPath = []string{"public"}
	return c, unread
}

// head is the first words of a definition: what it is about. The rest may be
// anybody's literals.
func head(sql string) string {
	words := strings.Fields(sql)
	if at := strings.IndexByte(strings.Join(words, " "), '('); at > 0 {
		words = strings.Fields(strings.Join(words, " ")[:at])
	}
	return strings.Join(words[:min(len(words), 8)], " ")
}
