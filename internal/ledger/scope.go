package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Scope is the part of a database that a plan is for: a schema, or the whole database if it is empty. Each scope has its own lease and its own
// plans. A schema is known by its OID and its name: a schema that was dropped and created again has another OID, and in a restored
// database another schema may have the old OID.
type Scope struct {
	OID    uint32
	Schema string
}

// ErrNoSchema says that a database has no schema of a name.
var ErrNoSchema = errors.New("the database has no such schema")

// FindScope returns the scope of a schema, or [ErrNoSchema].
func FindScope(ctx context.Context, conn Conn, schema string) (Scope, error) {
	s := Scope{Schema: schema}
	err := conn.QueryRow(ctx, "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1", schema).Scan(&s.OID)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoSchema
	}
	return s, err
}

// IsDatabase reports whether the scope is the whole database.
func (s Scope) IsDatabase() bool { return s.OID == 0 }

// PlanID returns the identity of a plan in the scope: many schemas of a database may have the same plan.
func (s Scope) PlanID(id string) string {
	if s.IsDatabase() {
		return id
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s", id, s.OID, s.Schema))
	return hex.EncodeToString(sum[:8])
}

// leaseTable returns the table of the scope's lease, and the condition on its row.
func (s Scope) leaseTable() (table, row string) {
	if s.IsDatabase() {
		return "onward_ledger.lease", "one"
	}
	return "onward_ledger.schema_lease", fmt.Sprintf("schema = %d::oid", s.OID)
}

// LeaseHolder returns who is working on the scope, according to the lease; "" for nobody.
func (s Scope) LeaseHolder(ctx context.Context, conn Conn) (string, error) {
	table, row := s.leaseTable()
	var name *string
	err := conn.QueryRow(ctx, "SELECT max(CASE WHEN seen + $1 * interval '1 second' > clock_timestamp() THEN holder ELSE '' END) FROM "+table+" WHERE "+row,
		Term.Seconds()).Scan(&name)
	if name == nil {
		return "", err
	}
	return *name, err
}

// ReadPlans returns all plans that were started in the scope, oldest first.
func (s Scope) ReadPlans(ctx context.Context, conn Conn) ([]*Plan, error) {
	n, err := versionOf(ctx, conn)
	if err != nil {
		return nil, err
	}
	where := ""
	var args []any
	switch {
	case n < 4 && s.IsDatabase(): // an older ledger knows no schemas
	case n < 4:
		return nil, nil
	case s.IsDatabase():
		where = " WHERE NOT EXISTS (SELECT FROM onward_ledger.schema_plan AS s WHERE s.plan = p.id)"
	default:
		// An array, because the server must not read the plans of all schemas to find these.
		where = " WHERE id = ANY (ARRAY(SELECT plan FROM onward_ledger.schema_plan WHERE schema = $1::bigint::oid AND name = $2))"
		args = []any{int64(s.OID), s.Schema}
	}
	rows, err := conn.Query(ctx, planColumns+where+" ORDER BY began, id", args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Plan, error) { return scanPlan(row) })
}

// recordScope records which schema a plan is for.
func (s Scope) recordScope(ctx context.Context, conn Conn, plan string) error {
	if s.IsDatabase() {
		return nil
	}
	_, err := conn.Exec(ctx, "INSERT INTO onward_ledger.schema_plan (schema, name, plan) VALUES ($1::bigint::oid, $2, $3) ON CONFLICT DO NOTHING",
		int64(s.OID), s.Schema, plan)
	return err
}
