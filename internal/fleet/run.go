package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// Config is what [Run] needs.
type Config struct {
	// List lists the targets. It is called again at the end, because targets may be created meanwhile.
	List func(ctx context.Context) ([]*Target, error)
	// Release is the user's name of the release. Digest identifies its work: the same release with another digest is refused.
	Release, Digest string
	// After is an earlier release that all targets must have first; "" for none.
	After string
	// Waves divide the targets, and StopAfter is how many of a wave may fail.
	Waves     []Amount
	StopAfter Amount
	// AtOnce limits the targets that are worked on at once. PerServer is the same limit for one server.
	AtOnce, PerServer int
	// Chosen: the user named these targets. Targets that are done or skipped run again, too.
	Chosen bool
	// Work runs the release on a target.
	Work Work
	// Verify is a query that returns true on a target with the release; "" for none. Such a target needs no work.
	Verify string
	// SearchPath is the template of the search_path for schemas; "" means the schema alone.
	SearchPath string
	// Repeats: the caller works on a target again after a lost connection, which leaves the target interrupted instead of failed.
	Repeats bool
	// Who runs the release.
	Who string
	// Within limits the wait for a target on which another process works, or whose server has no free connection.
	Within time.Duration
	// Judge says which code may be deployed on all targets; nil if nothing is known.
	Judge func(*onward.Rollout) []onward.Readiness
	// Tell gets a line for each event.
	Tell func(words string)
}

// Work runs a release on a target. It calls record before a session begins to work there, with its server process. An error that is a
// *config.InputError concerns all targets, and ends the release.
type Work func(ctx context.Context, t *Target, record func(pid int) error) (exitCode int, err error)

// rollout is one call of [Run].
type rollout struct {
	c          *Config
	out        *onward.Rollout
	targets    []*Target
	duplicates []string
	results    map[*Target]*onward.RolloutTarget
	holder     string      // identifies this process in the ledgers
	fatal      error       // ends the release
	stopped    string      // why no further target begins
	paused     atomic.Bool // a target was not begun, because somebody has paused the release
	unlisted   string      // why the targets were not listed again at the end
}

// Run carries a release out on all targets, in waves. The result is returned with each error. Errors:
//   - a *config.InputError for wrong input, or work that no target can do,
//   - a [*ChangedError] if the release was begun with other work,
//   - an [*UnfinishedError] if some targets are not done.
func Run(ctx context.Context, c Config) (*onward.Rollout, error) {
	r := newRollout(&c)
	defer func() { r.closeSessions() }()
	waves, err := r.readTargets(ctx)
	if err != nil {
		return nil, err
	}
	most := len(waves) + maxLateWaves
	for i := 0; i < len(waves); i++ {
		if !r.runWave(ctx, i, len(waves), waves[i]) {
			break
		}
		if i == len(waves)-1 && !c.Chosen && len(waves) < most {
			if late := r.listNewTargets(ctx); len(late) > 0 {
				waves = append(waves, wave{"created meanwhile", late})
			}
		}
	}
	r.summarizeWaves(waves)
	return r.out, r.finalError(ctx)
}

func newRollout(c *Config) *rollout {
	return &rollout{
		c: c, results: map[*Target]*onward.RolloutTarget{}, out: &onward.Rollout{Schema: onward.RolloutSchema, Release: c.Release},
		holder: c.Who + " " + rand.Text(),
	}
}

