package fill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// loadGroup sends the rows of a group of tables in one transaction. If the server refuses a table's rows, the transaction is rolled
// back and only that table is affected.
func (f *filler) loadGroup(ctx context.Context, g group) error {
	var tables []*table
	for _, t := range g.tables {
		if t.rows > 0 {
			tables = append(tables, t)
		}
	}
	if len(tables) == 0 {
		return nil
	}
	if len(tables) == 1 && tables[0].surplus > 0 {
		return f.loadThroughStage(ctx, tables[0], nil)
	}
	refused, err := f.sendInTransaction(ctx, tables, func(t *table) error {
		columns, names := t.listInsertedColumns()
		if len(columns) == 0 {
			return f.insertDefaultRows(ctx, t)
		}
		defer f.setCurrentTable(t)()
		return f.copyRows(ctx, t.quotedName(), names, rowSource{columns: columns, rows: t.rows})
	})
	if err != nil {
		return err
	}
	if refused == nil {
		for _, t := range tables {
			t.added = t.rows
		}
		return nil
	}
	if len(tables) == 1 && len(tables[0].columns) > 0 && strings.HasPrefix(refused.err.Code, "23") && refused.err.Code != "23503" {
		return f.loadThroughStage(ctx, tables[0], refused.err)
	}
	for _, t := range tables {
		if t == refused.table {
			f.addProblem(t, "%s", describeError(refused.err))
		} else {
			f.addProblem(t, "it is filled together with %s: %s", refused.table.name(), describeError(refused.err))
		}
		t.rows = 0
	}
	return nil
}

// describeError returns the server's error with the part of its detail that names the cause. Values are removed, because they may come
// from a dump.
func describeError(err *pgconn.PgError) string {
	s := redact.RedactMessage(err)
	if detail := redact.Error(onward.ServerError{Code: err.Code, Detail: err.Detail}).Detail; detail != "" {
		s += ": " + detail
	}
	return s
}

// refusal is an error of the server about one table.
type refusal struct {
	table *table
	err   *pgconn.PgError
}

// sendInTransaction runs send for each table with the user's triggers disabled. An error ends the whole fill.
func (f *filler) sendInTransaction(ctx context.Context, tables []*table, send func(*table) error) (*refusal, error) {
	currentTable, err := f.sendTables(ctx, tables, send)
	if err == nil {
		return nil, nil
	}
	var pg *pgconn.PgError
	if ctx.Err() != nil || !errors.As(err, &pg) || f.conn.IsClosed() {
		return nil, fmt.Errorf("fill %s: %w", currentTable.name(), err)
	}
	if err := f.execStatement(ctx, "ROLLBACK"); err != nil {
		return nil, fmt.Errorf("fill %s: %w", currentTable.name(), err)
	}
	return &refusal{currentTable, pg}, nil
}

// sendTables runs the transaction. currentTable is the table that it has reached.
func (f *filler) sendTables(ctx context.Context, tables []*table, send func(*table) error) (currentTable *table, err error) {
	currentTable = tables[0]
	if err := f.execStatement(ctx, "BEGIN"); err != nil {
		return currentTable, err
	}
	for _, t := range tables {
		currentTable = t
		if err := f.execWithoutEventTriggers(ctx, t.disableTriggerSQL()...); err != nil {
			return currentTable, err
		}
	}
	if len(tables) > 1 {
		if err := f.execStatement(ctx, "SET CONSTRAINTS ALL DEFERRED"); err != nil {
			return currentTable, err
		}
	}
	for _, t := range tables {
		currentTable = t
		if err := send(t); err != nil {
			return currentTable, err
		}
	}
	// A table with pending deferred checks cannot be altered.
	if err := f.execStatement(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return currentTable, err
	}
	for _, t := range tables {
		currentTable = t
		if err := f.execWithoutEventTriggers(ctx, t.restoreTriggerSQL()...); err != nil {
			return currentTable, err
		}
	}
	return currentTable, f.execStatement(ctx, "COMMIT")
}

func (f *filler) execStatement(ctx context.Context, sql string) error {
	_, err := f.conn.Exec(ctx, sql)
	return err
}

