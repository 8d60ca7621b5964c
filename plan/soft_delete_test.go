package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const members = `CREATE TABLE members (id bigint PRIMARY KEY, email text NOT NULL UNIQUE, nick text, handle text UNIQUE, badge integer UNIQUE DEFERRABLE, team integer, seat integer);
CREATE UNIQUE INDEX members_nick_idx ON members (lower(nick)) WHERE team IS NOT NULL;
CREATE UNIQUE INDEX members_seat_idx ON members (team, seat);
COMMENT ON INDEX members_seat_idx IS 'one each';
CREATE TABLE badges (id bigint PRIMARY KEY, handle text REFERENCES members (handle), member bigint REFERENCES members ON DELETE CASCADE);
`

const adopts = "ALTER TABLE members ADD COLUMN deleted_at timestamptz; COMMENT ON COLUMN members.deleted_at IS 'onward: soft delete';"

// A column that is declared to mark deleted rows gets everything that it needs.
func TestSoftDelete(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, release, unproven string
		settings                *config.Config
		want                    []string
	}{
		{"timestamp", adopts, "", &config.Config{Postgres: []int{17}}, []string{
			"CREATE UNIQUE INDEX CONCURRENTLY members_email_key_onward ON members USING btree (email) WHERE deleted_at IS NULL",
			"((lower(nick))) WHERE (team IS NOT NULL) AND deleted_at IS NULL",
			"DROP CONSTRAINT members_email_key;\nALTER INDEX members_email_key_onward RENAME TO members_email_key",
			"DROP INDEX CONCURRENTLY members_seat_idx", "COMMENT ON INDEX members_seat_idx IS 'one each'",
			"CREATE VIEW members_live WITH (security_invoker = true) AS SELECT id, email, nick, handle, badge, team, seat, " +
				"deleted_at FROM members WHERE deleted_at IS NULL",
			"members_handle_key stays as it is, and the values of deleted rows stay taken: foreign key badges_handle_fkey of badges",
			"members_badge_key stays as it is, and the values of deleted rows stay taken: it is deferrable",
			"foreign key badges_member_fkey of badges does nothing (ON DELETE CASCADE) when a row of members is marked",
			"ON CONFLICT (email) WHERE deleted_at IS NULL", "ON CONFLICT ON CONSTRAINT members_email_key fails",
		}},
		{"boolean by the settings, another column added", "ALTER TABLE members ADD COLUMN gone boolean NOT NULL DEFAULT false, ADD COLUMN note text;", "", &config.Config{
			Postgres:   []int{13, 17},
			SoftDelete: map[string]string{"members": "gone"},
		},
			[]string{"(email) WHERE NOT gone", "CREATE VIEW members_live AS SELECT id, email, nick, handle, badge, team, seat, gone, note FROM members WHERE NOT gone"}},
		{
			"a view by name, of a schema of its own",
			`CREATE INDEX ON members (team); ALTER TABLE members ADD COLUMN "Gone" date; COMMENT ON COLUMN members."Gone" IS 'onward: soft delete, view "Those Left"';`,
			"", nil, []string{`CREATE VIEW "Those Left" AS`},
		},
		{"no view", strings.Replace(adopts, "delete'", "delete, no view'", 1), "", nil, nil},
		{"not said", "ALTER TABLE members ADD COLUMN deleted_at timestamptz;", "", nil, nil},
		{"with a default", strings.Replace(adopts, "timestamptz", "timestamptz DEFAULT now()", 1), "would be neither", nil, nil},
		{"with a new name", adopts + " ALTER TABLE members RENAME COLUMN nick TO name;", "a release for each", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var p *onward.Plan
			if c.unproven == "" {
				p = planOn(t, members, c.release, 17, c.settings)
			} else {
				s := scene{base: members, release: c.release}
				_, missing := s.planned(t)
				if !strings.Contains(strings.Join(missing, "\n"), c.unproven) {
					t.Errorf("nothing says %q: %q", c.unproven, missing)
				}
				return
			}
			if !p.Proof.Proven {
				t.Fatalf("the plan is not proven:\n%s", told(p))
			}
			for _, want := range c.want {
				if !strings.Contains(told(p), want) {
					t.Errorf("nothing says %q:\n%s", want, told(p))
				}
			}
			if c.want == nil && (strings.Contains(told(p), "CREATE VIEW") || c.name == "not said" && len(p.Steps) != 1) {
				t.Errorf("more than was asked for:\n%s", told(p))
			}
		})
	}
}

// The plan's statements delete, restore and purge rows. In the end a value of a deleted row may be
// used again, and a row with that value then prevents a restore.
func TestSoftDeleteStatements(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, map[string]string{"migrations/00001_step.sql": "-- +goose Up\n" + members, "app.go": "package app\n"}, map[string]string{
		"migrations/00002_step.sql": "-- +goose Up\n" + adopts,
		"app.go": "package app\n\nconst a = `SELECT nick FROM members WHERE team = $1`\n" +
			"const b = `SELECT nick FROM members WHERE team = $1 AND deleted_at IS NULL`\nconst c = `SELECT nick FROM members_live WHERE team = $1`\n",
	})
	p := sketchRelease(t, dir)
	found := strings.Join(slices.DeleteFunc(slices.Clone(p.Notes), func(n string) bool { return !strings.HasPrefix(n, "a query of the new code") }), "\n")
	if strings.Count(found, "a query of") != 1 || !strings.Contains(found, "does not filter by deleted_at") {
		t.Errorf("which query does not filter is said otherwise: %s", found)
	}
	if len(p.Statements) != 3 {
		t.Fatalf("the plan has the statements %v, want 3", p.Statements)
	}
	conn := pgservertest.Connect(t, pgservertest.Database(t, 17))
	send := func(want int64, sql string, args ...any) {
		t.Helper()
		tag, err := conn.Exec(t.Context(), sql, args...)
		if err != nil || want >= 0 && tag.RowsAffected() != want {
			t.Fatalf("%s: %v, %v; want %d rows", sql, tag, err, want)
		}
	}
	send(-1, members+"INSERT INTO members (id, email, team, seat) VALUES (1, 'a', 1, 1), (2, 'b', 1, 2), (3, 'c', 1, 3); INSERT INTO badges VALUES (1, NULL, 1)")
	isTaken := func() bool {
		_, err := conn.Exec(t.Context(), "INSERT INTO members (id, email) VALUES (4, 'a')")
		failed := new(pgconn.PgError)
		if errors.As(err, &failed) && failed.Code == "23505" && failed.ConstraintName == "members_email_key" {
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
		return false
	}
	remove, restore, purge := p.Statements[0].SQL, p.Statements[1].SQL, p.Statements[2].SQL
	for i, s := range p.Steps {
		if i == p.Contract() {
			send(1, remove, 1)
			send(0, remove, 1)
			if !isTaken() {
				t.Error("the value of a deleted row is free beside the deployed code")
			}
		}
		send(-1, s.SQL)
	}
	if isTaken() {
		t.Error("the value of a deleted row is still taken")
	}
	send(2, "SELECT FROM members_live WHERE team = 1")
	send(0, restore, 1) // another one has its email
	send(1, remove, 4)
	send(1, restore, 1)
	send(0, restore, 1)
	send(1, "UPDATE members SET deleted_at = now() - interval '31 days' WHERE id = 1")
	send(1, purge)
	send(0, purge)
	send(0, "SELECT FROM badges")
	send(3, "SELECT FROM members")
}
