package live

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

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
	rows, err := s.tx.Query(ctx, strings.ReplaceAll(selectedSQL, "@schemas", out.schemas))
	if err != nil {
		return s.serverError("read the objects of schemas", err)
	}
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
