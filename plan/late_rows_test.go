package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// What the deployed code writes between the backfill and the contract ends as in the plain migration after the same writes, or the plan is refused.
func TestLateRows(t *testing.T) {
	t.Parallel()
	const deployed = "CREATE TABLE kinds (id bigint PRIMARY KEY); " +
		"CREATE TABLE seen (id bigint PRIMARY KEY, a int, b text CONSTRAINT b_known CHECK (b <> 'x'), kind bigint);"
	const rows = "INSERT INTO kinds VALUES (1), (2); " +
		"INSERT INTO seen SELECT i, nullif(i, 3) - 4, CASE i % 2 WHEN 0 THEN 'old' END, i % 3 FROM generate_series(1, 9) AS i;"
	const late = "INSERT INTO seen VALUES (20, NULL, 'old', 7), (21, -5, NULL, 1); UPDATE seen SET a = NULL, b = 'old', kind = 8 WHERE id = 4;"
	for name, c := range map[string]struct{ release, missing string }{
		"NOT NULL": {"UPDATE seen SET a = 0 WHERE a IS NULL; ALTER TABLE seen ALTER a SET NOT NULL;", ""},
		"NOT NULL, two": {
			"UPDATE seen AS s SET a = coalesce(a, 0), b = coalesce(s.b, '-'); " +
				"ALTER TABLE seen ALTER a SET NOT NULL, ALTER b SET NOT NULL;", "",
		},
		"a CHECK": {"UPDATE seen SET a = -a WHERE a < 0; ALTER TABLE seen ADD CHECK (a >= 0);", ""},
		"another CHECK": {
			"UPDATE seen SET b = 'new' WHERE b = 'old'; " +
				"ALTER TABLE seen DROP CONSTRAINT b_known, ADD CONSTRAINT b_known CHECK (b <> 'old');", "",
		},
		"UPDATE FROM": {"UPDATE seen SET b = 'z' FROM (SELECT 1) AS x (one) WHERE b IS NULL; ALTER TABLE seen ALTER b SET NOT NULL;", ""},
		"a foreign key": {
			"UPDATE seen SET kind = NULL WHERE kind NOT IN (SELECT id FROM kinds); " +
				"ALTER TABLE seen ADD FOREIGN KEY (kind) REFERENCES kinds;", "",
		},
		"deleted orphans": {
			"DELETE FROM seen WHERE NOT EXISTS (SELECT FROM kinds AS k WHERE k.id = kind); " +
				"ALTER TABLE seen ADD FOREIGN KEY (kind) REFERENCES kinds;", "",
		},
		"added parents": {
			"INSERT INTO kinds SELECT DISTINCT kind FROM seen ON CONFLICT DO NOTHING; " +
				"ALTER TABLE seen ADD FOREIGN KEY (kind) REFERENCES kinds;", "",
		},
		"parents added once": {
			"INSERT INTO kinds SELECT DISTINCT kind FROM seen WHERE kind = 0; " +
				"ALTER TABLE seen ADD FOREIGN KEY (kind) REFERENCES kinds;", "is not repeated",
		},
		"hidden": {"UPDATE seen SET b = 'archived' WHERE b = 'old';", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sketchRelease(t, repository(t, deployed, c.release))
			if missing := strings.Join(p.Proof.Missing, "\n"); c.missing != "" || missing != "" {
				if c.missing == "" || !strings.Contains(missing, c.missing) {
					t.Errorf("missing is %q, want %q", missing, c.missing)
				}
				return
			}
			plain, planned := pgservertest.Connect(t, pgservertest.Database(t, 17)), pgservertest.Connect(t, pgservertest.Database(t, 17))
			pgservertest.Exec(t, plain, deployed, rows, late, c.release)
			pgservertest.Exec(t, planned, deployed, rows)
			run := func(steps []onward.PlanStep) {
				for _, s := range steps {
					for range 3 { // a backfill of few rows has ended then
						if pgservertest.Exec(t, planned, s.SQL); !s.Repeat {
							break
						}
					}
				}
			}
			run(p.Steps[:p.Contract()])
			pgservertest.Exec(t, planned, late)
			run(p.Steps[p.Contract():])
			var want, got string
			const all = "SELECT string_agg(concat_ws(' ', id, a, b, kind), ', ' ORDER BY id) FROM seen"
			if err := plain.QueryRow(t.Context(), all).Scan(&want); err != nil {
				t.Fatal(err)
			}
			if err := planned.QueryRow(t.Context(), all).Scan(&got); err != nil || got != want {
				t.Errorf("the rows are %q, want %q: %v\n%s", got, want, err, told(p))
			}
		})
	}
}

// Values that are computed once from what the deployed code is known to write are not proven.
func TestWrittenSources(t *testing.T) {
	t.Parallel()
	const deployed = "-- +goose Up\nCREATE TABLE teams (id bigint PRIMARY KEY, name text, size int); " +
		"CREATE TABLE users (id bigint PRIMARY KEY, team bigint, mail text, title text);"
	const code = "def save(cur, i, m):\n    cur.execute(\"UPDATE users SET mail = %s WHERE id = %s\", (m, i))\n" +
		"    cur.execute(\"INSERT INTO teams (id, name) VALUES (%s, %s)\", (i, m))\n"
	for release, written := range map[string]bool{
		"UPDATE users SET mail = lower(mail);":                                                               true,
		"UPDATE users SET title = teams.name FROM teams WHERE teams.id = team;":                              true,
		"INSERT INTO teams (id, name) SELECT id, mail FROM users;":                                           true,
		"UPDATE teams SET name = (SELECT max(title) FROM users);":                                            false,
		"UPDATE users SET title = upper(title);":                                                             false,
		"UPDATE users SET mail = lower(mail) WHERE mail IS NULL; ALTER TABLE users ALTER mail SET NOT NULL;": false,
		"INSERT INTO teams (id, name) VALUES (1, 'x');":                                                      false,
	} {
		dir := gittest.Commits(t, map[string]string{"migrations/00001_step.sql": deployed + "\n", "app.py": code},
			map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + release + "\n"})
		missing := strings.Join(sketchRelease(t, dir).Proof.Missing, "\n")
		if strings.Contains(missing, "which the deployed code goes on writing") != written || !written && missing != "" {
			t.Errorf("%s: missing is %q", release, missing)
		}
	}
}
