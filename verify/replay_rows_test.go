package verify_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// rowSuites are suites that differ in which rows are there, and when.
var rowSuites = map[string]func(context.Context, *pgx.Conn) error{
	"rolled back": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "BEGIN", "SAVEPOINT t", "INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "ROLLBACK TO t",
			"INSERT INTO rooms (name, beds) VALUES ('Loft', 2)",
			"ROLLBACK")
	},
	"comment": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "/* test */ BEGIN", "INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "-- end\nROLLBACK")
	},
	"one message": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "BEGIN; INSERT INTO rooms (name, beds) VALUES ('Attic', 0); COMMIT", "BEGIN; DELETE FROM rooms WHERE beds = 0; COMMIT")
	},
	"copied": func(ctx context.Context, c *pgx.Conn) error {
		if err := execAll(ctx, c, "BEGIN"); err != nil {
			return err
		}
		if _, err := c.PgConn().CopyFrom(ctx, strings.NewReader("Attic\t0\n"), "COPY rooms (name, beds) FROM STDIN"); err != nil {
			return err
		}
		return execAll(ctx, c, "ROLLBACK")
	},
	"cleaned": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "DELETE FROM rooms WHERE beds = 0", "SELECT count(*) FROM rooms")
	},
	"stays": func(ctx context.Context, c *pgx.Conn) error {
		tx, err := c.Begin(ctx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO rooms (name, beds) VALUES ($1, $2)", "Attic", 0); err != nil {
			return err
		}
		return tx.Commit(ctx)
	},
	"code rolls back": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "BEGIN", "INSERT INTO rooms (name, beds) VALUES ('Loft', 2)", "COMMIT", "BEGIN",
			"INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "ROLLBACK")
	},
	"code takes back": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "BEGIN", "SAVEPOINT one", "INSERT INTO rooms (name, beds) VALUES ('Loft', 2)", "RELEASE one", "SAVEPOINT two",
			"INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "ROLLBACK TO SAVEPOINT two", "RELEASE SAVEPOINT two", "ROLLBACK")
	},
	"nested": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "BEGIN", "SAVEPOINT test", "SAVEPOINT code", "INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "ROLLBACK TO code", "RELEASE code",
			"INSERT INTO rooms (name, beds) VALUES ('Loft', 2)", "ROLLBACK TO test", "RELEASE test", "ROLLBACK")
	},
	"deletes before it is through": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "BEGIN", "INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "DELETE FROM rooms WHERE name = 'Lily'",
			"UPDATE rooms SET beds = 1 WHERE beds = 0", "COMMIT")
	},
	"repaired": func(ctx context.Context, c *pgx.Conn) error {
		return execAll(ctx, c, "BEGIN", "INSERT INTO rooms (name, beds) VALUES ('Attic', 0)", "UPDATE rooms SET beds = 1 WHERE beds = 0", "COMMIT")
	},
}

// A migration that works on rows meets those that the tests of the deployed code have: also rows that a test rolls back or cleans away. The queries themselves
// pass at each commit point.
func TestReplayFixtures(t *testing.T) {
	t.Parallel()
	const divide, guarded = "UPDATE rooms SET name = (100 / beds)::text;", "UPDATE rooms SET name = (100 / greatest(beds, 1))::text;"
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for _, c := range []struct {
			suite, release string
			fails          bool
		}{
			{"rolled back", divide, true}, {"cleaned", divide, true}, {"stays", divide, true},
			{"comment", divide, true}, {"one message", divide, true}, {"copied", divide, true},
			{"repaired", divide, false}, {"rolled back", guarded, false}, {"cleaned", guarded, false},
			{"code rolls back", divide, false}, {"code takes back", divide, false}, {"nested", divide, false},
			{"deletes before it is through", divide, false},
		} {
			t.Run(c.suite+"/"+c.release, func(t *testing.T) {
				t.Parallel()
				s := replayScene{base: hotel, release: []string{"ALTER TABLE rooms ADD COLUMN note text;", c.release}}
				dir := repository(t, s.base, s.release...)
				cfg := on(dir, major)
				old := s.record(t, dir, major, cfg.Base, c.suite)
				cfg.Old, cfg.Transcripts = []*verify.Workload{old.Workload}, map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}}
				r := run(t, cfg)
				var got []string
				for _, f := range r.Findings {
					if f.Rule == "rehearsal-fails-with-rows" {
						got = append(got, fmt.Sprintf("%s %s:%d %s", f.Severity, f.Path, f.Line, f.Fact))
					}
				}
				if r.Verification.Replay.Fixtures == 0 || verify.FirstBreaking(r) != nil {
					t.Errorf("the replay is %+v, want fixtures and no breaking query: %+v", r.Verification.Replay, r.Verdicts)
				}
				if !c.fails {
					if len(got) > 0 || verify.HasOtherErrors(r) {
						t.Errorf("the release runs on the rows of the suite: %q, %s", got, r.Summary.Verdict)
					}
					return
				}
				want := regexp.MustCompile(`^error migrations/00003_step\.sql:2 .*, the last of them by (INSERT INTO|COPY) rooms`)
				if len(got) != 1 || !want.MatchString(got[0]) || !strings.HasSuffix(got[0], "division by zero (SQLSTATE 22012)") {
					t.Errorf("the findings are %q", got)
				}
				if !strings.Contains(r.Summary.Verdict, "not safe") || !verify.HasOtherErrors(r) {
					t.Errorf("the verdict is %q", r.Summary.Verdict)
				}
			})
		}
	})
}

// What the new code writes may not fit the deployed schema, though each of its queries is prepared there: it needs the later one, and the migration comes
// first. What fits both needs no order. The values are in the report only if that is asked for; they are sent in text and in binary.
func TestReplayNewCode(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE guests (id int PRIMARY KEY, name varchar(5), stay numeric(4, 1));"
	widen := "ALTER TABLE guests ALTER COLUMN name TYPE varchar(50);"
	for name, scene := range map[string]struct {
		suite  string
		values []string // of the query that needs the later schema
	}{
		"longer": {"long name", []string{"7", "'Cornelia'", "2.5"}},
		"same":   {"short name", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := replayScene{base: base, release: []string{widen}}
			dir := repository(t, s.base, s.release...)
			cfg := on(dir, 17)
			fresh := s.record(t, dir, 17, cfg.Head, scene.suite)
			cfg.New, cfg.Transcripts = []*verify.Workload{fresh.Workload}, map[onward.Code][]*verify.Transcript{onward.NewCode: {fresh.Transcript}}
			cfg.ShowValues = true
			r := run(t, cfg)
			var values []string
			for _, d := range r.Verdicts {
				if d.Code == onward.NewCode && d.Kind == onward.VerdictFails {
					values = d.Values
					if d.SQLState != "22001" || d.Point != 0 || d.UntilPoint != 1 || !d.Replayed {
						t.Errorf("the verdict is %+v, want a replayed 22001 from point 0 until point 1", d)
					}
				}
			}
			if !slices.Equal(values, scene.values) {
				t.Errorf("the query that needs the later schema has the values %q, want %q: %+v", values, scene.values, r.Verdicts)
			}
			want := onward.BelongsEither
			if scene.values != nil {
				want = onward.BelongsBefore
			}
			if got := r.Verification.Phases[0].Belongs; got != want {
				t.Errorf("the migration belongs %v, want %v", got, want)
			}
			if verify.FirstBreaking(r) != nil {
				t.Errorf("nothing breaks: %+v", r.Summary)
			}
		})
	}
}
