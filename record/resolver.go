package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/workload"
)

// resolver finds out what queries need, on a database that has their schema. All that
// it makes there is rolled back.
type resolver struct {
	conn  *pgx.Conn
	major int
	// declared are the types of the query's parameters as its client gave them; 0 for
	// what it left open.
	declared []uint32
	// strings are the string literals that the query's parameters stand for.
	strings []workload.Strings
	// late: the server did not answer in time.
	late bool
}

// unpreparedMode sends a query without preparing it first. It works with any settings of the session.
const unpreparedMode = pgx.QueryExecModeExec

// resolveQuery puts into a query the types of its parameters, the columns of its result, and
// what it uses. One that this server refuses stays as it is, with the server's word; the
// error is for a session that was lost.
func (r *resolver) resolveQuery(ctx context.Context, q *workload.Query) error {
	switch q.Kind {
	case workload.Broken, workload.Other, workload.DDL:
		return nil
	}
	err := r.resolveInTransaction(ctx, q)
	if err == nil {
		return nil
	}
	if r.conn.IsClosed() || ctx.Err() != nil {
		return fmt.Errorf("ask what a query uses: %w", err)
	}
	r.late = r.late || isTimeout(err)
	if q.Resolved == "" {
		q.Unread = redactedMessage(err)
	}
	return nil
}

// redactedMessage is what of a server's error may be kept: its text quotes names, its detail values.
func redactedMessage(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return redact.MessageWithCode(pg)
	}
	return err.Error()
}

// resolveInTransaction resolves a query, in a transaction of its own.
func (r *resolver) resolveInTransaction(ctx context.Context, q *workload.Query) (err error) {
	n := pgparse.ParseStatement(q.SQL)
	if n == nil {
		return errors.New("it is not one statement")
	}
	if _, err := r.conn.Exec(ctx, "BEGIN", unpreparedMode); err != nil {
		return err
	}
	defer func() {
		_, end := r.conn.Exec(ctx, "ROLLBACK", unpreparedMode)
		err = errors.Join(err, end)
	}()
	if err := r.setSearchPath(ctx, q); err != nil {
		return err
	}
	names, err := lookupRelations(ctx, r.conn, n)
	if err != nil {
		return err
	}
	var d *dependencies
	if canListDependencies(n) {
		if err := r.describeQuery(ctx, q); err != nil {
			return err
		}
		if q.Names, err = r.resolveNames(ctx, q, n); err != nil {
			return err
		}
		if d, err = r.readDependencies(ctx, q); err != nil {
			d, r.late = nil, isTimeout(err)
			if _, err := r.conn.Exec(ctx, "ROLLBACK TO onward", unpreparedMode); err != nil {
				return err
			}
		}
	}
	q.Uses, q.Resolved = combineUses(n, names, d), "text"
	if d != nil {
		q.Functions, q.Types, q.Resolved = d.functions, d.types, "server"
	}
	if q.Mark == workload.Code && allRelationsMatch(names, isCatalogRelation) {
		q.Mark = workload.Introspection
	}
	q.Uses = slices.DeleteFunc(q.Uses, func(u workload.Use) bool { return isCatalogRelation(u.Relation) })
	return r.addViewTables(ctx, q)
}

// allRelationsMatch reports whether isAccepted is true of all relations, and there are some.
func allRelationsMatch(names tables, isAccepted func(string) bool) bool {
	for _, r := range names {
		if !isAccepted(r.name) {
			return false
		}
	}
	return len(names) > 0
}

// setSearchPath makes the session what the query's was.
func (r *resolver) setSearchPath(ctx context.Context, q *workload.Query) error {
	path := cmp.Or(q.SearchPath, `"$user", public`)
	if q.Role != "" {
		path = strings.ReplaceAll(path, `"$user"`, pgx.Identifier{q.Role}.Sanitize())
	}
	_, err := r.conn.Exec(ctx, "SELECT pg_catalog.set_config('search_path', $1, true)", unpreparedMode, path)
	return err
}

// canListDependencies reports whether the server can tell what a statement depends on; it cannot of
// COPY, CALL, DECLARE and EXPLAIN.
func canListDependencies(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
		return true
	}
	return false
}

