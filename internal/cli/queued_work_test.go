package cli

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/onward"
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
			t.Errorf("makeWork(%s) of release %s: error %v, want %q", c.work, c.release, got, c.want)
		}
	}
	q, _, err := readQueuedWork([]byte(`{"plan": {}, "throttle": {"Health": "touch /tmp/x"}}`))
	if err != nil || q.Throttle.Health != "" {
		t.Errorf("readQueuedWork = %+v (error %v), want its health command dropped", q, err)
	}
}

// The exit code says whether the same command goes on, and the reason is the queue's unless the ledgers know more.
func TestDescribeEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		ledgers, queue, want onward.RolloutState
		why                  string
		code                 int
	}{
		{onward.RolloutDone, onward.RolloutDone, onward.RolloutDone, "", exitClean},
		{onward.RolloutDone, onward.RolloutInterrupted, onward.RolloutDone, "", exitClean}, // this process could list all targets
		{onward.RolloutRunning, onward.RolloutInterrupted, onward.RolloutInterrupted, "of the queue", exitFailed},
		{onward.RolloutFailed, onward.RolloutDone, onward.RolloutInterrupted, "the workers have ended, and some targets are not done", exitFailed},
		{onward.RolloutFailed, onward.RolloutFailed, onward.RolloutFailed, "of the queue", exitFindings},
		{onward.RolloutFailed, onward.RolloutStopped, onward.RolloutStopped, "of the queue", exitFindings},
	} {
		r := &onward.Rollout{State: c.ledgers}
		code := completeRolloutResult(r, &queuedb.Progress{State: c.queue, Why: "of the queue"})
		if code != c.code || r.State != c.want || !strings.HasPrefix(r.Why, c.why) || c.why == "" && r.Why != "" {
			t.Errorf("%s in the ledgers, %s in the queue: %d %s %q", c.ledgers, c.queue, code, r.State, r.Why)
		}
	}
}
