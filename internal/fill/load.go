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

// load sends the rows of a group of tables in one transaction. A table whose
// rows the server refuses has cost itself: the transaction is rolled back.
func (f *filler) load(ctx context.Context, g group) error {
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
		return f.loadStaged(ctx, tables[0], nil)
	}
	refused, err := f.transaction(ctx, tables, func(t *table) error {
		columns, names := t.made()
		if len(columns) == 0 {
			return f.defaults(ctx, t)
		}
		defer f.loads(t)()
		_, err := f.copyRows(ctx, t.quoted(), names, rowSource{columns: columns, rows: t.rows})
		return err
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
		return f.loadStaged(ctx, tables[0], refused.err)
	}
	for _, t := range tables {
		if t == refused.table {
			f.problem(t, "%s", told(refused.err))
		} else {
			f.problem(t, "it is filled together with %s: %s", refused.table.name(), told(refused.err))
		}
		t.rows = 0
	}
	return nil
}

// told is an error of the server with the detail that says what it is about: not which value, which may be one of a dump's row.
func told(err *pgconn.PgError) string {
	s := redact.Message(err)
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

// transaction runs send for each table with the user's triggers out of the way.
// The error is one that ends it all.
func (f *filler) transaction(ctx context.Context, tables []*table, send func(*table) error) (*refusal, error) {
	at, err := f.send(ctx, tables, send)
	if err == nil {
		return nil, nil
	}
	var pg *pgconn.PgError
	if ctx.Err() != nil || !errors.As(err, &pg) || f.conn.IsClosed() {
		return nil, fmt.Errorf("fill %s: %w", at.name(), err)
	}
	if err := f.exec(ctx, "ROLLBACK"); err != nil {
		return nil, fmt.Errorf("fill %s: %w", at.name(), err)
	}
	return &refusal{at, pg}, nil
}

// send runs the transaction; at is the table that it came to.
func (f *filler) send(ctx context.Context, tables []*table, send func(*table) error) (at *table, err error) {
	at = tables[0]
	if err := f.exec(ctx, "BEGIN"); err != nil {
		return at, err
	}
	for _, t := range tables {
		at = t
		if err := f.quietly(ctx, t.quiet()...); err != nil {
			return at, err
		}
	}
	if len(tables) > 1 {
		if err := f.exec(ctx, "SET CONSTRAINTS ALL DEFERRED"); err != nil {
			return at, err
		}
	}
	for _, t := range tables {
		at = t
		if err := send(t); err != nil {
			return at, err
		}
	}
	// A table with checks outstanding cannot be altered.
	if err := f.exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return at, err
	}
	for _, t := range tables {
		at = t
		if err := f.quietly(ctx, t.loud()...); err != nil {
			return at, err
		}
	}
	return at, f.exec(ctx, "COMMIT")
}

func (f *filler) exec(ctx context.Context, sql string) error {
	_, err := f.conn.Exec(ctx, sql)
	return err
}

// quietly runs statements of which event triggers of the user see nothing. Rows
// come with the role set back, so that foreign keys are checked.
func (f *filler) quietly(ctx context.Context, sql ...string) error {
	if len(sql) == 0 {
		return nil
	}
	if f.schema.super && f.schema.events {
		sql = append(append([]string{"SET LOCAL session_replication_role = replica"}, sql...), "SET LOCAL session_replication_role = origin")
	}
	for _, s := range sql {
		if err := f.exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// quiet is what disables triggers and row level security, loud what restores
// both as they were.
func (t *table) quiet() (out []string) {
	for _, tr := range t.triggers {
		out = append(out, "ALTER TABLE ONLY "+tr.relation+" DISABLE TRIGGER "+quote(tr.name))
	}
	if t.rls {
		out = append(out, "ALTER TABLE ONLY "+t.quoted()+" NO FORCE ROW LEVEL SECURITY")
	}
	return out
}

func (t *table) loud() (out []string) {
	for _, tr := range t.triggers {
		how := "ENABLE"
		switch tr.enabled {
		case 'A':
			how = "ENABLE ALWAYS"
		case 'R':
			how = "ENABLE REPLICA"
		}
		out = append(out, "ALTER TABLE ONLY "+tr.relation+" "+how+" TRIGGER "+quote(tr.name))
	}
	if t.rls {
		out = append(out, "ALTER TABLE ONLY "+t.quoted()+" FORCE ROW LEVEL SECURITY")
	}
	return out
}

// defaults adds rows to a table whose columns are all left to the server.
func (f *filler) defaults(ctx context.Context, t *table) error {
	for range t.rows {
		if _, err := f.conn.Exec(ctx, "INSERT INTO "+t.quoted()+" DEFAULT VALUES"); err != nil {
			return err
		}
	}
	return nil
}

// loadStaged is the second way, for rows of which the server refused one: all
// of them go into a temporary table, and from there those that satisfy
// everything. It is slower, and other tables refer to what was kept. first is
// the refusal, nil when this way was chosen.
func (f *filler) loadStaged(ctx context.Context, t *table, first *pgconn.PgError) error {
	columns, names := t.made()
	planned := t.rows
	t.rows = int64(float64(t.rows) * max(t.surplus, 1))
	var conditions []string
	for _, c := range t.conditions() {
		conditions = append(conditions, "("+c.sql+") IS NOT FALSE")
	}
	for _, c := range columns {
		if c.notNull {
			conditions = append(conditions, quote(c.name)+" IS NOT NULL")
		}
	}
	if len(conditions) == 0 {
		conditions = []string{"true"}
	}
	list := strings.Join(names, ", ")
	// A row may refer to one of the same table that is left out.
	values := slices.Clone(names)
	for k, c := range columns {
		if c.ref != nil && c.ref.table == t && !c.notNull {
			values[k] = "NULL"
		}
	}
	refused, err := f.transaction(ctx, []*table{t}, func(*table) error {
		if err := f.stage(ctx, t); err != nil {
			return err
		}
		defer f.loads(t)()
		if _, err := f.copyRows(ctx, stageName, names, rowSource{columns: columns, rows: t.rows}); err != nil {
			return err
		}
		tag, err := f.conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s AS %s WHERE %s LIMIT %d ON CONFLICT DO NOTHING",
			t.quoted(), list, strings.Join(values, ", "), stageName, quote(t.rel), strings.Join(conditions, " AND "), planned))
		t.added = tag.RowsAffected()
		return err
	})
	if err != nil {
		return err
	}
	t.rows = 0
	if refused != nil {
		t.added = 0
		f.problem(t, "%s", told(refused.err))
		return nil
	}
	if t.added < planned {
		why := "the others were refused"
		if first != nil {
			why = redact.Message(first)
		}
		if t.capped > 0 { // one sentence says both
			planned = t.capped
			f.result.Problems = slices.DeleteFunc(f.result.Problems, func(p Problem) bool { return p.Relation == t.name() })
		}
		f.problem(t, "%d rows instead of %d: %s", t.added, planned, why)
	}
	return f.readExisting(ctx, t)
}
