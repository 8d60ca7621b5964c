package properties

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/pgparse"
)

// functionPaths is a query for the search_paths that functions of a schema set, by the functions' names.
const functionPaths = `SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text, pg_catalog.substr(c.setting, pg_catalog.length('search_path=') + 1)
	FROM pg_catalog.pg_proc AS p, pg_catalog.unnest(p.proconfig) AS c (setting)
	WHERE p.pronamespace = $1::bigint::oid AND p.proname::text = ANY ($2::text[]) AND pg_catalog.starts_with(c.setting, 'search_path=') ORDER BY 1`

// RefuseFunctionPaths refuses to continue a plan in a schema that had another name since the plan was begun, if a function has that name in its
// search_path, because a step of the plan created it with SET search_path FROM CURRENT. Functions that the plan drops in the end do not matter.
func (props *Properties) RefuseFunctionPaths(ctx context.Context) error {
	functions := props.listCurrentPaths()
	schema := props.record.Scope
	if schema.IsDatabase() || props.record.Undoing || len(functions) == 0 {
		return nil
	}
	var commands, stale []string
	err := props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		former, err := schema.ReadFormerSchemas(ctx, conn, props.record.Row)
		if err != nil || len(former) == 0 {
			return err
		}
		rows, err := conn.Query(ctx, functionPaths, int64(schema.OID), functions)
		if err != nil {
			return err
		}
		var name, path string
		_, err = pgx.ForEachRow(rows, []any{&name, &path}, func() error {
			renamed := path
			for _, from := range former {
				now := pgparse.RenameInPath(renamed, from, schema.Schema)
				if now != renamed && !slices.Contains(stale, pgparse.QuoteIdent(from)) {
					stale = append(stale, pgparse.QuoteIdent(from))
				}
				renamed = now
			}
			if renamed != path {
				commands = append(commands, fmt.Sprintf("ALTER ROUTINE %s SET search_path = %s;", name, renamed))
			}
			return nil
		})
		return err
	})
	if err != nil || len(commands) == 0 {
		return err
	}
	return &run.RefusedError{Text: fmt.Sprintf("a step of the plan created functions with SET search_path FROM CURRENT, and their search_path still has the schema's former name %s. "+
		"Nothing was changed. Run this, then the same command again:\n%s", strings.Join(stale, ", "), strings.Join(commands, "\n"))}
}

// listCurrentPaths returns the names of the functions that get the search_path of a done step's session, and that no step drops.
func (props *Properties) listCurrentPaths() []string {
	names := map[string]bool{}
	var dropped []string
	for i := range props.record.Plan.Steps {
		s := &props.record.Plan.Steps[i]
		f, err := pgparse.SplitText(s.SQL)
		if err != nil {
			continue
		}
		for _, stmt := range f.Stmts {
			create, alter := stmt.Node.GetCreateFunctionStmt(), stmt.Node.GetAlterFunctionStmt()
			for _, option := range slices.Concat(create.GetOptions(), alter.GetActions()) {
				set := option.GetDefElem().GetArg().GetVariableSetStmt()
				if set.GetKind() == pgparse.VariableSetKind_VAR_SET_CURRENT && strings.EqualFold(set.GetName(), "search_path") && props.record.IsDone(s.ID) {
					names[pgparse.LastText(slices.Concat(create.GetFuncname(), alter.GetFunc().GetObjname()))] = true
				}
			}
			for _, o := range stmt.Node.GetDropStmt().GetObjects() {
				if function := o.GetObjectWithArgs(); function != nil {
					dropped = append(dropped, pgparse.LastText(function.Objname))
				}
			}
		}
	}
	for _, name := range dropped {
		delete(names, name)
	}
	return slices.Sorted(maps.Keys(names))
}
