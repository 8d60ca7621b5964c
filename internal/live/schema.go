package live

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Schema is the schema of a server's database.
type Schema struct {
	Catalog *catalog.Catalog
	// Major is the server's major version.
	Major int
	// Unread describes what the server has and the catalog does not, one line each: it
	// could not be applied.
	Unread []string
}

// ReadSchema reads the schema of the database at url, nothing but definitions, in one
// snapshot. The error is a [*ServerError] or an [*address.Error].
func ReadSchema(ctx context.Context, url string) (*Schema, error) {
	s, err := openSession(ctx, url)
	if err != nil {
		return nil, err
	}
	defer s.closeSession(ctx)
	return s.readSchema(ctx)
}

// ReadSchemas is [ReadSchema] for some schemas of the database. The catalog is not complete.
func ReadSchemas(ctx context.Context, url string, names []string) (*Schema, error) {
	s, err := openSession(ctx, url)
	if err != nil {
		return nil, err
	}
	defer s.closeSession(ctx)
	if err := s.selectSchemas(ctx, names); err != nil {
		return nil, err
	}
	schema, err := s.readSchema(ctx)
	if err == nil {
		schema.Catalog.Complete = false
	}
	return schema, err
}

// ReadSchemaAsPublic reads one schema of the database at url, as if its name was public. The catalog is not complete.
func ReadSchemaAsPublic(ctx context.Context, url, name string) (*Schema, error) {
	out, err := ReadSchemas(ctx, url, []string{name})
	if err != nil || name == "public" {
		return out, err
	}
	f, err := pgparse.SplitText("DROP SCHEMA IF EXISTS public CASCADE; ALTER SCHEMA " + pgparse.QuoteIdent(name) + " RENAME TO public")
	if err != nil {
		return nil, err
	}
	for _, stmt := range f.Stmts {
		out.Catalog, _ = out.Catalog.Apply(stmt.Node, f.Src[stmt.Start:stmt.End])
	}
	return out, nil
}

func (s *session) readSchema(ctx context.Context) (*Schema, error) {
	ddl, err := s.readDefinitions(ctx)
	if err != nil {
		return nil, err
	}
	c, unread := applyDefinitions(ddl)
	if err := s.addServerFacts(ctx, c); err != nil {
		return nil, err
	}
	return &Schema{Catalog: c, Major: s.major, Unread: unread}, nil
}

// ReadDefinitions reads the schema of the database at url as DDL, in the order in which
// pg_dump would write it. Objects outside of the database, such as roles, are left out.
// The errors are the same as for [ReadSchema].
func ReadDefinitions(ctx context.Context, url string) ([]string, error) {
	s, err := openSession(ctx, url)
	if err != nil {
		return nil, err
	}
	defer s.closeSession(ctx)
	ddl, err := s.readDefinitions(ctx)
	for i := range ddl {
		ddl[i] = identityType.ReplaceAllString(ddl[i], "$1")
	}
	return ddl, err
}

// identityType matches the type of an identity's sequence, which the catalog needs but no
// server accepts. The sequence has the type of the column.
var identityType = lazyregexp.New(`( AS IDENTITY \()AS \w+ `)

// readDefinitions returns the DDL of the session's schemas, for the catalog.
func (s *session) readDefinitions(ctx context.Context) (ddl []string, err error) {
	for _, q := range definitions {
		if q.since > s.major || q.until != 0 && q.until < s.major {
			continue
		}
		lines, err := s.queryLines(ctx, q.what, s.limitToSchemas(q.sql))
		if err != nil {
			return nil, err
		}
		ddl = append(ddl, lines...)
	}
	return ddl, nil
}

// addServerFacts adds what only the server knows: which indexes are invalid, and the types of views' columns that
// could not be inferred. Nobody else has the catalog yet, so it may be changed in place.
func (s *session) addServerFacts(ctx context.Context, c *catalog.Catalog) error {
	invalid, err := s.queryLines(ctx, "invalid indexes", s.limitToSchemas(invalidSQL))
	if err != nil {
		return err
	}
	for _, line := range invalid {
		schema, name, _ := strings.Cut(line, "\n")
		if r := c.Lookup(schema, name); r != nil && r.Index != nil {
			r.Index.Valid = false
		}
	}
	columns, err := s.queryLines(ctx, "columns of views", s.limitToSchemas(viewColumnsSQL))
	if err != nil {
		return err
	}
	for _, line := range columns {
		part := strings.SplitN(line, "\n", 4)
		r := c.Lookup(part[0], part[1])
		if r == nil {
			continue
		}
		if col := r.Column(part[2]); col != nil && !col.Type.IsKnown() {
			col.Type = findType(c, part[3])
		}
	}
	return nil
}

