package live

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/onward"
)

// settings are the settings that matter to a migration.
const settings = `'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'TimeZone', 'maintenance_work_mem', ` +
	`'max_parallel_maintenance_workers', 'wal_level', 'track_counts', ` +
	`'autovacuum', 'autovacuum_vacuum_threshold', 'autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_max_threshold', ` +
	`'checkpoint_timeout', 'checkpoint_completion_target', 'max_wal_size', 'full_page_writes', 'wal_log_hints', 'data_checksums'`

// The queries of ReadStats. The views pg_stat_all_tables and pg_stat_all_indexes would count all tables for one of them. A table that is dropped
// while they run has no size.
const (
	settingsSQL = `SELECT name, reset_val || coalesce(CASE unit WHEN '8kB' THEN ' × 8kB' ELSE unit END, '') FROM pg_settings WHERE name IN (` + settings + `)`

	relationsSQL = `
SELECT c.oid, n.nspname || '.' || c.relname, CASE c.relkind WHEN 'p' THEN 'partitioned table' WHEN 'm' THEN 'materialized view' ELSE 'table' END,
	coalesce((SELECT pn.nspname || '.' || p.relname FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE h.inhrelid = c.oid AND c.relispartition LIMIT 1), ''),
	c.reltuples::float8, coalesce(pg_relation_size(c.oid), 0), coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0),
	pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid), pg_stat_get_numscans(c.oid),
	coalesce((SELECT sum(pg_stat_get_numscans(indexrelid)) FROM pg_index WHERE indrelid = c.oid), 0)::bigint,
	(SELECT array_agg(o) FROM unnest(c.reloptions) o WHERE o LIKE 'autovacuum%' OR o LIKE 'fillfactor=%')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND @relation ORDER BY 2`

	indexesSQL = `
SELECT i.indrelid, n.nspname || '.' || c.relname, coalesce(pg_relation_size(c.oid), 0), pg_stat_get_numscans(c.oid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'i' AND @relation ORDER BY 2`

	// The counters start at the last reset or, without one, with the database's
	// first statistics, whose age is unknown.
	countedSQL = `SELECT coalesce(extract(epoch FROM now() - stats_reset), 0)::bigint FROM pg_stat_database WHERE datname = current_database()`
)

// ReadStats reads the sizes and the activity of the tables of the database at
// url. The error is a [*ServerError] or an [*address.Error].
func ReadStats(ctx context.Context, url string) (*onward.Stats, error) {
	s, err := openSession(ctx, url)
	if err != nil {
		return nil, err
	}
	defer s.closeSession(ctx)
	return s.readStats(ctx)
}

// ReadSchemaStats is [ReadStats] for one schema, as if its name was public.
func ReadSchemaStats(ctx context.Context, url, name string) (*onward.Stats, error) {
	s, err := openSession(ctx, url)
	if err != nil {
		return nil, err
	}
	defer s.closeSession(ctx)
	if err := s.selectSchemas(ctx, []string{name}); err != nil {
		return nil, err
	}
	out, err := s.readStats(ctx)
	if err != nil {
		return nil, err
	}
	move := func(relation string) string {
		if rest, ok := strings.CutPrefix(relation, name+"."); ok {
			return "public." + rest
		}
		return relation
	}
	for i := range out.Relations {
		r := &out.Relations[i]
		r.Name, r.Parent = move(r.Name), move(r.Parent)
		for j := range r.Indexes {
			r.Indexes[j].Name = move(r.Indexes[j].Name)
		}
	}
	return out, nil
}

