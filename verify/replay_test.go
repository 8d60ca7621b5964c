package verify_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// replayScene is a suite of the deployed code, and a release.
type replayScene struct {
	base    string
	release []string
	suite   string // of replaySuites
	// later is the suite of the new code, whose rows stay when the code is rolled back; "" for none.
	later string
	// want describes the verdict on the deployed code: severity, kind, SQLSTATE, line of the release's file, and the begin of the query. "" for nothing.
	want string
}

const hotel = `CREATE TABLE rooms (id bigserial PRIMARY KEY, name text NOT NULL, beds int NOT NULL, code text, CONSTRAINT one_code UNIQUE (code));
INSERT INTO rooms (name, beds, code) VALUES ('Rose', 2, 'a'), ('Lily', 3, 'b');`

// replaySuites are what the code of a scene does. It runs in a process of its own, which is recorded.
var replaySuites = map[string]func(context.Context, *pgx.Conn) error{
	"no beds": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "SELECT count(*) FROM rooms WHERE beds = 0")
	},
	"one column": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "UPDATE rooms SET name = 'Iris' WHERE id = 1", "DELETE FROM rooms WHERE id = 2")
	},
	"same names": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "INSERT INTO rooms (name, beds) VALUES ('Fern', 1)", "INSERT INTO rooms (name, beds) VALUES ('FERN', 1)")
	},
	"as guest": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "BEGIN", "SET LOCAL ROLE guest",
			"INSERT INTO rooms (id, name, beds) VALUES (9, 'Moss', 1)", "SELECT name FROM rooms WHERE id = 9", "COMMIT")
	},
	"copy": func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().CopyFrom(ctx, strings.NewReader("Oak\t4\nAsh\t0\n"), "COPY rooms (name, beds) FROM STDIN")
		return err
	},
	// The client declares no types: the server finds them.
	"no types": func(ctx context.Context, c *pgx.Conn) error {
		result := c.PgConn().ExecParams(ctx, "SELECT name FROM rooms WHERE code = $1", [][]byte{[]byte("6f1c2a30-0000-4000-8000-000000000001")}, nil, nil, nil)
		_, err := result.Close()
		return err
	},
	// A value that the server makes comes back as a parameter.
	"random key": func(ctx context.Context, c *pgx.Conn) error {
		var key string
		if err := c.QueryRow(ctx, "INSERT INTO keys (room) VALUES (1) RETURNING id::text").Scan(&key); err != nil {
			return err
		}
		tag, err := c.Exec(ctx, "UPDATE keys SET state = 'lost' WHERE id = $1::uuid", key)
		if err == nil && tag.RowsAffected() != 1 {
			err = fmt.Errorf("%s", tag)
		}
		return err
	},
	"long name": func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "INSERT INTO guests (id, name, stay) VALUES ($1, $2, $3)", 7, "Cornelia", 2.5)
		return err
	},
	"all columns": func(ctx context.Context, c *pgx.Conn) error {
		rows, _ := c.Query(ctx, "SELECT * FROM rooms WHERE beds > $1", 1) // CollectRows has its error
		_, err := pgx.CollectRows(rows, pgx.RowToMap)
		return err
	},
	"short name": func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "INSERT INTO guests (id, name, stay) VALUES ($1, $2, $3)", 7, "Ada", 2.5)
		return err
	},
	"blocks": func(ctx context.Context, c *pgx.Conn) error {
		for range 2 {
			var n int64
			if err := c.QueryRow(ctx, "SELECT nextval('block')").Scan(&n); err != nil {
				return err
			}
			if _, err := c.Exec(ctx, "INSERT INTO rooms (id, name, beds) VALUES ($1, 'x', 1), ($2, 'y', 1)", n, n+1); err != nil {
				return err
			}
		}
		return nil
	},
	"returned key": func(ctx context.Context, c *pgx.Conn) error {
		var id int64
		if err := c.QueryRow(ctx, "INSERT INTO rooms (name, beds) VALUES ('Ivy', 1) RETURNING id").Scan(&id); err != nil {
			return err
		}
		return c.QueryRow(ctx, "SELECT id FROM rooms WHERE id = $1 AND name = 'Ivy'", id).Scan(&id)
	},
	"looks around": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "SELECT column_name FROM information_schema.columns WHERE table_name = 'rooms'",
			"SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = 'rooms'::regclass AND attnum > 0", "EXPLAIN SELECT id FROM rooms ORDER BY beds",
			"SELECT name FROM rooms")
	},
	"named by SQL": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "PREPARE put(text, int) AS INSERT INTO rooms (name, beds) VALUES ($1, $2)", "EXECUTE put('Elm', 1)", "EXECUTE put('Yew', 0)")
	},
	"pipeline": func(ctx context.Context, c *pgx.Conn) error {
		batch := &pgx.Batch{}
		batch.Queue("UPDATE rooms SET beds = beds + $1", 1)
		batch.Queue("INSERT INTO rooms (name, beds) VALUES ($1, $2)", "Birch", 0)
		batch.Queue("SELECT sum(beds) FROM rooms")
		return c.SendBatch(ctx, batch).Close()
	},
	"two workers": func(ctx context.Context, c *pgx.Conn) error {
		other, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
		if err != nil {
			return err
		}
		defer other.Close(ctx)
		for _, worker := range []*pgx.Conn{c, other} {
			if err := execAll(ctx, worker, "BEGIN"); err != nil {
				return err
			}
			var id int
			if err := worker.QueryRow(ctx, "SELECT id FROM rooms WHERE code <> '' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED").Scan(&id); err != nil {
				return err
			}
			if err := execAll(ctx, worker, fmt.Sprintf("UPDATE rooms SET code = '%d' WHERE id = %d", id, id)); err != nil {
				return err
			}
		}
		if err := execAll(ctx, c, "COMMIT"); err != nil {
			return err
		}
		return execAll(ctx, other, "COMMIT")
	},
	"expected error": func(ctx context.Context, c *pgx.Conn) error {
		if err := execAll(ctx, c, "BEGIN", "SAVEPOINT s"); err != nil {
			return err
		}
		if err := execAll(ctx, c, "INSERT INTO rooms (name, beds, code) VALUES ('Rose', 1, 'a')"); err == nil {
			return fmt.Errorf("a second row with the code was accepted")
		}
		return execAll(ctx, c, "ROLLBACK TO s", "INSERT INTO rooms (name, beds, code) VALUES ('Rose', 1, 'c')", "ROLLBACK",
			"SELECT now(), random(), clock_timestamp()::text")
	},
	"temporary": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "CREATE TEMP TABLE seen (id int)", "INSERT INTO seen SELECT id FROM rooms",
			"SELECT count(*) FROM seen", "SELECT name FROM rooms WHERE id = 1", "LISTEN news", "NOTIFY news, 'x'")
	},
	"reads a file": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "SELECT name FROM rooms", "SELECT length(pg_read_file('PG_VERSION'))")
	},
	"beds in view": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "SELECT total FROM capacity", "SELECT id FROM rooms ORDER BY id")
	},
	"codes as numbers": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "UPDATE rooms SET code = '1' WHERE id = 1", "UPDATE rooms SET code = '2' WHERE id = 2", "SELECT max(code::int) FROM rooms")
	},
	"function only": func(ctx context.Context, c *pgx.Conn) error { return execAll(ctx, c, "SELECT price(3)") },
	"letters": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "INSERT INTO rooms (name, beds, code) VALUES ('New', 1, 'B2')")
	},
}

