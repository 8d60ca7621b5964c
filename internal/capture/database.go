package capture

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

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
	rows, err := conn.Query(ctx, `SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`)
	if err != nil {
		return plan, 0, err
	}
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
