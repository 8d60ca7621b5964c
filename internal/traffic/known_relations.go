package traffic

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/query"
)

const listReferences = `
SELECT n.nspname || '.' || c.relname, k.conkey[1], rn.nspname || '.' || r.relname, k.confkey[1]
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1 AND n.nspname || '.' || c.relname = ANY ($1)
ORDER BY k.oid`

// reference is a foreign key of one column.
type reference struct {
	from, to             string // schema-qualified names of the two tables
	column, fromReferred int16  // the column's number in from, and the referred column's number in to
}

// readKnownRelations reads the relations that recorded queries may use, and those that they
// refer to.
func readKnownRelations(ctx context.Context, catalogs *pgx.Conn, queries []*recordedQuery) (map[string]*relation, error) {
	var names []string
	for _, q := range queries {
		s := newScope(q, nil)
		names = append(names, s.uses...)
		for _, rv := range query.ListRelations(q.node) {
			names = append(names, s.candidateNames(rv.GetSchemaname(), rv.GetRelname())...)
		}
	}
	rows, _ := catalogs.Query(ctx, listReferences, names)
	var references []reference
	var f reference
	if _, err := pgx.ForEachRow(rows, []any{&f.from, &f.column, &f.to, &f.fromReferred}, func() error {
		references = append(references, f)
		names = append(names, f.to)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read the foreign keys: %w", err)
	}
	slices.Sort(names)
	list, err := readSchema(ctx, catalogs, slices.Compact(names))
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	known := map[string]*relation{}
	for _, r := range list {
		known[r.name] = r
	}
	for _, f := range references {
		from, to := known[f.from], known[f.to]
		if from == nil || to == nil {
			continue
		}
		index := slices.IndexFunc(from.columns, func(c column) bool { return c.number == f.column })
		referred := slices.IndexFunc(to.columns, func(c column) bool { return c.number == f.fromReferred })
		if index >= 0 && referred >= 0 && from.columns[index].refers == nil {
			from.columns[index].refers, from.columns[index].referred = to, referred
		}
	}
	return known, nil
}

// locateRelations finds the relations that a query uses: as the recording's server reported
// them, else by its text.
func (q *recordedQuery) locateRelations(known map[string]*relation, touched map[string]bool) {
	s := newScope(q, known)
	list := slices.Clone(s.uses)
	if len(list) == 0 {
		for _, rv := range query.ListRelations(q.node) {
			if r, ok := s.Table(rv).(*relation); ok && r != nil && !slices.Contains(list, r.name) {
				list = append(list, r.name)
			}
		}
	}
	q.origin.Relations = list
	if index := slices.IndexFunc(list, func(r string) bool { return touched[r] }); index >= 0 {
		q.touches, q.origin.Touches, q.mainRelation = true, true, list[index]
	} else if len(list) > 0 {
		q.mainRelation = list[0]
	}
}

// A domain is resolved to its base type; for an array, the type of its elements is
// read too.
const listTypes = `
WITH RECURSIVE below AS (
  SELECT oid AS type, oid AS base, typbasetype AS next FROM pg_type WHERE oid = ANY ($1) OR format_type(oid, NULL) = ANY ($2)
  UNION ALL
  SELECT b.type, t.oid, t.typbasetype FROM below b JOIN pg_type t ON t.oid = b.next
)
SELECT b.type, format_type(b.type, NULL), t.typname, t.typcategory::text, coalesce(e.typname, ''), coalesce(e.typcategory::text, ''),
  coalesce((SELECT l.enumlabel FROM pg_enum l WHERE l.enumtypid IN (t.oid, e.oid) ORDER BY l.enumsortorder LIMIT 1), '')
FROM below b JOIN pg_type t ON t.oid = b.base LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE b.next = 0`

// types are the types of parameters, by OID and by their names in a recording.
type types struct {
	catalogs *pgx.Conn
	byOID    map[uint32]column
	byName   map[string]uint32
}

// readTypes reads types that are not known yet.
func (t *types) readTypes(ctx context.Context, oids []uint32, names []string) error {
	oids = slices.DeleteFunc(slices.Clone(oids), func(oid uint32) bool { _, ok := t.byOID[oid]; return ok })
	if len(oids) == 0 && len(names) == 0 {
		return nil
	}
	if names == nil {
		names = []string{}
	}
	rows, _ := t.catalogs.Query(ctx, listTypes, oids, names)
	var oid uint32
	var name string
	var c column
	if _, err := pgx.ForEachRow(rows, []any{&oid, &name, &c.kind, &c.category, &c.element, &c.elementCategory, &c.label}, func() error {
		t.byOID[oid], t.byName[name] = c, oid
		return nil
	}); err != nil {
		return fmt.Errorf("read the types: %w", err)
	}
	return nil
}
