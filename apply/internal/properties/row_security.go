package properties

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/live"
)

// hiddenRows selects the tables among some whose policies hold for a role: the role that is set for the steps, or else the session's. Owners are
// exempt without FORCE ROW LEVEL SECURITY.
const hiddenRows = `SELECT c.oid::regclass::text, c.relforcerowsecurity, r.rolname::text
	FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_roles AS r ON r.rolname = coalesce(nullif($2::text, ''), current_user)
	WHERE c.oid = ANY ($1::oid[]) AND c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
		AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')) ORDER BY 1 LIMIT 1`

// RefuseRowSecurity refuses a plan before its first step if a policy could hide rows of a backfill from the role of the steps.
func (props *Properties) RefuseRowSecurity(ctx context.Context) error {
	var names []string
	for i := range props.record.Plan.Steps {
		if b := props.record.Plan.Steps[i].Backfill; b != nil {
			names = append(names, b.Table)
		}
	}
	if props.record.AsWritten || len(names) == 0 {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		ids, err := live.FindRelations(ctx, conn, names...)
		if err != nil {
			return err
		}
		rows, err := conn.Query(ctx, hiddenRows, ids, props.Role)
		if err != nil {
			return err
		}
		var table, role string
		var forced bool
		hidden := ""
		_, err = pgx.ForEachRow(rows, []any{&table, &forced, &role}, func() error {
			action := "ENABLE"
			if forced {
				action = "FORCE"
			}
			hidden = fmt.Sprintf("%s has row-level security (%s ROW LEVEL SECURITY), which may hide rows from the role %s: a backfill would be refused", table,
				action, role)
			return nil
		})
		if err != nil || hidden == "" {
			return err
		}
		return &run.RefusedError{Text: strings.Join([]string{
			hidden, "Nothing was changed",
			"Run the plan as the owner of the table, if it is not forced, or give the role BYPASSRLS for the time of the plan",
		}, ". ")}
	})
}