// execAll sends statements in the simple protocol, one by one.
func execAll(ctx context.Context, c *pgx.Conn, list ...string) error {
	for _, sql := range list {
		if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// TestReplayedSuite is the process that TestReplay records.
func TestReplayedSuite(t *testing.T) {
	name := os.Getenv("ONWARD_REPLAYED")
	if name == "" {
		return
	}
	c, err := pgx.Connect(t.Context(), os.Getenv("DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	suite := replaySuites[name]
	if suite == nil {
		suite = rowSuites[name]
	}
	if suite == nil {
		suite = namedSuites[name]
	}
	if suite == nil {
		suite = ownSchemaSuites[name]
	}
	if suite == nil {
		suite = redactedSuite
	}
	if name == "columns" {
		suite = columnSuite
	}
	if err := suite(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

var replayScenes = map[string]replayScene{
	"a check that a value violates": {hotel,
		[]string{"ALTER TABLE rooms ADD COLUMN note text;\nALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (beds > 0) NOT VALID;"}, "no beds", "",
		"error fails 23514 00002:3 INSERT INTO rooms"},
	"a check that no value violates": {hotel, []string{"ALTER TABLE rooms ADD CONSTRAINT beds_known CHECK (beds >= 0) NOT VALID;"}, "no beds", "", ""},
	"a check between two migrations": {hotel,
		[]string{"ALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (beds > 0) NOT VALID;", "ALTER TABLE rooms DROP CONSTRAINT beds_there;"}, "no beds", "",
		"error fails 23514 00002:2 INSERT INTO rooms"},
	"a unique index on an expression": {hotel,
		[]string{"CREATE UNIQUE INDEX one_name ON rooms (lower(name));"}, "same names", "", "error fails 23505 00002:2 INSERT INTO rooms"},
	"a unique index that the values satisfy": {hotel, []string{"CREATE UNIQUE INDEX one_name ON rooms (name);"}, "same names", "", ""},
	"NOT NULL that a row violates when it changes": {hotel + "\nINSERT INTO rooms (name, beds) VALUES ('Bare', 1); UPDATE rooms SET code = NULL WHERE id = 1;",
		[]string{"ALTER TABLE rooms ADD CONSTRAINT coded CHECK (code IS NOT NULL) NOT VALID;"}, "one column", "", "error fails 23514 00002:2 UPDATE rooms SET name"},
	"a policy that refuses": {hotel + "\nCREATE ROLE guest; GRANT ALL ON rooms TO guest;",
		[]string{"CREATE POLICY small ON rooms TO guest USING (true) WITH CHECK (beds > 1);\nALTER TABLE rooms ENABLE ROW LEVEL SECURITY;"}, "as guest", "",
		"error fails 42501 00002:3 INSERT INTO rooms"},
	"a policy that allows": {hotel + "\nCREATE ROLE guest; GRANT ALL ON rooms TO guest;",
		[]string{"CREATE POLICY small ON rooms TO guest USING (true) WITH CHECK (beds > 0);\nALTER TABLE rooms ENABLE ROW LEVEL SECURITY;"}, "as guest", "", ""},
	"COPY": {hotel,
		[]string{"ALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (beds > 0) NOT VALID;"}, "copy", "", "error fails 23514 00002:2 COPY rooms"},
	"types that nobody declared": {"CREATE TABLE rooms (name text, code text);",
		[]string{"ALTER TABLE rooms ALTER COLUMN code TYPE uuid USING code::uuid;"}, "no types", "", ""},
	"a random key that comes back": {hotel + "\nCREATE TABLE keys (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), room bigint NOT NULL, state text);",
		[]string{"ALTER TABLE keys ADD CONSTRAINT kept CHECK (state <> 'lost') NOT VALID;"}, "random key", "", "error fails 23514 00002:2 UPDATE keys"},
	"a random key that is accepted": {hotel + "\nCREATE TABLE keys (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), room bigint NOT NULL, state text);",
		[]string{"ALTER TABLE keys ADD CONSTRAINT kept CHECK (state <> 'stolen') NOT VALID;"}, "random key", "", ""},
	"a sequence whose numbers collide": {hotel + "\nCREATE SEQUENCE block START 1000 INCREMENT BY 50;",
		[]string{"ALTER SEQUENCE block INCREMENT BY 1;"}, "blocks", "", "error fails 23505 00002:2 INSERT INTO rooms"},
	"a sequence with other numbers": {hotel + "\nCREATE SEQUENCE block START 1000 INCREMENT BY 50;",
		[]string{"ALTER SEQUENCE block INCREMENT BY -100 MINVALUE 1;"}, "blocks", "", ""},
	"a new column for SELECT *": {hotel, []string{"ALTER TABLE rooms ADD COLUMN note text;"}, "all columns", "",
		"warning result-shape 0A000 00002:2 SELECT * FROM rooms"},
	"a row of the release":      {hotel, []string{"INSERT INTO rooms (name, beds) VALUES ('Dune', 3);"}, "returned key", "", ""},
	"questions to the catalogs": {hotel, []string{"ALTER TABLE rooms ADD COLUMN note text;\nCREATE INDEX ON rooms (beds);"}, "looks around", "", ""},
	"a statement that SQL has prepared": {hotel, []string{"ALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (beds > 0) NOT VALID;"}, "named by SQL", "",
		"error fails 23514 00002:2 INSERT INTO rooms"},
	"a pipeline": {hotel,
		[]string{"ALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (beds > 0) NOT VALID;"}, "pipeline", "", "error fails 23514 00002:2 INSERT INTO rooms"},
	"a pipeline that goes": {hotel, []string{"ALTER TABLE rooms ADD CONSTRAINT beds_known CHECK (beds >= 0) NOT VALID;"}, "pipeline", "", ""},
	"two sessions at once": {hotel, []string{"ALTER TABLE rooms ADD CONSTRAINT coded CHECK (code <> 'z') NOT VALID;"}, "two workers", "", ""},
	"an expected error, the clock and chance": {hotel,
		[]string{"ALTER TABLE rooms ADD CONSTRAINT coded CHECK (code <> 'z') NOT VALID;"}, "expected error", "", ""},
	"an expected error that is gone": {hotel, []string{"ALTER TABLE rooms DROP CONSTRAINT one_code;"}, "expected error", "",
		"warning other-result  00002:2 INSERT INTO rooms"},
	"temporary tables and messages": {hotel, []string{"ALTER TABLE rooms ADD COLUMN note text;"}, "temporary", "", ""},
	"a view with another meaning": {hotel + "\nCREATE VIEW capacity AS SELECT sum(beds) AS total FROM rooms;",
		[]string{"ALTER TABLE rooms ADD COLUMN closed bool NOT NULL DEFAULT false;\n" +
			"CREATE OR REPLACE VIEW capacity AS SELECT 2 * sum(beds) AS total FROM rooms;"}, "beds in view", "",
		"warning other-result  00002:3 SELECT total FROM capacity"},
	"a view that is written otherwise": {hotel + "\nCREATE VIEW capacity AS SELECT sum(beds) AS total FROM rooms;",
		[]string{"CREATE OR REPLACE VIEW capacity AS SELECT sum(r.beds) AS total FROM rooms r WHERE true;"}, "beds in view", "", ""},
	"a function without a table": {"CREATE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';",
		[]string{"CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT n / (n - 3)';"}, "function only", "",
		"error fails 22012 00002:2 SELECT price($1)"},
	"a rollback of the code": {hotel + "\nALTER TABLE rooms ADD CONSTRAINT digits CHECK (code ~ '^[0-9]+$') NOT VALID;",
		[]string{"ALTER TABLE rooms ADD COLUMN note text;\nALTER TABLE rooms DROP CONSTRAINT digits;"}, "codes as numbers", "letters",
		"error fails 22P02 00002:3 SELECT max(code::int)"},
	"a rollback of code that writes what it wrote": {hotel, []string{"ALTER TABLE rooms ADD COLUMN note text;"}, "codes as numbers", "no beds", ""},
}

// The values that a suite sends decide what a query without them leaves open.
func TestReplay(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for _, name := range rotation.Pick(t, len(pgservertest.EndsAndPreview()), slices.Sorted(maps.Keys(replayScenes))) {
			s := replayScenes[name]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir := repository(t, s.base, s.release...)
				cfg := on(dir, major)
				old := s.record(t, dir, major, cfg.Base, s.suite)
				cfg.Old, cfg.Transcripts = []*verify.Workload{old.Workload}, map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}}
				if s.later != "" {
					fresh := s.record(t, dir, major, cfg.Head, s.later)
					cfg.New, cfg.Transcripts[onward.NewCode] = []*verify.Workload{fresh.Workload}, []*verify.Transcript{fresh.Transcript}
				}
				s.check(t, run(t, cfg))
			})
		}
	})
}

