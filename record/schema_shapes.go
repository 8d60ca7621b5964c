package record

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/wire/collect"
)

// shapes are the tables and columns of the schemas that a command worked in, as hashes.
type shapes struct {
	// dropped has the schemas that a command dropped and whose tables were read before.
	dropped map[string]bool
	// schemas and databases are those that were there before the command.
	schemas, databases map[string]bool
	// found has the shape of each schema, by database: the hashes of its tables, sorted, with commas; "" for one without a table.
	found map[string]map[string]string
}

func newShapes() shapes {
	return shapes{dropped: map[string]bool{}, schemas: map[string]bool{}, databases: map[string]bool{}, found: map[string]map[string]string{}}
}

// shapesSQL has a row for each schema, with a hash for each of its tables. Partitions do not count: suites make them as they
// need them. A type of the schema itself is written without it.
const shapesSQL = `SELECT n.nspname::pg_catalog.text, COALESCE(pg_catalog.string_agg(t.hash, ',' ORDER BY t.hash), '')
  FROM pg_catalog.pg_namespace n
  LEFT JOIN LATERAL (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', c.relname, c.relkind, a.attname,
    pg_catalog.replace(pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.'), '')), ',' ORDER BY a.attnum)) AS hash
    FROM pg_catalog.pg_class c
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
    WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}') AND NOT c.relispartition
    GROUP BY c.oid) t ON true
  WHERE n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,onward_record}')
    AND ($1 OPERATOR(pg_catalog.=) '' OR n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name)
  GROUP BY n.nspname`

// readShapes reads the shapes of a database's schemas, or of one that is dropped next. A schema that has lost its tables keeps its earlier shape.
func (s *shapes) readShapes(ctx context.Context, conn *pgx.Conn, database, schema string) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if _, err := tx.Exec(ctx, "SELECT pg_catalog.set_config('search_path', 'pg_catalog', true)"); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, shapesSQL, unpreparedMode, schema)
	if err != nil {
		return err
	}
	if s.found[database] == nil {
		s.found[database] = map[string]string{}
	}
	var name, shape string
	if _, err := pgx.ForEachRow(rows, []any{&name, &shape}, func() error {
		if shape != "" || s.found[database][name] == "" {
			s.found[database][name] = shape
		}
		s.dropped[name] = schema != ""
		return nil
	}); err != nil {
		return fmt.Errorf("read the tables of %s: %w", database, err)
	}
	return nil
}

// readInitialNames notes what is there before the command runs.
func (s *shapes) readInitialNames(ctx context.Context, t *recordTarget) error {
	conn, err := t.connectServer(ctx, t.database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := s.readShapes(ctx, conn, t.database, ""); err != nil {
		return err
	}
	for name := range s.found[t.database] {
		s.schemas[name] = true
	}
	list, err := listDatabases(ctx, conn)
	for _, name := range list {
		s.databases[name] = true
	}
	return err
}

func listDatabases(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, "SELECT datname::pg_catalog.text FROM pg_catalog.pg_database WHERE datallowconn", unpreparedMode)
	if err != nil {
		return nil, fmt.Errorf("list the databases: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// connectServer opens a session on the server itself.
func (s *recordTarget) connectServer(ctx context.Context, database string) (*pgx.Conn, error) {
	if s.copies != nil {
		return live.Connect(ctx, s.copies.databaseAddress(database), "onward record", nil)
	}
	return s.server.Connect(ctx, "", database)
}

// remainingDatabases are those that something was sent to, and that were not dropped, sorted.
func (r *recorder) remainingDatabases(ctx context.Context, rec *collect.Recording) []string {
	used := map[string]bool{}
	for _, f := range rec.Facts {
		used[f.Database] = true
		for _, name := range f.Databases {
			used[name] = true
		}
	}
	conn, err := r.target.connectServer(ctx, r.target.database)
	if err != nil {
		return slices.Sorted(maps.Keys(used))
	}
	defer conn.Close(ctx)
	databases, err := listDatabases(ctx, conn)
	if err != nil {
		return slices.Sorted(maps.Keys(used))
	}
	// A query keeps the names of a few databases. Of the others, those that the command made are looked at for their shapes.
	databases = slices.DeleteFunc(databases, func(name string) bool {
		return !used[name] && (r.target.copies != nil || !r.canFold() || r.shapes.databases[name])
	})
	slices.Sort(databases)
	return databases
}

// searchPath returns the search_path that ALTER ROLE and ALTER DATABASE have set for sessions of a role in a database. The session that
// asks is closed at once: the client may go on with a command that no other session of its database may disturb.
func (r *recorder) searchPath(ctx context.Context, user, database string) string {
	conn, err := r.target.connectServer(ctx, r.target.database)
	if err != nil {
		r.Logger.Debug("ask for the search_path of a role", "error", err)
		return ""
	}
	defer conn.Close(ctx)
	var path string
	if err := conn.QueryRow(ctx, searchPathSQL, pgx.QueryExecModeExec, user, database).Scan(&path); err != nil {
		r.Logger.Debug("ask for the search_path of a role", "error", err)
		return ""
	}
	return path
}

// searchPathSQL has the order in which the server applies the settings: a role's settings in a database win.
const searchPathSQL = `SELECT COALESCE((
  SELECT pg_catalog.substr(c, 13) FROM pg_catalog.pg_db_role_setting s CROSS JOIN pg_catalog.unnest(s.setconfig) c
  WHERE pg_catalog.starts_with(c, 'search_path=')
    AND (s.setrole OPERATOR(pg_catalog.=) 0
      OR s.setrole OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1))
    AND (s.setdatabase OPERATOR(pg_catalog.=) 0
      OR s.setdatabase OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) $2))
  ORDER BY s.setrole OPERATOR(pg_catalog.=) 0, s.setdatabase OPERATOR(pg_catalog.=) 0 LIMIT 1), '')`
