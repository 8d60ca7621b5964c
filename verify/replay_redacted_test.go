package verify_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// redactedSuite sends addresses and numbers of accounts in each way that a client has, and finds them again.
func redactedSuite(ctx context.Context, c *pgx.Conn) error {
	if err := logTest("begin", "test_guest[ann@example.org]"); err != nil {
		return err
	}
	err := execAll(ctx, c, "INSERT INTO guests (email, account) VALUES ('Ann@Example.org', 123456789)")
	if err != nil {
		return err
	}
	if _, err := c.Exec(ctx, "INSERT INTO guests (email, account) VALUES ($1, $2)", "bob@example.org", int64(987654321)); err != nil {
		return err
	}
	if _, err := c.PgConn().CopyFrom(ctx, strings.NewReader("cleo@example.org\t555555555\n"), "COPY guests (email, account) FROM STDIN"); err != nil {
		return err
	}
	for _, q := range []struct {
		sql string
		arg any
	}{
		{"SELECT account FROM guests WHERE lower(email) = $1", "ann@example.org"},
		{"SELECT account FROM guests WHERE email = ANY ($1)", []string{"cleo@example.org"}},
		{"SELECT 1 / count(*) FROM guests WHERE account = $1", int64(987654321)},
		{"SELECT 1 / count(*) FROM guests WHERE to_jsonb(guests) ->> 'email' = $1", "bob@example.org"},
	} {
		var n int64
		if err := c.QueryRow(ctx, q.sql, q.arg).Scan(&n); err != nil {
			return fmt.Errorf("%s: %w", q.sql, err)
		}
	}
	if _, err := c.Exec(ctx, "INSERT INTO guests (email, account) VALUES ($1, 1)", "bob@example.org"); err == nil {
		return errors.New("a second guest has the address")
	}
	return nil
}

// No file has a value that is replaced, and the replay does what it did with the values themselves: equal ones are equal, and fit their types.
func TestReplayRedacted(t *testing.T) {
	t.Parallel()
	s := replayScene{
		base: "CREATE TABLE guests (email text UNIQUE CHECK (email LIKE '%@%'), account bigint);",
		release: []string{
			"ALTER TABLE guests ADD CONSTRAINT small CHECK (account < 500000) NOT VALID;",
		},
	}
	dir := repository(t, s.base, s.release...)
	cfg := on(dir, 17)
	old := recordSuite(t, dir, 17, cfg.Base, "redacted", regexp.MustCompile(`[\w.+-]+@[\w.-]+`), regexp.MustCompile(`\b\d{9}\b`))
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
	for _, value := range []string{"ann@", "bob@", "cleo@", "example", "123456789", "987654321", "555555555",
		"\x00\x00\x00\x00\x3a\xde\x68\xb1"} { // 987654321 in binary
		if strings.Contains(strings.ToLower(text), value) {
			t.Errorf("a file has %q", value)
		}
	}
	cfg.Old, cfg.Transcripts = []*verify.Workload{old.Workload}, map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}}
	r := run(t, cfg)
	if n := r.Verification.Replay; n.Unlike > 0 || n.Statements == 0 {
		t.Errorf("replayed %+v: %q", n, r.Verification.Notes)
	}
	if notes := strings.Join(r.Verification.Notes, "\n"); !strings.Contains(notes, "values that redact in onward.yaml names are replaced") {
		t.Errorf("the notes are %q", notes)
	}
	refused := 0
	for _, d := range r.Verdicts {
		if d.SQLState == "23514" {
			refused++
		}
	}
	if refused != 2 { // the INSERTs and COPY
		t.Errorf("%d statements are refused: %+v", refused, r.Verdicts)
	}
}

// readStored returns what a stored transcript has, messages as they are.
func readStored(t *testing.T, file io.Reader) string {
	t.Helper()
	packed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(packed)
	var out strings.Builder
	for {
		var line map[string]any
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if body, ok := line["b"].(string); ok {
			raw, err := base64.StdEncoding.DecodeString(body)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(raw)
		}
		fmt.Fprintln(&out, line)
	}
	if !strings.Contains(out.String(), transcript.Format) {
		t.Error("this is no transcript")
	}
	return out.String()
}