// A release is not called safe if the values of a write decide, and nobody knows them.
func TestOpenWrites(t *testing.T) {
	t.Parallel()
	dir := repository(t, hotel, "ALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (beds > 0) NOT VALID;")
	cfg := on(dir, onward.NewestMajor)
	for values, c := range map[string]struct {
		suite  string
		want   string
		state  onward.State
		advice string
	}{
		"not recorded": {"", "Not decided: 1 write may be rejected, which depends on its values. ", onward.StateNone, "not decided: 1 write"},
		"refused":      {"no beds", "This release is not safe to deploy: 1 recorded query", onward.StateNotSafe, "the deployed code fails"},
		"accepted":     {"same names", "Safe to deploy.", onward.StateSafe, "the deployed code works with it"},
	} {
		s := replayScene{suite: cmp.Or(c.suite, "no beds")}
		old := s.record(t, dir, onward.NewestMajor, cfg.Base, s.suite)
		cfg.Old, cfg.Transcripts = []*verify.Workload{old.Workload}, nil
		if c.suite != "" {
			cfg.Transcripts = map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}}
		}
		if r := run(t, cfg); !strings.HasPrefix(r.Summary.Verdict, c.want) || r.Summary.State != c.state || r.Summary.Safe != (c.state == onward.StateSafe) ||
			!strings.HasPrefix(r.Verification.Phases[0].Advice, c.advice) {
			t.Errorf("values %s: the summary is %+v, want %q; phases: %+v", values, r.Summary, c.want, r.Verification.Phases)
		}
	}
}

