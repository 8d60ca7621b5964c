package lsp

import (
	"context"
	"slices"
	"strings"

	"github.com/creachadair/jrpc2"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/report/markdown"
	"github.com/onward-sql/onward/onward"
)

// showHover says what the statement at the cursor locks, and what the name at it means.
func (s *server) showHover(ctx context.Context, r *jrpc2.Request) (any, error) {
	p, err := readParams[placeParams](r)
	if err != nil {
		return nil, err
	}
	d, now, err := s.waitForCurrentResult(ctx, p.TextDocument.URI)
	if err != nil || d == nil || now.drafted == nil {
		return nil, err
	}
	offset := d.text.offsetOf(p.Position)
	object := findCursorObject(d, now.drafted, offset)
	var parts []string
	word, from, to := nameAt(d.text.content, offset)
	if text := object.describeName(word, now.size); text != "" {
		parts = append(parts, text)
	}
	if object.statement != nil {
		parts = append(parts, markdown.DescribeStatement(object.migration, object.index))
	}
	if len(parts) == 0 {
		return nil, nil
	}
	out := hover{Contents: markup{Kind: "markdown", Value: strings.Join(parts, "\n---\n\n")}}
	if formats := s.client.Capabilities.TextDocument.Hover.ContentFormat; len(formats) > 0 && !slices.Contains(formats, "markdown") {
		out.Contents.Kind = "plaintext"
	}
	if object.statement == nil {
		place := d.text.spanOf(from, to)
		out.Range = &place
	}
	return out, nil
}

// waitForCurrentResult returns a document with its project's results, after they are as new as the
// document.
func (s *server) waitForCurrentResult(ctx context.Context, uri string) (*doc, result, error) {
	s.mu.Lock()
	d := s.docs[uri]
	s.mu.Unlock()
	if d == nil || !d.mayBeMigration() {
		return nil, result{}, nil
	}
	now, err := d.project.waitForResult(ctx)
	if err != nil || !d.isMigration() {
		return nil, result{}, err
	}
	docCopy := *d
	docCopy.path = relativePath(now.root, d.file)
	return &docCopy, now, nil
}

// cursorObject is the object at a cursor.
type cursorObject struct {
	// migration and index identify the statement of the report; statement is nil if there
	// is none.
	migration *onward.Migration
	index     int
	statement *onward.Statement
	// schemas are the ones before and after the statement, the later one first.
	schemas []*audit.Catalog
	node    *pgparse.Node // of the statement; nil if it does not parse
}

// findCursorObject finds the statement at an offset of a document.
func findCursorObject(d *doc, drafted *audit.Drafted, offset int) cursorObject {
	out := cursorObject{schemas: []*audit.Catalog{drafted.Schema}}
	m := drafted.Judged[d.path]
	if m == nil {
		if !d.isSQL() {
			return out
		}
		if file, err := pgparse.SplitText(d.text.content); err == nil {
			for i := range file.Stmts {
				if st := &file.Stmts[i]; st.Start <= offset && offset <= st.End {
					out.node = st.Node
				}
			}
		}
		return out
	}
	for _, st := range m.Statements {
		start, end := st.Start, st.End
		if start < 0 { // a call of a program has it: on its line, the last call before the offset counts, or the first one
			if call := d.text.offsetOfLineColumn(st.Line, st.Column); call > offset && out.node != nil {
				continue
			}
			start = d.text.offsetOfLineColumn(st.Line, 1)
			end = start + len(firstLine(d.text.content[start:]))
		}
		if offset < start || offset > end || st.In != "" {
			continue
		}
		out.schemas, out.node = nil, st.Node
		for _, c := range []*audit.Catalog{st.After, st.Before} {
			if c != nil {
				out.schemas = append(out.schemas, c)
			}
		}
		for i := range drafted.Report.Migrations {
			in := &drafted.Report.Migrations[i]
			if in.Path != d.path {
				continue
			}
			for k := range in.Statements {
				if x := &in.Statements[k]; x.Line == st.Line && x.Column == st.Column {
					out.migration, out.index, out.statement = in, k, x
				}
			}
		}
	}
	return out
}

// nameAt returns the name around an offset, with its qualifier: "public.users".
func nameAt(content string, offset int) (name string, from, to int) {
	part := func(c byte) bool {
		return c == '_' || c == '.' || c == '"' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	from, to = offset, offset
	for from > 0 && part(content[from-1]) {
		from--
	}
	for to < len(content) && part(content[to]) {
		to++
	}
	return content[from:to], from, to
}

// describeName says what a name means in the schema; "" if it is not known.
func (l *cursorObject) describeName(word string, size func(catalog.Name) (rows, bytes int64, ok bool)) string {
	var names []string
	for n := range strings.SplitSeq(word, ".") {
		if strings.HasPrefix(n, `"`) {
			n = strings.ReplaceAll(strings.Trim(n, `"`), `""`, `"`)
		} else {
			n = strings.ToLower(n)
		}
		names = append(names, n)
	}
	last := names[len(names)-1]
	if last == "" || len(names) > 3 {
		return ""
	}
	for _, c := range l.schemas {
		schema := ""
		if len(names) == 2 {
			schema = names[0]
		}
		if len(names) < 3 {
			if r := c.Lookup(schema, last); r != nil {
				return describeRelation(c, r, size)
			}
		}
		for _, r := range l.listNamedRelations(c) {
			if col := r.Column(last); col != nil {
				return markdown.DescribeSchema(r.Name.String()+"."+col.Name, "column of a "+r.Kind.String(), describeColumn(c, r, col), 0, 0, false)
			}
		}
	}
	return ""
}

// describeRelation describes a relation.
func describeRelation(c *audit.Catalog, r *catalog.Relation, size func(catalog.Name) (rows, bytes int64, ok bool)) string {
	d := c.DescribeRelation(r)
	parts := slices.Clone(d.Columns)
	parts = append(parts, d.Constraints...)
	for _, x := range d.Indexes {
		parts = append(parts, "index "+x)
	}
	if r.Inferred || r.Partial {
		parts = append(parts, "not all of it is known: no migration was seen to create it")
	}
	rows, bytes, sized := size(r.Name)
	return markdown.DescribeSchema(r.Name.String(), r.Kind.String(), parts, rows, bytes, sized)
}

// describeColumn describes a column, and the objects that use it.
func describeColumn(c *audit.Catalog, r *catalog.Relation, col *catalog.Column) []string {
	parts := []string{col.Words()}
	for _, x := range c.IndexesOf(r) {
		if x.Index != nil && x.Index.UsesColumn(col.Attnum) {
			parts = append(parts, "index "+x.Name.Name)
		}
	}
	if col.Comment != "" {
		parts = append(parts, "comment: "+col.Comment)
	}
	return parts
}

// listNamedRelations returns the relations that a statement names.
func (l *cursorObject) listNamedRelations(c *audit.Catalog) []*catalog.Relation {
	if l.node == nil {
		return nil
	}
	var out []*catalog.Relation
	pgparse.Walk(l.node, func(msg any) bool {
		if rv, ok := msg.(*pgparse.RangeVar); ok {
			if r := c.Lookup(rv.GetSchemaname(), rv.GetRelname()); r != nil && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
		return true
	})
	return out
}