// describeQuery prepares a query, and notes its parameters and columns.
func (r *resolver) describeQuery(ctx context.Context, q *workload.Query) error {
	oids, err := r.typeOIDs(ctx, q.Params)
	if err != nil {
		return err
	}
	for i := range oids {
		if i < len(r.declared) && r.declared[i] != 0 {
			oids[i] = r.declared[i]
		}
	}
	d, err := r.conn.PgConn().Prepare(ctx, "onward", q.SQL, oids)
	if err != nil {
		return err
	}
	if _, err := r.conn.Exec(ctx, "DEALLOCATE onward", unpreparedMode); err != nil {
		return err
	}
	if q.Params, err = r.typeNames(ctx, d.ParamOIDs); err != nil {
		return err
	}
	q.Columns, err = r.resultColumns(ctx, d.Fields)
	return err
}

// typeOIDs are the types of parameters by number; 0 for one that the server shall find out.
func (r *resolver) typeOIDs(ctx context.Context, types []string) ([]uint32, error) {
	out := make([]uint32, len(types))
	if len(types) == 0 {
		return out, nil
	}
	rows, _ := r.conn.Query(ctx, "SELECT COALESCE(pg_catalog.to_regtype(NULLIF(NULLIF(t, 'unknown'), ''))::pg_catalog.oid, "+
		"0::pg_catalog.oid) FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY x(t, n) ORDER BY n", types)
	i := 0
	var oid uint32
	_, err := pgx.ForEachRow(rows, []any{&oid}, func() error {
		out[i] = oid
		i++
		return nil
	})
	return out, err
}

// typeNames are types as Postgres writes them.
func (r *resolver) typeNames(ctx context.Context, oids []uint32) ([]string, error) {
	if len(oids) == 0 {
		return nil, nil
	}
	var out []string
	return out, r.conn.QueryRow(ctx, "SELECT pg_catalog.array_agg(pg_catalog.format_type(t, NULL) ORDER BY n) FROM pg_catalog.unnest($1::pg_catalog.oid[]) "+
		"WITH ORDINALITY x(t, n)", oids).Scan(&out)
}

// resultColumns returns the columns of a result, and their tables.
func (r *resolver) resultColumns(ctx context.Context, fields []pgconn.FieldDescription) ([]workload.Column, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	var types, tables []uint32
	var numbers []int16
	out := make([]workload.Column, len(fields))
	for i, f := range fields {
		out[i].Name = f.Name
		types, tables, numbers = append(types, f.DataTypeOID), append(tables, f.TableOID), append(numbers, int16(f.TableAttributeNumber))
	}
	rows, _ := r.conn.Query(ctx, `SELECT pg_catalog.format_type(x.t, NULL), CASE WHEN a.attname IS NULL THEN '' ELSE pg_catalog.concat(n.nspname, '.', c.relname, '.', a.attname) END
		FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.oid[]), pg_catalog.unnest($3::pg_catalog.int2[])) WITH ORDINALITY x(t, rel, num, n)
		LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) x.rel AND a.attnum OPERATOR(pg_catalog.=) x.num
		LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace ORDER BY x.n`, types, tables, numbers)
	i := 0
	var kind, tableColumn string
	_, err := pgx.ForEachRow(rows, []any{&kind, &tableColumn}, func() error {
		out[i].Type, out[i].Of = kind, tableColumn
		i++
		return nil
	})
	return out, err
}

// readDependencies asks the server what a statement depends on: it is made the body of a
// function, whose dependencies the server keeps.
func (r *resolver) readDependencies(ctx context.Context, q *workload.Query) (*dependencies, error) {
	if _, err := r.conn.Exec(ctx, "SAVEPOINT onward", unpreparedMode); err != nil {
		return nil, err
	}
	object := dependentObject{"pg_catalog.pg_proc", "'pg_temp.onward_query'::pg_catalog.regproc"}
	text := "CREATE FUNCTION pg_temp.onward_query(" + strings.Join(q.Params, ", ") + ") RETURNS void LANGUAGE sql BEGIN ATOMIC " + q.SQL + ";\nEND"
	if r.major < 14 {
		text = "CREATE TEMP TABLE onward_query (); CREATE RULE onward AS ON INSERT TO pg_temp.onward_query DO ALSO " + replaceParamsByNull(q.SQL, q.Params)
		object = dependentObject{
			"pg_catalog.pg_rewrite",
			"(SELECT oid FROM pg_catalog.pg_rewrite WHERE ev_class OPERATOR(pg_catalog.=) 'pg_temp.onward_query'::pg_catalog.regclass)",
		}
	}
	if _, err := r.conn.PgConn().Exec(ctx, text).ReadAll(); err != nil {
		return nil, err
	}
	return r.dependenciesOf(ctx, object)
}

// dependentObject is an object whose dependencies are asked for: its catalog, and its oid in SQL.
type dependentObject struct{ class, oid string }

