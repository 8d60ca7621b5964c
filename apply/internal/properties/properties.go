// Package properties copies, compares and protects what a target has besides what its migrations say: privileges and settings of replaced objects,
// names of constraints, and subscribers.
package properties

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Properties protects the properties of a run's target.
type Properties struct {
	session *session.Session
	record  *progress.Record
	// Accepted are publications whose subscribers already have what the steps need, or may stop.
	Accepted []string
	// Role is the role that the steps run as (SET ROLE); "" for the session's own.
	Role string
}

// NewProperties returns the properties of a run's target.
func NewProperties(s *session.Session, r *progress.Record, accepted []string, role string) *Properties {
	return &Properties{session: s, record: r, Accepted: accepted, Role: role}
}

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
		rows, _ := conn.Query(ctx, functionPaths, int64(schema.OID), functions)
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

// IdentitySQL returns SQL for a step's transaction, after its own: it gives the sequences of new identity columns the properties of the old sequences.
// After the undo of an exchange, the sequence that comes back gets those of the sequence that goes.
func (props *Properties) IdentitySQL(ctx context.Context, s *onward.PlanStep) (sql string, err error) {
	if props.record.AsWritten {
		return "", nil
	}
	err = props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, r := range s.Replaces {
			if r.Kind == onward.ReplacementView || props.record.Undoing && r.Kind != onward.ReplacementTable || !removesOldObject(s, &r) {
				continue
			}
			ids, err := live.FindRelationsIn(ctx, conn, props.session.Path, r.Old)
			if err != nil {
				return err
			}
			columns, err := inventory.ReadIdentities(ctx, conn, ids[0])
			if err != nil {
				return err
			}
			b := props.newStatementBlock()
			table := b.declareRelation(r.Old)
			for _, old := range columns {
				switch {
				case r.Kind == onward.ReplacementTable:
					b.addExecuteLoop(old.FormatCarryQuery(table, old.Column))
				case old.Column == r.OldColumn:
					b.addExecuteLoop(old.FormatCarryQuery(table, columnNameAfterStep(s, r.NewColumn)))
				}
			}
			sql += b.format()
		}
		return nil
	})
	return sql, err
}

// columnNameAfterStep returns the name of a column after a step, which may rename it.
func columnNameAfterStep(s *onward.PlanStep, name string) string {
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return name
	}
	for _, stmt := range f.Stmts {
		if n := stmt.Node.GetRenameStmt(); n != nil && n.RenameType == pgparse.ObjectType_OBJECT_COLUMN && n.Subname == name {
			name = n.Newname
		}
	}
	return name
}

// notNullName is the NOT NULL constraint of a column that replaces another one, before a step runs. Such constraints have names from
// Postgres 18 on. A plan for older versions, too, cannot rename them.
type notNullName struct {
	table                        uint32
	number                       int16 // of the column
	relation, column             string
	replacedColumn, replacedName string
}

// notNullNamesQuery finds the constraints of a new column, which the step may make, or of all columns of a new table, with the old one's.
const notNullNamesQuery = `
SELECT c.oid, a.attnum, c.relname::text, a.attname::text, coalesce(oa.attname::text, ''), coalesce(o.conname::text, '')
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
LEFT JOIN pg_catalog.pg_constraint AS n ON n.conrelid = c.oid AND n.contype = 'n' AND n.conkey = ARRAY[a.attnum]
LEFT JOIN pg_catalog.pg_attribute AS oa ON oa.attrelid = nullif($1::oid, 0::oid) AND oa.attname = CASE WHEN $3::text = '' THEN a.attname ELSE $3::name END
LEFT JOIN pg_catalog.pg_constraint AS o ON o.conrelid = oa.attrelid AND o.contype = 'n' AND o.conkey = ARRAY[oa.attnum]
WHERE c.oid = $2::oid AND coalesce(n.coninhcount = 0, $3::text <> '') AND ($3::text = '' OR a.attname = $4::name)`