// findType returns the type with a spelling of format_type.
func findType(c *catalog.Catalog, spelling string) catalog.Type {
	f, err := pgparse.SplitText("SELECT NULL::" + spelling)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		return catalog.Type{}
	}
	list := f.Stmts[0].Node.GetSelectStmt().GetTargetList()
	if len(list) != 1 {
		return catalog.Type{}
	}
	return c.TypeOf(list[0].GetResTarget().GetVal().GetTypeCast().GetTypeName())
}

// unparsed says that a definition could not be parsed; the parser's own message would
// quote it.
const unparsed = "onward does not know this syntax"

// applyDefinitions applies definitions. One that fails, because it needs a later one, is tried again
// after the others.
func applyDefinitions(ddl []string) (*catalog.Catalog, []string) {
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
		f, err := pgparse.SplitText(sql)
		if err != nil {
			unread = append(unread, firstWords(sql)+": "+unparsed)
			continue
		}
		for _, st := range f.Stmts {
			text := f.Src[st.Start:st.End]
			if st.Node == nil {
				unread = append(unread, firstWords(text)+": "+unparsed)
				continue
			}
			todo = append(todo, statement{node: st.Node, sql: text})
		}
	}
	for len(todo) > 0 {
		var retries []statement
		for _, st := range todo {
			next, problems := c.Apply(st.node, st.sql)
			if len(problems) > 0 && problems[0].Certain { // what it needs may come later
				st.why = problems[0].Message()
				retries = append(retries, st)
				continue
			}
			c = next
		}
		if len(retries) == len(todo) {
			for _, st := range retries {
				unread = append(unread, firstWords(st.sql)+": "+st.why)
			}
			break
		}
		todo = retries
	}
	for n := c.Unmodelled; n != nil; n = n.Next {
		unread = append(unread, n.Text)
	}
	c.Unmodelled = nil
	c.SearchPath = []string{"public"}
	return c, unread
}

// firstWords returns the first words of a definition. The rest may contain literals.
func firstWords(sql string) string {
	before, _, _ := strings.Cut(sql, "(")
	words := strings.Fields(before)
	return strings.Join(words[:min(len(words), 5)], " ")
}

// selection is what a session reads of the database; nil for all schemas.
type selection struct {
	schemas string // an array of their names
	// relations, types and functions are conditions on OIDs, beginning with AND; "" if there are so many that a scan is as fast. The catalogs have
	// no index on the schema of an object, so that without OIDs each query would read the objects of all schemas.
	relations, types, functions string
}

// maxSelected bounds the OIDs in a condition.
const maxSelected = 2000

// selectedSQL lists the OIDs of the objects in some schemas: pg_depend has an index on what an object depends on. An index depends on its table.
const selectedSQL = `WITH o AS (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass
	AND refobjid = ANY (ARRAY(SELECT oid FROM pg_namespace WHERE nspname = ANY (@schemas))))
SELECT 'c', objid FROM o WHERE classid = 'pg_class'::regclass
UNION ALL SELECT 'c', indexrelid FROM pg_index WHERE indrelid = ANY (ARRAY(SELECT objid FROM o WHERE classid = 'pg_class'::regclass))
UNION ALL SELECT 't', objid FROM o WHERE classid = 'pg_type'::regclass
UNION ALL SELECT 'p', objid FROM o WHERE classid = 'pg_proc'::regclass`

// selectSchemas limits what the session reads.
func (s *session) selectSchemas(ctx context.Context, names []string) error {
	quoted := make([]string, 0, len(names))
	for _, name := range names {
		quoted = append(quoted, pgparse.QuoteLiteral(name))
	}
	out := &selection{schemas: "ARRAY[" + strings.Join(quoted, ", ") + "]::name[]"}
	rows, _ := s.tx.Query(ctx, strings.ReplaceAll(selectedSQL, "@schemas", out.schemas))
	found := map[string][]string{}
	var alias string
	var oid uint32
	if _, err := pgx.ForEachRow(rows, []any{&alias, &oid}, func() error {
		found[alias] = append(found[alias], fmt.Sprint(oid))
		return nil
	}); err != nil {
		return s.serverError("read the objects of schemas", err)
	}
	condition := func(alias string) string {
		if len(found[alias]) > maxSelected {
			return ""
		}
		return " AND " + alias + ".oid = ANY ('{" + strings.Join(found[alias], ",") + "}'::oid[])"
	}
	out.relations, out.types, out.functions = condition("c"), condition("t"), condition("p")
	s.only = out
	return nil
}

// limitToSchemas replaces "@user" in a query by the condition on the schema n. "@relation", "@type" and "@function" are the same condition for
// an object c, t or p of this schema.
func (s *session) limitToSchemas(sql string) string {
	filter := s.only
	condition := userSchemas
	if filter == nil {
		filter = &selection{}
	} else {
		condition = "n.nspname = ANY (" + filter.schemas + ")"
	}
	return strings.NewReplacer("@user", condition, "@relation", condition+filter.relations, "@type", condition+filter.types,
		"@function", condition+filter.functions).Replace(sql)
}