// record records a suite on the schema of a revision.
func (s *replayScene) record(t *testing.T, dir string, major int, revision, suite string) *record.Result {
	t.Helper()
	return recordSuite(t, dir, major, revision, suite)
}

// recordSuite records a suite on the schema of a revision. redact is what is replaced in its values.
func recordSuite(t *testing.T, dir string, major int, revision, suite string, redact ...*regexp.Regexp) *record.Result {
	t.Helper()
	var out strings.Builder
	result, err := record.Run(t.Context(), record.Config{
		Command: []string{os.Args[0], "-test.run=^TestReplayedSuite$"}, Env: []string{"ONWARD_REPLAYED=" + suite}, Out: &out, Err: &out,
		Major: major, Transcript: true, Values: len(redact) > 0, Redact: redact,
		Base: &rehearse.Config{Config: audit.Config{Dir: dir, Base: revision, Head: revision}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Failed != nil {
		t.Fatalf("the suite %q failed: %v\n%s", suite, result.Failed, out.String())
	}
	return result
}

func (s *replayScene) check(t *testing.T, r *onward.Report) {
	t.Helper()
	if n := r.Verification.Replay; n == nil || n.Unlike > 0 || n.Statements == 0 || n.Points == 0 {
		t.Fatalf("replayed %+v: %q", n, r.Verification.Notes)
	}
	var got []string
	for _, d := range r.Verdicts {
		if d.Code == onward.OldCode {
			number, _, _ := strings.Cut(strings.TrimPrefix(d.After.Path, "migrations/"), "_")
			got = append(got, fmt.Sprintf("%s %s %s %s:%d %s", d.Severity, d.Kind, d.SQLState, number, d.After.Line, d.Query))
		}
	}
	switch {
	case s.want == "" && len(got) > 0:
		t.Errorf("the suite passes on the release, and the report has %q", got)
	case s.want != "" && !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, s.want) }):
		t.Errorf("the report has no %q: %q", s.want, got)
	}
	if breaks := strings.HasPrefix(s.want, "error"); breaks != (verify.FirstBreaking(r) != nil) {
		t.Errorf("the report breaks a query: %t, want %t: %+v", !breaks, breaks, r.Summary)
	}
	if strings.Contains(fmt.Sprint(r.Verdicts), "Attic") {
		t.Errorf("a value is in the report: %+v", r.Verdicts)
	}
	var page strings.Builder
	if err := report.Write(&page, report.FormatTerminal, r, report.Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "executed with values") {
		t.Errorf("nothing says what was executed:\n%s", page.String())
	}
}