// NotNullSQL returns SQL for a step's transaction, after its own: it renames the constraints whose column or table got its final name in the step. A
// constraint keeps its name if another one has the new name, or if the children call it differently.
func (props *Properties) NotNullSQL(ctx context.Context, s *onward.PlanStep) (sql string, err error) {
	names, err := props.readNotNullNames(ctx, s)
	if err != nil || len(names) == 0 {
		return "", err
	}
	b := props.newStatementBlock()
	for _, n := range names {
		b.addExecuteLoop(n.formatRenameQuery(s))
	}
	return b.format(), nil
}

// readNotNullNames returns the NOT NULL constraints of the columns and tables that a step may rename.
func (props *Properties) readNotNullNames(ctx context.Context, s *onward.PlanStep) (out []notNullName, err error) {
	if props.session.Major < 18 || props.record.AsWritten {
		return nil, nil
	}
	err = props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, r := range s.Replaces {
			if r.Kind == onward.ReplacementView {
				continue
			}
			ids, err := live.FindRelationsIn(ctx, conn, props.session.Path, r.Old, r.New)
			if err != nil {
				return err
			}
			rows, _ := conn.Query(ctx, notNullNamesQuery, ids[0], ids[1], r.OldColumn, r.NewColumn)
			list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n notNullName, err error) {
				return n, row.Scan(&n.table, &n.number, &n.relation, &n.column, &n.replacedColumn, &n.replacedName)
			})
			if err != nil {
				return err
			}
			out = append(out, list...)
		}
		return nil
	})
	return out, err
}

// formatRenameQuery returns the query for the statement that renames a constraint after a step.
func (n *notNullName) formatRenameQuery(s *onward.PlanStep) string {
	var wanted []string // for each name that the table and the column may have then
	for _, relation := range possibleNames(s, pgparse.ObjectType_OBJECT_TABLE, n.relation) {
		for _, column := range possibleNames(s, pgparse.ObjectType_OBJECT_COLUMN, n.column) {
			name := catalog.ObjectName(relation, column, "not_null")
			if n.replacedName != "" && n.replacedColumn == column {
				name = n.replacedName
			}
			if relation != n.relation || column != n.column {
				wanted = append(wanted, fmt.Sprintf("(%s, %s, %s)", pgparse.QuoteLiteral(relation), pgparse.QuoteLiteral(column), pgparse.QuoteLiteral(name)))
			}
		}
	}
	if len(wanted) == 0 {
		wanted = []string{"(NULL, NULL, NULL)"}
	}
	return fmt.Sprintf(`    WITH RECURSIVE tree AS (SELECT %[1]d::oid AS oid
      UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid)
    SELECT format('ALTER TABLE %%s RENAME CONSTRAINT %%I TO %%I', c.oid::regclass, k.conname, w.name) FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = %[2]d AND NOT a.attisdropped
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
    JOIN (VALUES %[3]s) AS w (relation, attribute, name) ON w.relation = c.relname AND w.attribute = a.attname
    WHERE c.oid = %[1]d AND k.conname = %[4]s AND k.conname <> w.name AND NOT EXISTS (
      SELECT FROM tree WHERE EXISTS (SELECT FROM pg_catalog.pg_constraint AS o WHERE o.conrelid = tree.oid AND o.conname = w.name)
      OR NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS o WHERE o.conrelid = tree.oid AND o.conname = k.conname))`,
		n.table, n.number, strings.Join(wanted, ", "), pgparse.QuoteLiteral(catalog.ObjectName(n.relation, n.column, "not_null")))
}

// possibleNames returns a name and those to which the step's SQL renames objects of a type.
func possibleNames(s *onward.PlanStep, object pgparse.ObjectType, name string) []string {
	names := []string{name}
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return names
	}
	for _, stmt := range f.Stmts {
		if n := stmt.Node.GetRenameStmt(); n != nil && n.RenameType == object && !slices.Contains(names, n.Newname) {
			names = append(names, n.Newname)
		}
	}
	return names
}
