package cli

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
)

// Whoever can write to the queue cannot choose the command, cannot make a worker run code that it was not started for, and cannot start a
// program for the health of a target.
func TestQueuedWork(t *testing.T) {
	t.Parallel()
	command := []string{"./migrate", "up"}
	m := &workMaker{release: "v2", command: guard.Config{Command: command}, logger: slog.New(slog.DiscardHandler)}
	digest := fleet.DigestCommand(command, "{schema}")
	for _, c := range []struct{ release, digest, work, want string }{
		{"v2", digest, `{"guard": {"within": 1}}`, ""},
		{"v2", digest, `{"guard": {"within": 1, "command": ["sh"]}}`, "another release of onward"},
		{"v2", fleet.DigestCommand([]string{"sh"}, "{schema}"), `{"guard": {}}`, "another command"},
		{"v3", digest, `{"guard": {}}`, "was not started for the release v3"},
		{"v3", "x", `{"pending": {"migrations": "x"}}`, "was not started for the release v3"},
		{"v2", "x", `{"pending": {"migrations": "x"}}`, ""},
		{"v3", "x", `{"plan": {}}`, ""},
		{"v3", "x", `{"plan": {}, "pending": {"migrations": "x"}}`, "it has no plan"},
		{"v3", "x", `{}`, "it has no plan"},
		{"v3", "x", `[]`, "another release of onward"},
	} {
		_, err := m.makeWork(&queuedb.Job{Release: c.release, Digest: c.digest, SearchPath: "{schema}", Work: []byte(c.work)})
		if got := err; (got == nil) != (c.want == "") || got != nil && !strings.Contains(got.Error(), c.want) {
			t.Errorf("%s %s: %v", c.release, c.work, got)
		}
	}
	q, _, err := readQueuedWork([]byte(`{"plan": {}, "throttle": {"Health": "touch /tmp/x"}}`))
	if err != nil || q.Throttle.Health != "" {
		t.Errorf("%+v %v", q, err)
	}
}
