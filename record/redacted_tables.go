package record

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// ruleTablesSQL has the relations of a database with their columns in order; a dropped column is empty.
const ruleTablesSQL = `SELECT c.oid, c.relname::pg_catalog.text, c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'),
  pg_catalog.array_agg(CASE WHEN a.attisdropped THEN '' ELSE a.attname::pg_catalog.text END ORDER BY a.attnum)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0
  WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}') AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
    AND n.nspname OPERATOR(pg_catalog.<>) ALL ('{information_schema,onward_record}')
  GROUP BY c.oid, c.relname, c.relkind`

// readRuleTables tells the rules for columns which tables a database has. If it cannot be read, all values that were sent to it are replaced.
func (r *recorder) readRuleTables(ctx context.Context, database string) {
	if r.rules == nil {
		return
	}
	err := func() error {
		conn, err := r.target.connectServer(ctx, database)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		rows, err := conn.Query(ctx, ruleTablesSQL, unpreparedMode)
		if err != nil {
			return err
		}
		var oid uint32
		var name string
		var isTable bool
		var columns []string
		_, err = pgx.ForEachRow(rows, []any{&oid, &name, &isTable, &columns}, func() error {
			r.rules.AddTable(database, oid, name, columns, isTable)
			columns = nil
			return nil
		})
		return err
	}()
	if err != nil {
		r.Logger.Info("the tables for redact_columns were not read", "database", database, "error", err)
	}
}
