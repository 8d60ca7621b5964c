package record_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/record"
)

// A transcript has what the command sent, on each kind of server: also to a database that it made and dropped. It has neither the questions
// of the recorder nor the password of the command.
func TestTranscript(t *testing.T) {
	t.Parallel()
	for _, start := range []transcript.Start{transcript.StartsEmpty, transcript.StartsLive} {
		t.Run(string(start), func(t *testing.T) {
			t.Parallel()
			c := record.Config{Command: self(), Env: []string{program + "=works"}, Major: 17, Transcript: true}
			if start == transcript.StartsLive {
				c.Server, c.Major = pgservertest.Database(t, 15), 0
			}
			r := recordCommand(t, c)
			got := r.Transcript
			if got.Start != start || got.User != "postgres" || got.Database == "" || len(got.Notes) > 0 {
				t.Errorf("%q by %q in %q, %q", got.Start, got.User, got.Database, got.Notes)
			}
			if got.Postgres != r.Workload.Postgres || got.Revision != r.Workload.Revision {
				t.Errorf("server %d, revision %q", got.Postgres, got.Revision)
			}
			var sent strings.Builder
			values := 0
			for _, e := range got.Events {
				if e.Source == transcript.Client {
					sent.Write(e.Body)
					sent.WriteByte('\n')
					if e.Kind == 'B' && strings.Contains(string(e.Body), "hidden-") {
						values++
					}
				}
				if e.Kind == 'p' {
					t.Errorf("a password message is kept: %q", e.Body)
				}
			}
			text := sent.String()
			if values != 12 || !strings.Contains(text, "hidden-4@example.com") || strings.Contains(text, "onward_query") || strings.Contains(text, "SAVEPOINT onward") {
				t.Errorf("%d values, sent was\n%s", values, text)
			}
			create, drop := strings.Index(text, "CREATE DATABASE test_shop_gw1"), strings.Index(text, "DROP DATABASE test_shop_gw1")
			if insert := strings.Index(text, "INSERT INTO users"); create < 0 || insert < create || drop < insert {
				t.Errorf("the database is made at %d, used at %d, dropped at %d", create, insert, drop)
			}
			if len(got.Sessions) != 2 || got.Sessions[1].Database != "test_shop_gw1" {
				t.Errorf("the sessions are %+v, want two, the second in test_shop_gw1", got.Sessions)
			}
		})
	}
}
