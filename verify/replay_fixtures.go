package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/rehearse"
)

// mostFixtures bounds how many different fixtures the release runs on.
const mostFixtures = 30

// tryFixtures runs the release on the rows that each test has: those that the deployed code has committed, or would have if the test did not roll them
// back. A suite's rows come after the migrations otherwise.
func (r *replayer) tryFixtures(ctx context.Context, lane *preparedLane) error {
	last := r.checker.moments[len(r.checker.moments)-1]
	if last.Base || r.checker.stopped {
		return nil
	}
	database, err := r.stage.CopyOf(ctx, lane.template)
	if err != nil {
		return err
	}
	fixtures, omitted, err := replay.CaptureFixtures(ctx, lane.Lane, r.targetOf(lane.Transcript, database))
	r.stage.Drop(ctx, database)
	if err != nil {
		return err
	}
	if omitted > 0 {
		r.addNotef("the release was not tried on the rows of %s: they could not be read, or are too many", prose.CountNoun(omitted, "moment of the suite"))
	}
	fixtures = r.groupFixtures(fixtures)
	replay.SortFixtures(fixtures)
	fixtures, more := prose.TakeFirst(fixtures, mostFixtures)
	if more > 0 {
		r.addNotef("the release was tried on the rows of %d moments of the suite; %d with other rows were left out", mostFixtures, more)
	}
	reported := map[string]bool{}
	for _, f := range fixtures {
		database, err := r.loadFixture(ctx, lane.template, f)
		if err != nil {
			return fmt.Errorf("load the rows of a test: %w", err)
		}
		end, err := r.stage.RunUntil(ctx, database, last.Migration, last.Statements[len(last.Statements)-1])
		r.stage.Drop(ctx, database)
		r.result.Fixtures++
		refused, server := new(rehearse.RefusedError), new(pgconn.PgError)
		switch {
		case err == nil:
			r.stage.Drop(ctx, end)
		case errors.As(err, &refused) && errors.As(err, &server):
			cause := refused.Path + "\x00" + server.Code + server.Message
			if reported[cause] {
				continue
			}
			reported[cause] = true
			r.stage.ReportRows(refused, fmt.Sprintf("the server refuses it on rows that the deployed code wrote when it was recorded%s: %s (SQLSTATE %s)",
				describeTest(lane, f), hideValues(server.Message, ""), server.Code))
		default:
			return err
		}
	}
	return nil
}

// groupFixtures returns the fixtures that differ in the tables which the release touches.
func (r *replayer) groupFixtures(list []*replay.Fixture) (out []*replay.Fixture) {
	touched := map[string]bool{}
	for i := range r.checker.migrations {
		for j := range r.checker.migrations[i].Statements {
			for _, e := range r.checker.migrations[i].Statements[j].Effects {
				touched[e.Relation] = true
			}
		}
	}
	known := map[[sha256.Size]byte]bool{}
	for _, f := range list {
		sum, rows := sha256.New(), 0
		for _, t := range f.Tables {
			if name := strings.ReplaceAll(t.Name, `"`, ""); touched[name] {
				rows += t.Rows
				fmt.Fprintf(sum, "%s %d\n", name, len(t.Data))
				sum.Write(t.Data)
			}
		}
		key := [sha256.Size]byte(sum.Sum(nil))
		if !known[key] && rows > 0 {
			out = append(out, f)
		}
		known[key] = true
	}
	return out
}

// loadFixture makes a copy of a database with exactly the rows of a fixture.
func (r *replayer) loadFixture(ctx context.Context, template string, f *replay.Fixture) (_ string, err error) {
	database, err := r.stage.CopyOf(ctx, template)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			r.stage.Drop(context.WithoutCancel(ctx), database)
		}
	}()
	conn, err := r.stage.Server().Connect(ctx, "", database)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	// Foreign keys and triggers have done their work when the rows were written.
	if _, err := conn.Exec(ctx, "SET session_replication_role = replica"); err != nil {
		return "", err
	}
	names, err := listFilledTables(ctx, conn)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, "DELETE FROM ONLY "+name); err != nil {
			return "", err
		}
	}
	for _, t := range f.Tables {
		if _, err := conn.PgConn().CopyFrom(ctx, strings.NewReader(string(t.Data)), "COPY "+t.Name+" ("+t.Columns+") FROM STDIN"); err != nil {
			return "", err
		}
	}
	for _, sql := range f.Sequences {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return "", err
		}
	}
	return database, nil
}

// listFilledTables lists the tables that may have rows.
func listFilledTables(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) 'r' AND pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog.>) 0
AND NOT n.nspname OPERATOR(pg_catalog.~) '^(pg_|information_schema$)'`, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// describeTest says which part of the suite has the rows: who sent it, and its last write.
func describeTest(lane *preparedLane, f *replay.Fixture) string {
	text := ""
	if name := lane.Transcript.Sessions[f.Session].Parameters["application_name"]; name != "" {
		text = " (" + name + ")"
	}
	for i := len(lane.base) - 1; i >= 0; i-- {
		a := lane.base[i]
		if a.Event >= f.Event || a.Session != f.Session || a.SQLState != "" || !slices.ContainsFunc(a.Tags, isWriteTag) {
			continue
		}
		return text + ", the last of them by " + clipQuery(lastStatement(a))
	}
	return text
}

// isWriteTag reports whether a command's tag is one of a statement that wrote rows.
func isWriteTag(tag string) bool {
	verb, count, _ := strings.Cut(tag, " ")
	return slices.Contains([]string{"INSERT", "UPDATE", "MERGE", "COPY"}, verb) && !strings.HasSuffix(count, " 0") && count != "0"
}
