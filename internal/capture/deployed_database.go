package capture

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

// DeployedBase is the [Config.BaseCommand] that makes the base's schema from the deployed database.
const DeployedBase = "db"

// deployed is the schema of a running database, and the rows of its history tables. The base's schema is made of it.
type deployed struct {
	// Definitions create its schema. Rows are the rows of the history tables.
	Definitions []string
	Rows        []historyRow
}

// historyRow is a row of a history table.
type historyRow struct{ Schema, Table, JSON string }

func (r historyRow) relation() string { return pgx.Identifier{r.Schema, r.Table}.Sanitize() }

// maxHistory bounds the rows of one history table.
const maxHistory = 100_000

// readDeployed reads the schema of a database and the rows of the tables in which tools record migrations.
func readDeployed(ctx context.Context, address string, b *books) (*deployed, error) {
	d := &deployed{}
	var err error
	if d.Definitions, err = live.ReadDefinitions(ctx, address); err != nil {
		return nil, err
	}
	session, err := live.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer session.Close(ctx)
	var schema, table string
	var found []pgx.Identifier
	err = session.Each(ctx, `SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND @user ORDER BY 1, 2`, nil, []any{&schema, &table}, func() {
		if b.isHistoryName(table) {
			found = append(found, pgx.Identifier{schema, table})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list the tables of the deployed database: %w", err)
	}
	if len(found) == 0 {
		return nil, &Error{"capture_base: the deployed database has no table in which a known tool records migrations, so each of them would run again"}
	}
	for _, t := range found {
		before := len(d.Rows)
		var text string
		err := session.Each(ctx, fmt.Sprintf("SELECT to_jsonb(t)::text FROM %s t LIMIT %d", t.Sanitize(), maxHistory+1), nil, []any{&text}, func() {
			d.Rows = append(d.Rows, historyRow{t[0], t[1], text})
		})
		if err != nil {
			return nil, fmt.Errorf("read %s of the deployed database: %w", t.Sanitize(), err)
		}
		if len(d.Rows)-before > maxHistory {
			return nil, &Error{fmt.Sprintf("capture_base: %s of the deployed database has more than %d rows", t.Sanitize(), maxHistory)}
		}
	}
	return d, nil
}

// hashContent identifies the content.
func (d *deployed) hashContent() string {
	text, err := json.Marshal(d)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// restoreDeployed makes the schema and the rows in an empty database. It returns the definitions that its server refuses.
func (s *stage) restoreDeployed(ctx context.Context, database string, d *deployed) (refused []string, err error) {
	conn, err := pgx.Connect(ctx, s.server.URL(database))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if refused, err = live.ExecDefinitions(ctx, conn, d.Definitions); err != nil {
		return nil, err
	}
	refused = slices.DeleteFunc(refused, isServerDefinition)
	if _, err := conn.Exec(ctx, "SET session_replication_role = replica"); err != nil { // no trigger and no foreign key of the history
		return nil, err
	}
	columns, tables := map[string]string{}, []string{}
	for _, r := range d.Rows {
		name := r.relation()
		if _, known := columns[name]; !known {
			var list string
			if err := conn.QueryRow(ctx, `SELECT coalesce(string_agg(quote_ident(attname), ', ' ORDER BY attnum), '') FROM pg_attribute
				WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`, name).Scan(&list); err != nil {
				return nil, err
			}
			columns[name], tables = list, append(tables, name)
		}
		if columns[name] == "" {
			return nil, &Error{"capture_base: the table " + name + " of the deployed database cannot be made here"}
		}
		if _, err := conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM jsonb_populate_record(NULL::%s, $1::jsonb)",
			name, columns[name], columns[name], name), r.JSON); err != nil {
			return nil, &Error{"capture_base: a row of " + name + " of the deployed database cannot be made here: " + err.Error()}
		}
	}
	for _, name := range tables {
		if err := advanceSequences(ctx, conn, name); err != nil {
			return nil, fmt.Errorf("the sequences of %s: %w", name, err)
		}
	}
	return refused, nil
}

// isServerDefinition reports whether a definition is not of the database itself: each server has some roles and PL/pgSQL, and a tablespace is
// a directory of its machine.
func isServerDefinition(sql string) bool {
	for _, begin := range []string{"CREATE ROLE ", "CREATE TABLESPACE ", "CREATE EXTENSION plpgsql "} {
		if strings.HasPrefix(sql, begin) {
			return true
		}
	}
	return false
}

// advanceSequences makes the sequences of a table's columns go on after its rows.
func advanceSequences(ctx context.Context, conn *pgx.Conn, table string) error {
	rows, _ := conn.Query(ctx, `SELECT quote_ident(attname), pg_get_serial_sequence($1, attname) FROM pg_attribute
		WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND pg_get_serial_sequence($1, attname) IS NOT NULL`, table)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s [2]string, err error) {
		err = row.Scan(&s[0], &s[1])
		return s, err
	})
	if err != nil {
		return err
	}
	for _, s := range list {
		if _, err := conn.Exec(ctx, fmt.Sprintf("SELECT setval($1::regclass, max(%s)) FROM %s HAVING max(%s) IS NOT NULL", s[0], table, s[0]), s[1]); err != nil {
			return err
		}
	}
	return nil
}

