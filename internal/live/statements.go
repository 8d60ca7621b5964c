package live

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

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
