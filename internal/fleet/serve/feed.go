package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fault"
)

// feed reads something again and again while somebody looks at it: once for all readers.
type feed struct {
	read     func(ctx context.Context) (*snapshot, error)
	interval time.Duration
	id       string // of this feed among those before a restart

	mu      sync.Mutex
	last    reading
	changed chan struct{} // closed after the next attempt to read
	wanted  time.Time     // when a reader last asked
	running bool
	soon    chan struct{} // a read is due
}

// reading is the result of the last reads.
type reading struct {
	value   *snapshot // nil before the first success
	at      time.Time // of the value
	version string    // of the value and the problem: it changes when they do
	problem string    // of the last read; "" if it succeeded
	missing error     // the first read failed
	tries   int       // the number of reads that have ended
}

const (
	// A feed ends if nobody has asked for idleAfter.
	idleAfter = 20 * time.Second
	// restAfter limits the load: the pause after a read is at least restAfter times as long as the read.
	restAfter = 4
	// readPatience limits a read.
	readPatience = 2 * time.Minute
)

func newFeed(interval time.Duration, read func(ctx context.Context) (*snapshot, error)) *feed {
	return &feed{read: read, interval: interval, id: rand.Text(), changed: make(chan struct{}), soon: make(chan struct{}, 1)}
}

// ensureRunning starts the feed, if it does not run.
func (f *feed) ensureRunning(s *Server) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted = time.Now()
	if f.running || s.ctx.Err() != nil {
		return
	}
	f.running = true
	s.reads.Go(func() { f.readUntilIdle(s.ctx) })
}

func (f *feed) isRunning() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running
}

// readUntilIdle reads until nobody looks any more.
func (f *feed) readUntilIdle(ctx context.Context) {
	for {
		began := time.Now()
		f.readOnce(ctx)
		if !f.updateRunning(ctx) {
			return
		}
		select {
		case <-ctx.Done():
		case <-f.soon:
		case <-time.After(max(f.interval, restAfter*time.Since(began))):
		}
	}
}

// updateRunning reports whether somebody looks. If not, the feed has ended.
func (f *feed) updateRunning(ctx context.Context) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = ctx.Err() == nil && time.Since(f.wanted) < idleAfter
	return f.running
}

// readOnce reads, and wakes the readers.
func (f *feed) readOnce(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, readPatience)
	defer stop()
	value, err := f.readSafely(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last.tries++
	before := f.last
	switch {
	case err != nil && f.last.value == nil:
		f.last.missing = err
	case err != nil:
		f.last.problem = describeProblem(err)
	default:
		f.last.value, f.last.at, f.last.problem, f.last.missing = value, time.Now(), "", nil
	}
	if f.last.problem != before.problem || !reflect.DeepEqual(f.last.value, before.value) {
		f.last.version = fmt.Sprint(f.id, "-", f.last.tries)
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// readSafely reads. A panic costs this page alone.
func (f *feed) readSafely(ctx context.Context) (value *snapshot, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, fault.FromPanic(r)
		}
	}()
	return f.read(ctx)
}

// describeProblem returns an error without passwords.
func describeProblem(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the databases did not answer in time"
	}
	return address.HidePasswords(err.Error())
}

// lastReading returns the last reading, and a channel that is closed after the next one.
func (f *feed) lastReading() (reading, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, f.changed
}

// How new the result of awaitReading must be.
const (
	mayBeEarlier    = false // the last reading will do if it is not old
	beginsAfterCall = true
)

// awaitReading returns a reading that is not old, unless none arrives in time. With beginsAfterCall, it sees what was changed before the
// call.
func (f *feed) awaitReading(ctx context.Context, s *Server, fresh bool) reading {
	f.ensureRunning(s)
	last, changed := f.lastReading()
	wantTries := last.tries
	if fresh {
		wantTries += 2 // the read that is under way may have begun before
	}
	for end := time.After(s.pageWait); last.tries < wantTries || last.value == nil && last.missing == nil || !fresh && f.isOld(&last); {
		if fresh {
			select {
			case f.soon <- struct{}{}:
			default:
			}
		}
		select {
		case <-changed:
		case <-end:
			return last
		case <-ctx.Done():
			return last
		}
		last, changed = f.lastReading()
	}
	return last
}

// isOld reports whether nobody has read for a while: the feed has just begun again.
func (f *feed) isOld(r *reading) bool {
	return r.problem == "" && r.missing == nil && time.Since(r.at) > idleAfter+2*f.interval
}
