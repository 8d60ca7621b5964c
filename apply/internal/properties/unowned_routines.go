package properties

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
)

// foreignRoutines selects those of some functions that the role of the steps does not own.
const foreignRoutines = `SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text, o.rolname::text, r.rolname::text
	FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_roles AS o ON o.oid = p.proowner
	JOIN pg_catalog.pg_roles AS r ON r.rolname = coalesce(nullif($2::text, ''), current_user)
	WHERE p.oid = ANY ($1::oid[]) AND NOT r.rolsuper AND NOT pg_catalog.pg_has_role(r.oid, p.proowner, 'USAGE') ORDER BY 1`

// RefuseForeignRoutines refuses a plan before its first step if a later step makes sessions compile a function again that the role of the steps does
// not own: only an owner may run ALTER ROUTINE.
func (props *Properties) RefuseForeignRoutines(ctx context.Context, path string) error {
	var names []string
	for i := range props.record.Plan.Steps {
		file, err := pgparse.SplitText(props.record.Plan.Steps[i].SQL)
		if err != nil {
			continue // the step's permission says it
		}
		for _, s := range file.Stmts {
			if name := recipe.RecompiledRoutine(props.record.Plan.Steps[i].SQL[s.Start:s.End]); name != "" {
				names = append(names, name)
			}
		}
	}
	if props.record.AsWritten || len(names) == 0 {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		ids, err := live.FindRoutinesIn(ctx, conn, path, names...)
		if err != nil {
			return err
		}
		rows, err := conn.Query(ctx, foreignRoutines, ids, props.Role)
		if err != nil {
			return err
		}
		var routine, owner, role string
		var list []string
		_, err = pgx.ForEachRow(rows, []any{&routine, &owner, &role}, func() error {
			list = append(list, routine+" of "+owner)
			return nil
		})
		if err != nil || len(list) == 0 {
			return err
		}
		return &run.RefusedError{Text: "a step must make sessions compile functions again that the role " + role + " does not own: " + prose.FirstNames(list, 8) +
			". Nothing was changed. Let a role run the plan (--role) that owns them, too, or give them another owner"}
	})
}
