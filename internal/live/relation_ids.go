package live

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// rowSession is a connection, or a transaction on one.
type rowSession interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// queryWithSearchPath returns a query that computes an expression under a search_path, and then sets onward's own. Each level is computed before the one
// around it.
func queryWithSearchPath(path, expression string) string {
	return "SELECT found, pg_catalog.set_config('search_path', '" + ownPath + "', true) FROM (SELECT CASE WHEN pg_catalog.set_config('search_path', " + path +
		", true) IS NOT NULL THEN " + expression + " END AS found OFFSET 0) AS x"
}

// relationIDsQuery finds the relations whose names are in a parameter.
func relationIDsQuery(parameter string) string {
	return "ARRAY(SELECT pg_catalog.to_regclass(n)::pg_catalog.oid FROM pg_catalog.unnest(" + parameter +
		"::pg_catalog.text[]) WITH ORDINALITY AS w (n, place) ORDER BY place)"
}

// FindRelations returns the OIDs of relations by the search_path of the session; 0 for one that does not exist. Names are written as in SQL.
// The transaction has onward's own settings, before and afterwards.
func FindRelations(ctx context.Context, s rowSession, names ...string) ([]uint32, error) {
	return scanIDs(s.QueryRow(ctx, queryWithSearchPath(SessionPath, relationIDsQuery("$1")), names), names)
}

// FindRelationsIn is [FindRelations] by a given search_path. The transaction may have another one before, and has onward's own afterwards.
func FindRelationsIn(ctx context.Context, s rowSession, path string, names ...string) ([]uint32, error) {
	return scanIDs(s.QueryRow(ctx, queryWithSearchPath("$1::pg_catalog.text", relationIDsQuery("$2")), path, names), names)
}

// FindRoutinesIn returns the OIDs of functions and procedures by a given search_path; 0 for one that does not exist. Names are written as in SQL, with the
// types of their arguments unless they are the only ones of their name. The transaction has onward's own search_path afterwards.
func FindRoutinesIn(ctx context.Context, s rowSession, path string, names ...string) ([]uint32, error) {
	const routineIDs = `ARRAY(SELECT CASE WHEN pg_catalog.strpos(n, '(') OPERATOR(pg_catalog.>) 0 THEN pg_catalog.to_regprocedure(n)::pg_catalog.oid
		ELSE pg_catalog.to_regproc(n)::pg_catalog.oid END FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS w (n, place) ORDER BY place)`
	return scanIDs(s.QueryRow(ctx, queryWithSearchPath("$1::pg_catalog.text", routineIDs), path, names), names)
}

func scanIDs(row pgx.Row, names []string) ([]uint32, error) {
	var found []*uint32
	var set string
	if err := row.Scan(&found, &set); err != nil {
		return nil, err
	}
	out := make([]uint32, len(names))
	for i, oid := range found {
		if oid != nil {
			out[i] = *oid
		}
	}
	return out, nil
}

// FirstSchema returns the schema that a search_path finds first: pg_catalog, unless the path names it after another one.
func FirstSchema(ctx context.Context, s rowSession, path string) (schema string, err error) {
	var set string
	err = s.QueryRow(ctx, queryWithSearchPath("$1::pg_catalog.text", "(pg_catalog.current_schemas(true))[1]::pg_catalog.text"), path).Scan(&schema, &set)
	return schema, err
}

// CreationSchema returns the schema in which a statement with this search_path creates what it names without a schema.
func CreationSchema(ctx context.Context, s rowSession, path string) (schema string, err error) {
	var set string
	err = s.QueryRow(ctx, queryWithSearchPath("$1::pg_catalog.text", "coalesce(pg_catalog.current_schema()::pg_catalog.text, '')"), path).Scan(&schema, &set)
	return schema, err
}

// SearchSchemas returns the schemas in the search_path of the session that exist. The transaction has onward's own settings, before and
// afterwards.
func SearchSchemas(ctx context.Context, s rowSession) (schemas []string, err error) {
	var set string
	err = s.QueryRow(ctx, queryWithSearchPath(SessionPath, "pg_catalog.current_schemas(false)::pg_catalog.text[]")).Scan(&schemas, &set)
	return schemas, err
}
