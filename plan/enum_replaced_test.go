package plan_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const moods = `CREATE TYPE mood AS ENUM ('sad', 'calm', 'happy');
CREATE TABLE people (id bigint PRIMARY KEY, feeling mood NOT NULL DEFAULT 'sad', was mood);
CREATE INDEX people_was ON people (was);
CREATE TABLE pets (id bigint PRIMARY KEY, feeling mood, moods mood[]);
`

// recreateMood makes mood again as generators do: with the new name first, or with the old one.
const recreateMood = `CREATE TYPE mood_new AS ENUM (%s);
ALTER TABLE people ALTER COLUMN feeling DROP DEFAULT;
ALTER TABLE people ALTER COLUMN feeling TYPE mood_new USING (feeling::text::mood_new), ALTER COLUMN was TYPE mood_new USING (was::text::mood_new);
ALTER TABLE pets ALTER COLUMN feeling TYPE mood_new USING (feeling::text::mood_new);
ALTER TABLE pets ALTER COLUMN moods TYPE mood_new[] USING (moods::text::mood_new[]);
ALTER TYPE mood RENAME TO mood_old;
ALTER TYPE mood_new RENAME TO mood;
DROP TYPE mood_old;
ALTER TABLE people ALTER COLUMN feeling SET DEFAULT 'calm';`

const recreateMoodFirst = `ALTER TYPE mood RENAME TO mood_old;
CREATE TYPE mood AS ENUM (%s);
ALTER TABLE people ALTER COLUMN feeling DROP DEFAULT, ALTER COLUMN feeling TYPE mood USING feeling::text::mood, ALTER COLUMN feeling SET DEFAULT 'sad'::mood;
ALTER TABLE people ALTER COLUMN was TYPE mood USING was::text::mood;
ALTER TABLE pets ALTER COLUMN feeling TYPE mood USING feeling::text::mood, ALTER COLUMN moods TYPE mood[] USING moods::text[]::mood[];
DROP TYPE mood_old;`

// An enum that the release makes again keeps its name for all code, and its columns change over in one transaction. If it only gets
// values, no row is read.
var replacedEnums = []change{
	{
		"another order", strings.ReplaceAll(recreateMood, "%s", "'happy', 'calm', 'sad'"), 17,
		[]string{"CREATE TYPE public.mood_new AS ENUM ('happy', 'calm', 'sad')", "DROP TYPE public.mood;\nALTER TYPE public.mood_new RENAME TO mood;\n"}, "",
	},
	{
		"another order, the name first", strings.ReplaceAll(recreateMoodFirst, "%s", "'happy', 'calm', 'sad'"), 13,
		[]string{"CREATE TYPE public.mood_onward AS ENUM", "DROP TYPE public.mood;\nALTER TYPE public.mood_onward RENAME TO mood;\n"}, "",
	},
	{
		"more values", strings.ReplaceAll(recreateMood, "%s", "'angry', 'sad', 'bored', 'calm', 'happy', 'proud'"), 17,
		[]string{"ADD VALUE IF NOT EXISTS 'angry' BEFORE 'sad'", "'bored' AFTER 'sad'", "'proud' AFTER 'happy'", "SET DEFAULT 'calm'"}, "",
	},
	{
		"more values, the name first", strings.ReplaceAll(recreateMoodFirst, "%s", "'sad', 'calm', 'happy', 'proud'") + "UPDATE pets SET feeling = 'proud';", 18,
		[]string{"ADD VALUE IF NOT EXISTS 'proud' AFTER 'happy'", "UPDATE pets AS t SET feeling = 'proud'"}, "",
	},
	{
		"a value less and one more", strings.ReplaceAll(recreateMood, "%s", "'calm', 'sad', 'proud'"), 17,
		[]string{"ALTER TYPE public.mood ADD VALUE IF NOT EXISTS 'proud'", "CASE WHEN NEW.feeling::text NOT IN ('happy') THEN"}, "",
	},
	{
		"a table of the enum is dropped first", `DROP TABLE pets; CREATE TYPE mood_new AS ENUM ('calm', 'sad'); ALTER TABLE people ALTER COLUMN feeling DROP DEFAULT;
ALTER TABLE people ALTER COLUMN feeling TYPE mood_new USING (feeling::text::mood_new), ALTER COLUMN was TYPE mood_new USING (was::text::mood_new);
ALTER TYPE mood RENAME TO mood_old; ALTER TYPE mood_new RENAME TO mood; DROP TYPE mood_old;`, 17,
		[]string{"DROP TABLE pets", "DROP TYPE public.mood;\nALTER TYPE public.mood_new RENAME TO mood;\n"}, "",
	},
}

func TestReplacedEnums(t *testing.T) {
	t.Parallel()
	proven(t, moods, replacedEnums)
}

// Deployed code may write a value that the enum loses until it is gone. Then the last steps refuse such rows, and no value is lost.
func TestEnumLosesValue(t *testing.T) {
	t.Parallel()
	pgservertest.EachProofMajor(t, func(t *testing.T, major int) {
		release := strings.ReplaceAll(recreateMood, "%s", "'calm', 'sad'")
		p := planOf(t, moods, &change{"", release, major, nil, "x"}, true)
		conn := pgservertest.Connect(t, pgservertest.Database(t, major))
		pgservertest.Exec(t, conn, moods, "INSERT INTO people SELECT n, CASE WHEN n % 2 = 0 THEN 'calm' ELSE 'sad' END::mood FROM generate_series(1, 2500) n")
		write := func(id int, value string) {
			t.Helper()
			if _, err := conn.Exec(t.Context(), "INSERT INTO people (id, feeling, was) VALUES ($1, $2::text::mood, 'happy')", id, value); err != nil {
				t.Fatal(err)
			}
		}
		refused := 0
		for i := range p.Steps {
			s := &p.Steps[i]
			if s.Phase != onward.Contract {
				write(10_000+i, "happy") // the deployed code
				runStep(t, conn, s)
				continue
			}
			if s.Check != "" {
				if findsRow(t, conn, s.Check) {
					refused++
					pgservertest.Exec(t, conn, "UPDATE people SET feeling = CASE feeling WHEN 'happy' THEN 'sad' ELSE feeling END, was = NULL")
					if findsRow(t, conn, s.Check) {
						t.Errorf("on %d the check of %s finds a row after they were changed", major, s.ID)
					}
				}
			}
			runStep(t, conn, s)
		}
		var rows, calm int
		var labels string
		check := "SELECT count(*), count(*) FILTER (WHERE feeling = 'calm'), enum_range(NULL::mood)::text FROM people"
		if err := conn.QueryRow(t.Context(), check).Scan(&rows, &calm, &labels); err != nil ||
			rows <= 2500 || calm != 1250 || labels != "{calm,sad}" || refused == 0 {
			t.Errorf("on %d: %v, %d rows, %d calm, values %s, %d steps refused\n%s", major, err, rows, calm, labels, refused, told(p))
		}
	})
}

// findsRow reports whether a query returns a row.
func findsRow(t *testing.T, conn *pgx.Conn, query string) bool {
	t.Helper()
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	found := rows.Next()
	rows.Close()
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