// readTargets lists the targets, reads their ledgers, and divides them into waves.
func (r *rollout) readTargets(ctx context.Context) ([]wave, error) {
	list, err := r.c.List(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.addTargets(ctx, list); err != nil {
		return nil, err
	}
	return cutWaves(r.targets, r.c.Waves), r.requireEarlierRelease(ctx)
}

// addTargets identifies targets and adds those that are new.
func (r *rollout) addTargets(ctx context.Context, list []*Target) error {
	identifyTargets(ctx, list, r.holder)
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, t := range list {
		t.missing = t.place != "" && isGoneError(t.problem)
	}
	var duplicates []string
	r.targets, duplicates = dropDuplicates(list)
	for _, d := range duplicates {
		r.c.Tell("listed twice: " + d)
	}
	r.duplicates = duplicates
	if err := readProgress(ctx, r.c.Release, r.targets, func(t *Target, p *onward.RolloutTarget) { r.results[t] = p }); err != nil {
		return err
	}
	for _, t := range r.targets { // also if all are done: the same name must not hide other work
		if work := t.database.work; work != "" && work != r.c.Digest {
			return &ChangedError{r.c.Release}
		}
	}
	return nil
}

// maxLateWaves bounds how often the targets are listed again.
const maxLateWaves = 3

// DescribeUnlisted says that targets could not be listed again, and what that means.
func DescribeUnlisted(err error) string {
	return "the targets could not be listed again, so those that were created meanwhile may lack the release: " +
		address.HidePasswords(describeServerError(err).Error())
}

// relistTargets lists the targets again at the end of the release. The database that lists them may be away for a while.
func (r *rollout) relistTargets(ctx context.Context) []*Target {
	for end := time.Now().Add(r.c.Within); ; sleepContext(ctx, 500*time.Millisecond) {
		list, err := r.c.List(ctx)
		if err == nil {
			r.unlisted = ""
			return list
		}
		if r.unlisted == "" {
			r.c.Tell(DescribeUnlisted(err))
		}
		r.unlisted = DescribeUnlisted(err)
		if IsInputError(err) || ctx.Err() != nil || time.Now().After(end) {
			return nil
		}
	}
}

// listNewTargets returns the targets that were created since the targets were listed.
func (r *rollout) listNewTargets(ctx context.Context) (out []*Target) {
	list := r.relistTargets(ctx)
	known := map[string]bool{}
	var old, fresh []*Target
	for _, t := range r.targets {
		if r.results[t].State != onward.RolloutGone { // else another may have its name, or it has another name
			known[t.Name] = true
			old = append(old, t)
		}
	}
	for _, t := range list {
		if !known[t.Name] {
			fresh = append(fresh, t)
		}
	}
	identifyTargets(ctx, fresh, r.holder)
	fresh = slices.DeleteFunc(fresh, func(t *Target) bool { return isGoneError(t.problem) })
	uniqueTargets, _ := dropDuplicates(append(slices.Clip(old), fresh...))
	out = uniqueTargets[len(old):]
	r.targets = append(r.targets, out...)
	for _, t := range out {
		r.results[t] = newProgress(t)
	}
	return out
}

// runWave works on the targets of a wave and reports whether the next wave may begin.
func (r *rollout) runWave(ctx context.Context, number, waveCount int, w wave) bool {
	pending := make([]*Target, 0, len(w.targets))
	for _, t := range w.targets {
		r.results[t].Wave = number + 1
		if s := r.results[t].State; r.c.Chosen || s != onward.RolloutDone && s != onward.RolloutSkipped {
			pending = append(pending, t)
		}
	}
	if len(pending) > 0 {
		r.c.Tell(fmt.Sprintf("wave %d of %d (%s): %d of %d targets to do", number+1, waveCount, w.name, len(pending), len(w.targets)))
	}
	s := scheduler{r: r, pending: pending, perServer: map[string]int{}, servers: map[*Target]string{}, ended: make(chan targetEnd), size: len(w.targets)}
	s.runTargets(ctx)
	for _, t := range w.targets {
		switch r.results[t].State {
		case onward.RolloutPending, onward.RolloutRunning, onward.RolloutInterrupted:
			return false
		}
	}
	return ctx.Err() == nil && r.fatal == nil && r.stopped == ""
}

// scheduler runs the targets of a wave, as many at once as the limits allow.
type scheduler struct {
	r         *rollout
	pending   []*Target
	perServer map[string]int
	servers   map[*Target]string // of the targets that run
	running   int
	failed    int
	size      int // of the wave
	ended     chan targetEnd
}

// targetEnd is the end of the work on a target. fatal ends the release.
type targetEnd struct {
	target *Target
	fatal  error
}

func (s *scheduler) runTargets(ctx context.Context) {
	for {
		for t := s.nextTarget(ctx); t != nil; t = s.nextTarget(ctx) {
			s.running++
			s.servers[t] = t.serverKey() // which may change: a server that was down is known later
			s.perServer[s.servers[t]]++
			go func() { s.ended <- targetEnd{t, s.r.runTarget(ctx, t)} }()
		}
		if s.running == 0 {
			return
		}
		end := <-s.ended
		s.running--
		s.perServer[s.servers[end.target]]--
		if s.r.fatal == nil {
			s.r.fatal = end.fatal
		}
		s.countResult(end.target)
	}
}

// nextTarget takes the next target that the limits allow; nil for none.
func (s *scheduler) nextTarget(ctx context.Context) *Target {
	c := s.r.c
	if ctx.Err() != nil || s.r.fatal != nil || s.r.stopped != "" || s.running >= c.AtOnce {
		return nil
	}
	for i, t := range s.pending {
		if s.perServer[t.serverKey()] < c.PerServer {
			if i == 0 {
				s.pending = s.pending[1:]
			} else {
				s.pending = slices.Delete(s.pending, i, i+1)
			}
			return t
		}
	}
	return nil
}

// serverKey identifies the server of a target, for the limit of each server. A restart changes it, and a copied server has another one.
func (t *Target) serverKey() string {
	if t.database == nil || t.database.system == "" {
		return t.Address
	}
	return t.database.system + "/" + t.database.started
}

// countResult reports the end of a target, and applies the rule that stops the release.
func (s *scheduler) countResult(t *Target) {
	r := s.r
	p := r.results[t]
	words := fmt.Sprintf("%s: %s", t.Name, p.State)
	if p.Note != "" {
		words += ": " + p.Note
	}
	r.c.Tell(words)
	if p.State == onward.RolloutFailed || p.State == onward.RolloutUnreachable {
		s.failed++
	}
	if reason := r.c.StopAfter.StopReason(s.failed, s.size); reason != "" && r.stopped == "" && !r.c.Chosen {
		r.stopped = reason
		r.c.Tell(reason)
	}
}

// closeSessions closes the sessions that keep the ledgers.
func (r *rollout) closeSessions() {
	closed := map[*database]bool{}
	for _, t := range r.targets {
		if d := t.database; d != nil && !closed[d] {
			closed[d] = true
			d.session.Close(context.Background())
		}
	}
}

// UnfinishedError says that some targets do not have the release.
type UnfinishedError struct {
	Why string
	// Failed: a target failed, or the rule stopped the release. Otherwise the same command goes on.
	Failed bool
	// Earlier: a target lacks the release of Config.After. Paused: somebody has paused the release.
	Earlier, Paused bool
	// Missing names the targets that lack the release of Config.After.
	Missing []string
}

// Error says why.
func (e *UnfinishedError) Error() string { return e.Why }

// finalError returns the error of the release, for its state.
func (r *rollout) finalError(ctx context.Context) error {
	switch {
	case r.fatal != nil:
		r.out.Why = r.fatal.Error()
		return r.fatal
	case r.out.State == onward.RolloutDone && r.unlisted == "":
		return nil
	case r.stopped != "":
		r.out.State, r.out.Why = onward.RolloutStopped, r.stopped
	case ctx.Err() != nil:
		r.out.Why = "it was interrupted: the same command goes on"
	case r.out.State == onward.RolloutDone:
		r.out.Why = r.unlisted
	default:
		r.out.Why = "some targets are not done: the same command goes on with them"
		if r.unlisted != "" {
			r.out.Why += "; " + r.unlisted
		}
	}
	if r.out.State == onward.RolloutDone { // of those that are known
		r.out.State = onward.RolloutInterrupted
	}
	return &UnfinishedError{
		Why: r.out.Why, Failed: r.out.State == onward.RolloutFailed || r.out.State == onward.RolloutStopped,
		Paused: r.paused.Load(),
	}
}

// IsInputError reports whether an error concerns all targets, and stays until somebody changes something.
func IsInputError(err error) bool {
	wrong, changed, other := new(config.InputError), new(ChangedError), new(OtherLedgerError)
	return errors.As(err, &wrong) || errors.As(err, &changed) || errors.As(err, &other)
}

// sleepContext waits for a moment, or for the end of the context.
func sleepContext(ctx context.Context, d time.Duration) { _ = queue.Pause(ctx, d) }
