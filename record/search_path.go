package record

import (
	"context"

	"github.com/jackc/pgx/v5"
)

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
