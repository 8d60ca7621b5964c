package prove

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rules/blocking"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
)

// TestConversionsIgnoreTheWriter changes types whose conversion depends on settings. After the printed fix, the same value becomes the
// same one in an old row and in rows of sessions with other settings: what the migration itself makes of it.
func TestConversionsIgnoreTheWriter(t *testing.T) {
	t.Parallel()
	server := pgservertest.Connect(t, pgservertest.Database(t, rotation.Pick(t, 6, pgservertest.Majors())[0]))
	// The settings of the migration, then a writer's.
	settings := [][]string{
		{"SET timezone = 'America/Lima'", "SET datestyle = ISO, DMY", "SET bytea_output = escape", "SET intervalstyle = postgres", "SET lc_monetary = 'C'"},
		{"SET timezone = 'Asia/Tokyo'", "SET datestyle = SQL, MDY", "SET bytea_output = hex", "SET intervalstyle = iso_8601", "SET extra_float_digits = -9"},
	}
	for _, c := range []struct{ from, to, using, value string }{
		{"timestamp", "timestamptz", "", "2026-01-05 12:00"},
		{"timestamptz", "timestamp(0)", "", "2026-01-05 12:00:00.7+03"},
		{"timestamp", "timestamptz", "c::timestamptz", "2026-01-05 12:00"},
		{"timestamp[]", "timestamptz[]", "", "{2026-01-05 12:00}"},
		{"timestamptz", "date", "", "2026-01-05 02:00+00"},
		{"date", "timestamptz", "", "2026-01-05"},
		{"timestamptz", "time", "", "2026-01-05 02:00+00"},
		{"text", "date", "c::date", "03/04/2026"},
		{"text", "timestamptz", "c::timestamptz", "03/04/2026 12:00"},
		{"date", "text", "", "2026-04-03"},
		{"bytea", "text", "", "ab"},
		{"interval", "text", "", "1 day 02:00"},
		{"float8", "text", "", "0.30000000000000004"},
		{"text", "text", "to_char(c::date, 'MM')", "03/04/2026"},
		{"moment", "timestamptz", "", "2026-01-05 12:00"},
	} {
		name := c.from + " " + c.to + " " + c.using
		alter := "ALTER TABLE t ALTER COLUMN c TYPE " + c.to
		if c.using != "" {
			alter += " USING " + c.using
		}
		const schema = "CREATE DOMAIN moment AS timestamp;\nCREATE TABLE t (id int, c %);\n"
		before := strings.Replace(schema, "%", c.from, 1)
		zone := settings[0][0] + ";\n"
		f, err := ruletest.ParseFixture([]byte("# a conversion\n-- before.sql --\n" + before + "-- bad.sql --\n" + zone + alter + ";\n"))
		if err != nil {
			t.Fatal(err)
		}
		findings, err := f.Run(recommended(), &f.Releases[0])
		if err != nil {
			t.Fatal(err)
		}
		fix := ""
		for i := range findings {
			if findings[i].Rule == blocking.ColumnTypeRewrite.ID {
				_, fix, _ = strings.Cut(findings[i].Instead, "\n")
			}
		}
		if fix == "" {
			t.Errorf("%s: no fix", name)
			continue
		}
		pgservertest.Exec(t, server, "DROP TABLE IF EXISTS t", "DROP DOMAIN IF EXISTS moment", "DROP FUNCTION IF EXISTS t_c_new_fill()", before)
		pgservertest.Exec(t, server, settings[0]...)
		pgservertest.Exec(t, server, "INSERT INTO t VALUES (1, '"+c.value+"')", "CREATE TABLE plain AS TABLE t",
			strings.ReplaceAll(alter, "TABLE t ", "TABLE plain "), fix)
		pgservertest.Exec(t, server, settings[1]...)
		pgservertest.Exec(t, server, "INSERT INTO t SELECT 2, c FROM t", "UPDATE t SET id = 3 WHERE id = 2", "RESET ALL")
		var right, wrong int
		var texts string
		if err := server.QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE c_new = p.c), count(*) FILTER (WHERE c_new IS DISTINCT FROM p.c), "+
			"string_agg(t.c_new::text || ' for ' || p.c::text, ', ') FROM t, plain p").Scan(&right, &wrong, &texts); err != nil {
			t.Fatal(err)
		}
		if right != 2 || wrong > 0 {
			t.Errorf("%s: %d of 2 rows have the value of the migration: %s\n%s", name, right, texts, fix)
		}
		pgservertest.Exec(t, server, "DROP TABLE plain")
	}
}
