package verify_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// Recorded statements are never executed as a superuser, whatever role the transcript names.
func TestReplayRoles(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := replayScene{base: hotel, release: []string{"ALTER TABLE rooms ADD COLUMN note text;"}, suite: "reads a file"}
		dir := repository(t, s.base, s.release...)
		cfg := on(dir, major)
		old := s.record(t, dir, major, cfg.Base, s.suite)
		cfg.Old = []*verify.Workload{old.Workload}
		for _, user := range []string{old.Transcript.User, "somebody", ""} {
			transcript := *old.Transcript
			transcript.User = user
			cfg.Transcripts = map[onward.Code][]*verify.Transcript{onward.OldCode: {&transcript}}
			r := run(t, cfg)
			notes := strings.Join(r.Verification.Notes, "\n")
			if n := r.Verification.Replay; n.Unlike != 1 || !strings.Contains(notes, "1 statement fails on the deployed schema, and not in the recording; the first: "+
				"permission denied for function pg_read_file (SQLSTATE 42501)") {
				t.Errorf("as %q: replayed %+v: %q", user, n, r.Verification.Notes)
			}
		}
	})
}
