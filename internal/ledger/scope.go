package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	relation "github.com/onward-sql/onward/internal/inventory"
)

// Scope is the part of a database that a plan is for: a schema, or the whole database if it is empty. Each scope has its own lease and its own
// plans. A schema is identified by its OID, which ALTER SCHEMA … RENAME does not change. In a restored database the names count.
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
	n, err := readVersion(ctx, conn)
	if err != nil {
		return nil, err
	}
	whereClause := ""
	var args []any
	switch {
	case n < firstSchemas && s.IsDatabase():
	case n < firstSchemas:
		return nil, nil
	case s.IsDatabase():
		whereClause = " WHERE NOT EXISTS (SELECT FROM onward_ledger.schema_plan AS s WHERE s.plan = p.id)"
	case n >= firstOrigin:
		return s.readSchemaPlans(ctx, conn)
	default:
		whereClause = " WHERE id = ANY (ARRAY(SELECT plan FROM onward_ledger.schema_plan WHERE schema = $1::bigint::oid AND name = $2))"
		args = []any{int64(s.OID), s.Schema}
	}
	rows, _ := conn.Query(ctx, planColumns+whereClause+" ORDER BY began, id", args...)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Plan, error) {
		p, err := scanPlan(row)
		if err == nil {
			p.Begun, p.Last = s, s
		}
		return p, err
	})
}

// The first ledgers that know schemas, and the database of their OIDs.
const firstSchemas, firstOrigin = 4, 6

// readSchemaPlans returns the plans of a schema.
func (s Scope) readSchemaPlans(ctx context.Context, conn Conn) ([]*Plan, error) {
	isOrigin, err := isOriginDatabase(ctx, conn)
	if err != nil {
		return nil, err
	}
	condition := "schema = $1::bigint::oid AND $2::text IS NOT NULL"
	if !isOrigin {
		condition = "name = $2 AND $1::bigint IS NOT NULL"
	}
	// An array, because the server must not read the plans of all schemas to find these.
	rows, _ := conn.Query(ctx, `SELECT f.*, l.schema::bigint, l.name, coalesce(b.schema, l.schema)::bigint, coalesce(b.name, l.name)
		FROM (`+planColumns+` WHERE id = ANY (ARRAY(SELECT plan FROM onward_ledger.schema_plan WHERE `+condition+`))) AS f
		JOIN onward_ledger.schema_plan AS l ON l.plan = f.id LEFT JOIN onward_ledger.schema_begun AS b ON b.plan = f.id ORDER BY f.began, f.id`, int64(s.OID), s.Schema)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Plan, error) {
		var last, begunOID int64
		var lastName, begunName string
		p, err := scanPlan(row, &last, &lastName, &begunOID, &begunName)
		if err == nil {
			p.Last, p.Begun = Scope{uint32(last), lastName}, Scope{uint32(begunOID), begunName}
		}
		return p, err
	})
}

// FollowPlan records that the schema of a plan has another name or number now. rewrite changes the name of the schema in the definitions that
// the ledger has of the plan's relations.
func (s Scope) FollowPlan(ctx context.Context, conn Conn, p *Plan, rewrite func(text string) string) error {
	if s.IsDatabase() || p.Last == s {
		return nil
	}
	rows, _ := conn.Query(ctx, "SELECT relation FROM onward_ledger.inventory WHERE plan = $1", p.ID)
	relations, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range relations {
		list, err := ReadInventory(ctx, conn, p.ID, name)
		if err != nil {
			return err
		}
		for i := range list {
			list[i].Name = rewrite(list[i].Name)
			if list[i].Kind != "comment" && list[i].Kind != "security label" { // their definitions are texts of users
				list[i].Definition = rewrite(list[i].Definition)
			}
		}
		if err := WriteInventory(ctx, conn, p.ID, name, list); err != nil {
			return err
		}
	}
	if err := recordFormerSchema(ctx, conn, p); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "INSERT INTO onward_ledger.schema_begun (plan, schema, name) SELECT plan, schema, name FROM onward_ledger.schema_plan "+
		"WHERE plan = $1 ON CONFLICT DO NOTHING", p.ID); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "UPDATE onward_ledger.relation SET name = $3 || substr(name, length($2::text) + 1) WHERE plan = $1 AND starts_with(name, $2 || '.')",
		p.ID, p.Last.Schema, s.Schema); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "UPDATE onward_ledger.schema_plan SET schema = $2::bigint::oid, name = $3 WHERE plan = $1", p.ID, int64(s.OID), s.Schema)
	p.Last = s
	return err
}

// formerSchemas is the name in the ledger of the list of names that a plan's schema had between the first one and the last one.
const formerSchemas = "former schemas"

// recordFormerSchema records that the schema of a plan no longer has the name that the ledger knows.
func recordFormerSchema(ctx context.Context, conn Conn, p *Plan) error {
	list, err := ReadInventory(ctx, conn, p.ID, formerSchemas)
	if err != nil {
		return err
	}
	return WriteInventory(ctx, conn, p.ID, formerSchemas, append(list, relation.Entry{Kind: "schema", Name: p.Last.Schema}))
}

// ReadFormerSchemas returns the names that the schema of a plan had, without its present name.
func (s Scope) ReadFormerSchemas(ctx context.Context, conn Conn, p *Plan) ([]string, error) {
	list, err := ReadInventory(ctx, conn, p.ID, formerSchemas)
	names := []string{p.Begun.Schema}
	for i := range list {
		names = append(names, list[i].Name)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == s.Schema }), err
}

// RenamedPlan is an unfinished plan whose schema has another name now, while another schema has the old one.
type RenamedPlan struct{ ID, OldName, NewName string }

// FindRenamed returns such a plan that was begun in this schema, or in one that had its name; nil if there is none.
func (s Scope) FindRenamed(ctx context.Context, conn Conn) (*RenamedPlan, error) {
	if s.IsDatabase() {
		return nil, nil
	}
	if n, err := readVersion(ctx, conn); err != nil || n < firstOrigin {
		return nil, err
	}
	if isOrigin, err := isOriginDatabase(ctx, conn); err != nil || !isOrigin {
		return nil, err
	}
	out := &RenamedPlan{}
	err := conn.QueryRow(ctx, `SELECT p.id, s.name, n.nspname::text FROM onward_ledger.schema_plan AS s JOIN onward_ledger.plan AS p ON p.id = s.plan
			JOIN pg_catalog.pg_namespace AS n ON n.oid = s.schema
		WHERE (s.schema = $1::bigint::oid OR s.name = $2) AND s.name <> n.nspname AND p.state NOT IN ('done', 'abandoned')
			AND EXISTS (SELECT FROM pg_catalog.pg_namespace AS o WHERE o.nspname = s.name) ORDER BY p.began LIMIT 1`, int64(s.OID), s.Schema).
		Scan(&out.ID, &out.OldName, &out.NewName)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return out, err
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