// execWithoutEventTriggers runs statements without firing the user's event triggers. Rows are loaded with session_replication_role reset, so
// that foreign keys are checked.
func (f *filler) execWithoutEventTriggers(ctx context.Context, sql ...string) error {
	if len(sql) == 0 {
		return nil
	}
	if f.schema.super && f.schema.events {
		sql = append(append([]string{"SET LOCAL session_replication_role = replica"}, sql...), "SET LOCAL session_replication_role = origin")
	}
	for _, s := range sql {
		if err := f.execStatement(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// disableTriggerSQL returns statements that disable triggers and row-level security.
func (t *table) disableTriggerSQL() (out []string) {
	for _, tr := range t.triggers {
		out = append(out, "ALTER TABLE ONLY "+tr.relation+" DISABLE TRIGGER "+quoteIdent(tr.name))
	}
	if t.rls {
		out = append(out, "ALTER TABLE ONLY "+t.quotedName()+" NO FORCE ROW LEVEL SECURITY")
	}
	return out
}

// restoreTriggerSQL returns statements that restore both.
func (t *table) restoreTriggerSQL() (out []string) {
	for _, tr := range t.triggers {
		action := "ENABLE"
		switch tr.enabled {
		case 'A':
			action = "ENABLE ALWAYS"
		case 'R':
			action = "ENABLE REPLICA"
		}
		out = append(out, "ALTER TABLE ONLY "+tr.relation+" "+action+" TRIGGER "+quoteIdent(tr.name))
	}
	if t.rls {
		out = append(out, "ALTER TABLE ONLY "+t.quotedName()+" FORCE ROW LEVEL SECURITY")
	}
	return out
}

// insertDefaultRows adds rows to a table that has only default values.
func (f *filler) insertDefaultRows(ctx context.Context, t *table) error {
	for range t.rows {
		if _, err := f.conn.Exec(ctx, "INSERT INTO "+t.quotedName()+" DEFAULT VALUES"); err != nil {
			return err
		}
	}
	return nil
}

// loadThroughStage is the fallback if the server has refused a row. All rows go into a temporary table, and from there those that
// satisfy all constraints. It is slower, and other tables then refer to the rows that were kept. first is the refusal, nil if
// this way was chosen from the start.
func (f *filler) loadThroughStage(ctx context.Context, t *table, first *pgconn.PgError) error {
	columns, names := t.listInsertedColumns()
	planned := t.rows
	t.rows = int64(float64(t.rows) * max(t.surplus, 1))
	var conditions []string
	for _, c := range t.listConditions() {
		conditions = append(conditions, "("+c.sql+") IS NOT FALSE")
	}
	for _, c := range columns {
		if c.notNull {
			conditions = append(conditions, quoteIdent(c.name)+" IS NOT NULL")
		}
	}
	if len(conditions) == 0 {
		conditions = []string{"true"}
	}
	list := strings.Join(names, ", ")
	// A row may refer to a row of the same table that is skipped.
	values := slices.Clone(names)
	for k, c := range columns {
		if c.ref != nil && c.ref.table == t && !c.notNull {
			values[k] = "NULL"
		}
	}
	refused, err := f.sendInTransaction(ctx, []*table{t}, func(*table) error {
		if err := f.createStage(ctx, t); err != nil {
			return err
		}
		defer f.setCurrentTable(t)()
		if err := f.copyRows(ctx, stageName, names, rowSource{columns: columns, rows: t.rows}); err != nil {
			return err
		}
		tag, err := f.conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s AS %s WHERE %s LIMIT %d ON CONFLICT DO NOTHING",
			t.quotedName(), list, strings.Join(values, ", "), stageName, quoteIdent(t.rel), strings.Join(conditions, " AND "), planned))
		t.added = tag.RowsAffected()
		return err
	})
	if err != nil {
		return err
	}
	t.rows = 0
	if refused != nil {
		t.added = 0
		f.addProblem(t, "%s", describeError(refused.err))
		return nil
	}
	if t.added < planned {
		reason := "the others were refused"
		if first != nil {
			reason = redact.RedactMessage(first)
		}
		if t.capped > 0 { // one sentence covers both
			planned = t.capped
			f.result.Problems = slices.DeleteFunc(f.result.Problems, func(p Problem) bool { return p.Relation == t.name() })
		}
		f.addProblem(t, "%d rows instead of %d: %s", t.added, planned, reason)
	}
	return f.readExisting(ctx, t)
}