// listStatements returns the definitions as a command would have sent them.
func (d *deployed) listStatements() []*ordered.Statement {
	var out []*ordered.Statement
	for _, sql := range d.Definitions {
		out = append(out, &ordered.Statement{SQL: sql, Sent: sql})
	}
	return out
}

// rowsPerTable is how many rows each table gets before the head runs: a loop over them sends something.
const rowsPerTable = 3

// restoreDump makes a database of a file from pg_dump.
func (s *stage) restoreDump(ctx context.Context, database, file string) error {
	_, err := fill.RestoreDump(ctx, fill.Dump{
		File: file, URL: s.server.URL(database), Bin: s.server.Install().Bin,
		MakeRole: func(ctx context.Context, name string) error {
			return s.execSQL(ctx, database, "CREATE ROLE "+pgx.Identifier{name}.Sanitize())
		},
	})
	if err != nil {
		return &Error{"bring " + path.Base(file) + " into the database: " + err.Error()}
	}
	return nil
}

// execSQL runs statements in a session of their own.
func (s *stage) execSQL(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, s.server.URL(database))
	if err != nil {
		return err
	}
	_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// replayStatements sends statements again, each in a session like the one that sent it.
func (s *stage) replayStatements(ctx context.Context, database string, list []*ordered.Statement) (err error) {
	ctx, cancel := context.WithTimeout(ctx, replayTime)
	defer cancel()
	sessions := map[int]*pgx.Conn{}
	defer func() {
		for _, conn := range sessions {
			err = errors.Join(err, conn.Close(ctx))
		}
	}()
	for _, st := range list {
		if st.Failed != "" || st.Undone {
			continue
		}
		conn := sessions[st.Session]
		if conn == nil {
			if conn, err = pgx.Connect(ctx, s.server.URL(database)); err != nil {
				return err
			}
			sessions[st.Session] = conn
		}
		if _, err := conn.PgConn().Exec(ctx, st.SQL).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", shortenStatement(st.SQL), err)
		}
	}
	return nil
}

// copyDatabaseWithRows copies a database and puts generated rows into the empty tables of the copy, except the history tables. The
// name is "" if there is no table to fill.
func (s *stage) copyDatabaseWithRows(ctx context.Context, database string, b *books) (string, error) {
	filled, err := s.server.NewDatabase(ctx, database)
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, s.server.URL(filled))
	if err != nil {
		return "", err
	}
	plan, tables, err := planRows(ctx, conn, b)
	if err = errors.Join(err, conn.Close(ctx)); err != nil || tables == 0 {
		return "", err
	}
	_, err = fill.FillDatabase(ctx, s.server.URL(filled), plan, fill.Release{Room: 1 << 30})
	return filled, err
}

// planRows plans rows for the empty tables of a database, and counts these.
func planRows(ctx context.Context, conn *pgx.Conn, b *books) (plan fill.Plan, tables int, err error) {
	plan = fill.Plan{All: rowsPerTable, Seed: 1, Rows: map[string]int64{}}
	rows, _ := conn.Query(ctx, `SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`)
	names, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (id pgx.Identifier, err error) {
		id = make(pgx.Identifier, 2)
		return id, row.Scan(&id[0], &id[1])
	})
	if err != nil {
		return plan, 0, err
	}
	for _, id := range names {
		var hasRows bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+id.Sanitize()+")").Scan(&hasRows); err != nil {
			return plan, 0, err
		}
		if hasRows || b.isHistoryName(id[1]) {
			plan.Rows[id[0]+"."+id[1]] = 0
		} else {
			tables++
		}
	}
	return plan, tables, nil
}
