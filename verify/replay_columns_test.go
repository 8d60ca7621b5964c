package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// peopleSchema has columns that are replaced: *.email, people.phone, people.pin, people.born, people.wealth.
const peopleSchema = `CREATE TABLE people (id bigserial PRIMARY KEY, email text UNIQUE, phone text, pin int, born date, wealth numeric, town text,
  CHECK (email LIKE '%@%'));
CREATE VIEW contacts AS SELECT id, email AS address, town AS place FROM people;
CREATE TABLE towns (name text PRIMARY KEY, size int);
CREATE FUNCTION join_people(text, text) RETURNS bigint LANGUAGE sql AS 'INSERT INTO people (email, town) VALUES ($1, $2) RETURNING id';
INSERT INTO towns VALUES ('Bern', 133000);`

// columnSuite sends values of redacted columns in each way that a client has, and finds them again.
func columnSuite(ctx context.Context, c *pgx.Conn) error {
	for _, sql := range []string{
		"INSERT INTO people (email, phone, pin, born, wealth, town) VALUES ('Ann@Example.org', '+41-79-1112233', 4711, '1987-03-21', 1234567.89, 'Bern')",
		"SELECT 1 / count(*) FROM people WHERE email = 'Ann@Example.org' AND town = 'Bern'",
		"UPDATE people SET phone = '+41-79-4445566' WHERE pin = 4711",
		"SELECT 1 / count(*) FROM people WHERE phone IN ('+41-79-4445566', 'x')",
		"WITH p AS (SELECT email AS mail FROM people) SELECT 1 / count(*) FROM p WHERE mail = 'Ann@Example.org'",
		"SELECT 1 / count(*) FROM contacts WHERE address = 'Ann@Example.org'",
		"SELECT 1 / size FROM towns WHERE name = 'Bern'; SELECT * FROM people",
		"DO $$ BEGIN INSERT INTO people (email, town) VALUES ('dora@example.org', 'Bern'); END $$",
		"SELECT 'hello Ann@Example.org', $text$letter to ann@example.org$text$",
		"PREPARE find(text) AS SELECT id FROM people WHERE email = $1", "EXECUTE find('Ann@Example.org')",
		"INSERT INTO people VALUES (99, 'erik@example.org', NULL, 8822, NULL, NULL, 'Bern')",
	} {
		if err := execAll(ctx, c, sql); err != nil {
			return err
		}
	}
	if _, err := c.Exec(ctx, "INSERT INTO people (email, pin, town) VALUES ($1, $2, $3) ON CONFLICT (email) DO UPDATE SET pin = excluded.pin",
		"bob@example.org", 770077, "Basel"); err != nil {
		return err
	}
	if _, err := c.PgConn().CopyFrom(ctx, strings.NewReader("cleo@example.org\t551155\tBern\n"), "COPY people (email, pin, town) FROM STDIN"); err != nil {
		return err
	}
	for _, q := range []struct {
		sql string
		arg any
	}{
		{"SELECT 1 / count(*) FROM people WHERE lower(email) = lower($1)", "BOB@example.org"},
		{"SELECT 1 / count(*) FROM people WHERE pin = $1", 770077},
		{"SELECT 1 / count(*) FROM people WHERE pin = ANY ($1)", []int32{551155}},
		{"SELECT join_people($1, 'Bern')", "finn@example.org"},
		{"SELECT pin::bigint FROM people WHERE email = $1", "cleo@example.org"},
	} {
		var n int64
		if err := c.QueryRow(ctx, q.sql, q.arg).Scan(&n); err != nil {
			return fmt.Errorf("%s: %w", q.sql, err)
		}
	}
	if _, err := c.Exec(ctx, "INSERT INTO people (email) VALUES ($1)", "bob@example.org"); err == nil {
		return fmt.Errorf("a second row has the address")
	}
	return nil
}

// No file has a value of a redacted column, wherever it was sent or came back, and the replay does what it did with the values themselves.
func TestReplayRedactedColumns(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		dir := repository(t, peopleSchema, "ALTER TABLE people ADD CONSTRAINT no_basel CHECK (town <> 'Basel') NOT VALID;")
		cfg := on(dir, major)
		var out strings.Builder
		old, err := record.Run(t.Context(), record.Config{
			Command: []string{os.Args[0], "-test.run=^TestReplayedSuite$"}, Env: []string{"ONWARD_REPLAYED=columns"}, Out: &out, Err: &out,
			Major: major, Transcript: true, Values: true, RedactColumns: []string{"*.email", "people.phone", "public.people.pin", "people.born", "people.wealth"},
			Base: &rehearse.Config{Config: audit.Config{Dir: dir, Base: cfg.Base, Head: cfg.Base}},
		})
		if err != nil || old.Failed != nil {
			t.Fatalf("record the suite: %v; %v\n%s", err, old, out.String())
		}
		var file bytes.Buffer
		if err := old.Transcript.Write(&file); err != nil {
			t.Fatal(err)
		}
		text := readStored(t, &file)
		recording, err := json.Marshal(old.Workload)
		if err != nil {
			t.Fatal(err)
		}
		text += string(recording)
		for _, value := range []string{"ann@", "bob@", "cleo@", "dora@", "erik@", "finn@", "1112233", "4445566", "4711", "8822", "770077", "551155", "1987-03-21",
			"1234567.89",
			"\x00\x0b\xc0\x0d", "\x00\x08\x68\xf3"} { // 770077 and 551155 in binary
			if i := strings.Index(strings.ToLower(text), value); i >= 0 {
				t.Errorf("a file has %q: %q", value, text[max(i-100, 0):min(i+100, len(text))])
			}
		}
		if !strings.Contains(text, "Bern") || !strings.Contains(text, "Basel") {
			t.Error("other columns' values are gone, too")
		}
		cfg.Old, cfg.Transcripts = []*verify.Workload{old.Workload}, map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}}
		r := run(t, cfg)
		if n := r.Verification.Replay; n.Unlike > 0 || n.Statements == 0 {
			t.Errorf("replayed %+v: %q", n, r.Verification.Notes)
		}
		if !slices.ContainsFunc(r.Verdicts, func(d onward.Verdict) bool {
			return d.SQLState == "23514" && d.Severity == onward.Error && strings.HasPrefix(d.Query, "INSERT INTO people (email, pin, town)")
		}) {
			t.Errorf("the verdicts are %+v, want an error 23514 for the INSERT INTO people", r.Verdicts)
		}
	})
}
