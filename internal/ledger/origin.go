package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
)

// identity is an SQL expression that identifies the server, the database and its ledger. It differs in a restored dump, after an upgrade and in
// a copy of the database: there schemas have the same names, but other OIDs.
const identity = `(SELECT system_identifier::text FROM pg_catalog.pg_control_system()) || '/' ||
	(SELECT oid::text FROM pg_catalog.pg_database WHERE datname = current_database()) || '/' || 'onward_ledger.origin'::regclass::oid::text`

// isOriginDatabase reports whether the ledger's OIDs of schemas belong to this database. Otherwise their names count.
func isOriginDatabase(ctx context.Context, conn Conn) (isOrigin bool, err error) {
	err = conn.QueryRow(ctx, "SELECT system = "+identity+" FROM onward_ledger.origin").Scan(&isOrigin)
	return isOrigin, err
}

// updateSchemaOIDs gives the plans of a restored database the OIDs that their schemas have here. A schema that does not exist gets 0.
func updateSchemaOIDs(ctx context.Context, conn *pgx.Conn) error {
	if isOrigin, err := isOriginDatabase(ctx, conn); err != nil || isOrigin {
		return err
	}
	return live.InOwnTransaction(ctx, conn, "SET LOCAL lock_timeout = '5s'", func() error {
		if _, err := conn.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1)", int64(lockKey)); err != nil {
			return err
		}
		if isOrigin, err := isOriginDatabase(ctx, conn); err != nil || isOrigin { // another process was first
			return err
		}
		for _, sql := range []string{
			"INSERT INTO onward_ledger.schema_begun (plan, schema, name) SELECT plan, schema, name FROM onward_ledger.schema_plan ON CONFLICT DO NOTHING",
			`UPDATE onward_ledger.schema_plan AS s SET schema = coalesce((SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = s.name), 0)`,
			"DELETE FROM onward_ledger.schema_lease",
			"DELETE FROM onward_ledger.relation", // the next run of each plan records them again
			"UPDATE onward_ledger.origin SET system = " + identity,
		} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}
