package live

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// ExecDefinitions runs definitions from [ReadDefinitions] in an empty database. It tries a failed one again after the others, and
// returns the definitions that never work, for example because this machine lacks their extension. The error is for a lost session.
func ExecDefinitions(ctx context.Context, conn *pgx.Conn, ddl []string) (refused []string, err error) {
	for {
		var failedDDL []string
		for _, sql := range ddl {
			if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
				if conn.IsClosed() {
					return nil, err
				}
				failedDDL = append(failedDDL, sql)
			}
		}
		if len(failedDDL) == 0 || len(failedDDL) == len(ddl) {
			return failedDDL, nil
		}
		ddl = failedDDL
	}
}