func (s *session) readStats(ctx context.Context) (*onward.Stats, error) {
	out := &onward.Stats{
		Schema: onward.StatsSchema, Taken: time.Now().UTC().Format(time.RFC3339), Major: s.major,
		Settings: map[string]string{}, Relations: []onward.RelationStats{},
	}
	if err := s.tx.QueryRow(ctx, "SELECT split_part(current_setting('server_version'), ' ', 1)").Scan(&out.Postgres); err != nil {
		return nil, s.serverError("ask the server for its version", err)
	}
	if err := s.tx.QueryRow(ctx, countedSQL).Scan(&out.CountedSeconds); err != nil {
		return nil, s.serverError("ask since when is counted", err)
	}
	var name, value string
	if err := s.eachRow(ctx, "settings", settingsSQL, []any{&name, &value}, func() { out.Settings[name] = value }); err != nil {
		return nil, err
	}
	indexByOID := map[uint32]int{}
	var oid uint32
	var rows float64
	var r onward.RelationStats
	var options []string
	err := s.eachRow(ctx, "sizes of tables", relationsSQL, []any{
		&oid, &r.Name, &r.Kind, &r.Parent, &rows, &r.HeapBytes, &r.ToastBytes, &r.Inserted, &r.Updated, &r.Deleted, &r.SeqScans, &r.IndexScans, &options,
	}, func() {
		next := r
		next.Options = parseOptions(options)
		next.Rows, next.Indexes = rowEstimate(rows, r.HeapBytes), []onward.IndexStats{}
		next.WritesPerSecond = perSecond(r.Inserted+r.Updated+r.Deleted, out.CountedSeconds)
		next.ScansPerSecond = perSecond(r.SeqScans+r.IndexScans, out.CountedSeconds)
		indexByOID[oid] = len(out.Relations)
		out.Relations = append(out.Relations, next)
	})
	if err != nil {
		return nil, err
	}
	var x onward.IndexStats
	err = s.eachRow(ctx, "sizes of indexes", indexesSQL, []any{&oid, &x.Name, &x.Bytes, &x.Scans}, func() {
		if i, ok := indexByOID[oid]; ok {
			out.Relations[i].Indexes = append(out.Relations[i].Indexes, x)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// parseOptions returns storage parameters by name; nil for none.
func parseOptions(list []string) map[string]string {
	var out map[string]string
	for _, o := range list {
		if key, value, found := strings.Cut(o, "="); found {
			if out == nil {
				out = map[string]string{}
			}
			out[key] = value
		}
	}
	return out
}

// eachRow runs a query and calls f for each row, scanned into the targets.
func (s *session) eachRow(ctx context.Context, noun, sql string, targets []any, f func()) error {
	rows, _ := s.tx.Query(ctx, s.limitToSchemas(sql))
	if _, err := pgx.ForEachRow(rows, targets, func() error { f(); return nil }); err != nil {
		return s.serverError("read "+noun, err)
	}
	return nil
}

// rowEstimate returns the planner's number of rows. Before 14 a table that was
// never analyzed has 0, like an empty one.
func rowEstimate(rows float64, bytes int64) int64 {
	if rows < 0 || rows == 0 && bytes > 0 {
		return -1
	}
	return int64(rows)
}

// perSecond returns a count as events per second, to three decimal places.
func perSecond(n, seconds int64) float64 {
	if seconds <= 0 {
		return 0
	}
	return math.Round(float64(n)/float64(seconds)*1000) / 1000
}

// Statement is a row of pg_stat_statements, summed over its plans.
type Statement struct {
	SQL, Role, Database string
	Calls, Rows         int64
	MS                  float64 // of all calls together
}

// statementsSQL reads the statements of the current database. Before version 14, statements inside of
// functions cannot be distinguished.
const statementsSQL = `
SELECT coalesce(s.query, ''), coalesce(r.rolname, ''), d.datname, sum(s.calls)::bigint, sum(s.rows)::bigint, sum(s.total_exec_time)::float8
FROM @extension s JOIN pg_database d ON d.oid = s.dbid LEFT JOIN pg_roles r ON r.oid = s.userid
WHERE d.datname = current_database() @top GROUP BY 1, 2, 3 ORDER BY 1, 2`

// ReadStatements reads pg_stat_statements of the database at url, and the server's major version. The error is
// a [*ServerError] or an [*address.Error].
func ReadStatements(ctx context.Context, url string) (list []Statement, major int, err error) {
	s, err := openSession(ctx, url)
	if err != nil {
		return nil, 0, err
	}
	defer s.closeSession(ctx)
	const what = "read pg_stat_statements"
	var view string
	err = s.tx.QueryRow(ctx, `SELECT coalesce((SELECT quote_ident(n.nspname) || '.pg_stat_statements' FROM pg_extension e
		JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'), '')`).Scan(&view)
	if err != nil {
		return nil, 0, s.serverError(what, err)
	}
	if view == "" {
		return nil, 0, s.serverError(what, errors.New("this database has no such extension: CREATE EXTENSION pg_stat_statements, or name the database that has it"))
	}
	top := ""
	if s.major >= 14 {
		top = "AND s.toplevel"
	}
	var row Statement
	err = s.eachRow(ctx, "statements", strings.NewReplacer("@extension", view, "@top", top).Replace(statementsSQL),
		[]any{&row.SQL, &row.Role, &row.Database, &row.Calls, &row.Rows, &row.MS}, func() { list = append(list, row) })
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55000" {
		return nil, 0, s.serverError(what, errors.New("the server does not load it: put it into shared_preload_libraries"))
	}
	return list, s.major, err
}