// dependenciesOf reads the dependencies of an object.
func (r *resolver) dependenciesOf(ctx context.Context, k dependentObject) (*dependencies, error) {
	rows, _ := r.conn.Query(ctx, fmt.Sprintf(dependsSQL, k.class, k.oid))
	d := &dependencies{columns: map[string][]string{}}
	var kind, name, column string
	_, err := pgx.ForEachRow(rows, []any{&kind, &name, &column}, func() error {
		switch kind {
		case "function":
			d.functions = append(d.functions, name)
		case "type":
			d.types = append(d.types, name)
		default:
			d.columns[name] = append(d.columns[name], column)
			d.columns[name] = slices.DeleteFunc(d.columns[name], func(c string) bool { return c == "" })
		}
		return nil
	})
	return d, err
}

const dependsSQL = `SELECT DISTINCT CASE d.refclassid WHEN 1255::pg_catalog.oid THEN 'function' WHEN 1247::pg_catalog.oid THEN 'type' ELSE 'relation' END,
  CASE WHEN c.oid IS NOT NULL THEN pg_catalog.concat(cn.nspname, '.', c.relname) WHEN p.oid IS NOT NULL THEN pg_catalog.concat(pn.nspname, '.', p.proname) ELSE pg_catalog.concat(tn.nspname, '.', t.typname) END, COALESCE(a.attname::pg_catalog.text, '')
FROM pg_catalog.pg_depend d
LEFT JOIN pg_catalog.pg_class c ON d.refclassid OPERATOR(pg_catalog.=) 1259::pg_catalog.oid AND c.oid OPERATOR(pg_catalog.=) d.refobjid
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.=) d.refobjsubid AND a.attnum OPERATOR(pg_catalog.>) 0
LEFT JOIN pg_catalog.pg_proc p ON d.refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND p.oid OPERATOR(pg_catalog.=) d.refobjid
LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid OPERATOR(pg_catalog.=) p.pronamespace
LEFT JOIN pg_catalog.pg_type t ON d.refclassid OPERATOR(pg_catalog.=) 1247::pg_catalog.oid AND t.oid OPERATOR(pg_catalog.=) d.refobjid
LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid OPERATOR(pg_catalog.=) t.typnamespace
WHERE d.classid OPERATOR(pg_catalog.=) '%s'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) %s
  AND d.refclassid OPERATOR(pg_catalog.=) ANY ('{1259,1255,1247}') AND (c.oid IS NOT NULL OR p.oid IS NOT NULL OR t.oid IS NOT NULL)
  AND c.relname IS DISTINCT FROM 'onward_query' ORDER BY 1, 2, 3`

// replaceParamsByNull is a statement with NULL in place of its parameters: a rule has none.
func replaceParamsByNull(sql string, params []string) string {
	for i := len(params); i > 0; i-- {
		sql = strings.ReplaceAll(sql, fmt.Sprintf("$%d", i), "NULL::"+params[i-1])
	}
	return sql
}

// addViewTables adds what the views that a query reads are made of: who changes a table makes
// those wait who read it through a view.
func (r *resolver) addViewTables(ctx context.Context, q *workload.Query) error {
	seen := map[string]bool{}
	for i := range q.Uses {
		seen[q.Uses[i].Relation] = true
	}
	for i := 0; i < len(q.Uses); i++ {
		view := q.Uses[i]
		var rule *string
		schema, name, _ := strings.Cut(view.Relation, ".")
		err := r.conn.QueryRow(ctx, `SELECT (SELECT r.oid::pg_catalog.text FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
			WHERE c.relkind OPERATOR(pg_catalog.=) 'v' AND r.rulename OPERATOR(pg_catalog.=) '_RETURN' AND n.nspname OPERATOR(pg_catalog.=) $1 AND c.relname OPERATOR(pg_catalog.=) $2)`,
			unpreparedMode, schema, name).Scan(&rule)
		if err != nil {
			return err
		}
		if rule == nil {
			continue
		}
		d, err := r.dependenciesOf(ctx, dependentObject{"pg_catalog.pg_rewrite", *rule + "::pg_catalog.oid"})
		if err != nil {
			return err
		}
		for relation, columns := range d.columns {
			if !seen[relation] && !isCatalogRelation(relation) {
				seen[relation] = true
				q.Uses = append(q.Uses, workload.Use{Relation: relation, Reads: columns, Lock: view.Lock})
			}
		}
	}
	slices.SortFunc(q.Uses, func(a, b workload.Use) int { return strings.Compare(a.Relation, b.Relation) })
	return nil
}
