package backfill

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/throttle"
)

// How the load beside a backfill is measured.
const (
	// probeInterval is the time between two measurements.
	probeInterval = 50 * time.Millisecond
	// fewProbes is the number of measurements from which their mean counts; with more, the newest has the weight 1/manyProbes.
	fewProbes, manyProbes = 10, 40
	// oldProbe is the age from which a measurement between two batches is repeated, and probeTime is how long that takes.
	oldProbe, probeTime = 2 * time.Second, 3 * probeInterval
	// mostSlowdown is by what part the load's queries may take longer on average because of a backfill.
	mostSlowdown = 0.25
	// harmfulSlowdown is how many times as long they may take between two batches as at the beginning.
	harmfulSlowdown = 1.5
	// firstBatchTime is the duration of the first batches beside a load; later ones last leastBatchTime to mostBatchTime. A session that waits for
	// a row waits for the rest of the batch, and so do the queries that it would have sent.
	firstBatchTime, leastBatchTime, mostBatchTime = 25 * time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond
	// mostRest limits the rest after a batch, as a part of the batch's duration.
	mostRest = 4.0
	// slowBatch is how many times as long as usual the rows of a batch may take if there is no other load.
	slowBatch = 2.0
)

// loadMeter measures how a backfill affects other sessions. A session beside the batches reads a row by its key, as queries of the load do,
// while a batch runs and between two batches.
type loadMeter struct {
	mu sync.Mutex
	// batches are the server's processes that run a batch. changes counts how often that changed.
	batches []int
	changes int
	probing bool // measurements are made now
	// during and between are the latencies while a batch runs, and between two batches; first is that before the first batches.
	during, between latency
	first           time.Duration
	// waited: somebody waited for a row of a batch since the last one.
	waited    bool
	batchTime time.Duration
	// rowTime is the usual time for a row, and excess how much longer the last batch took, as a part of its duration.
	rowTime time.Duration
	excess  float64
}

// latency is a mean of measured latencies.
type latency struct {
	mean  time.Duration
	count int
	last  time.Time
}

// addMeasurement adds one. A single slow one has a limited weight.
func (l *latency) addMeasurement(d time.Duration) {
	if l.count >= fewProbes {
		d = min(d, 10*l.mean)
	}
	l.count++
	l.last = time.Now()
	l.mean += (d - l.mean) / time.Duration(min(l.count, manyProbes))
}

// beginBatch records that a process of the server begins a batch. The returned function ends it.
func (m *loadMeter) beginBatch(pid int) (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.batches = append(m.batches, pid)
	m.changes++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		i := slices.Index(m.batches, pid)
		m.batches = slices.Delete(slices.Clone(m.batches), i, i+1)
		m.changes++
	}
}

// runningBatches returns the processes that run a batch, and a number that differs after a batch has begun or ended.
func (m *loadMeter) runningBatches() ([]int, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.batches, m.changes
}

// addLatency adds a measurement that began in the given state. It counts only if no batch began or ended meanwhile.
func (m *loadMeter) addLatency(d time.Duration, running bool, changes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case changes != m.changes:
	case running:
		m.during.addMeasurement(d)
	default:
		m.between.addMeasurement(d)
		if m.between.count <= fewProbes {
			m.first = m.between.mean
		}
	}
}

// recordWait records that somebody waited for a row of a batch.
func (m *loadMeter) recordWait() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waited = true
}

// isLoadSlowed reports whether the load's queries take longer between two batches than at the beginning.
func (m *loadMeter) isLoadSlowed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.between.count >= manyProbes && float64(m.between.mean) > harmfulSlowdown*float64(m.first)
}

// recordBatch records how long the rows of a batch took, and derives the duration of the next one beside a load: half if somebody waited for
// a row, and else a little more.
func (m *loadMeter) recordBatch(rows int64, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.batchTime == 0 {
		m.batchTime = firstBatchTime
	} else if m.waited {
		m.batchTime = max(leastBatchTime, m.batchTime/2)
	} else {
		m.batchTime = min(mostBatchTime, m.batchTime*11/10)
	}
	m.waited = false
	if rows < FewestRows {
		return
	}
	each := took / time.Duration(rows)
	m.excess = 0
	if m.rowTime > 0 && float64(each) > slowBatch*float64(m.rowTime) {
		m.excess = 1 - slowBatch*float64(m.rowTime)/float64(each)
	}
	if m.rowTime == 0 || each < m.rowTime {
		m.rowTime = each
	} else {
		m.rowTime += (each - m.rowTime) / manyProbes
	}
}

// setPace sets the duration of a batch and the rest after it. writes: the batch locks rows.
//
// Without other load a batch is followed by a rest only if its rows took
// longer than usual: the disk may be busy. Beside a load the rest is so long that the load's queries take little longer on average.
func (m *loadMeter) setPace(p *pace, load throttle.Load, writes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if load == throttle.NoLoad {
		p.rest = m.excess
		return
	}
	if writes {
		p.time = min(p.time, cmp.Or(m.batchTime, firstBatchTime))
	}
	p.rest = pausePart // nothing is known yet
	if m.during.count >= fewProbes && m.between.count >= fewProbes {
		slowdown := float64(m.during.mean)/float64(max(m.between.mean, 1)) - 1
		p.rest = min(mostRest, max(0, slowdown/mostSlowdown-1))
	}
	if m.probing && time.Since(m.between.last) > oldProbe {
		p.leastRest = probeTime
	}
}

// watchLoad measures the load's latency until the returned function is called.
func (t *Throttle) watchLoad(ctx context.Context) (stop func()) {
	if t.gauge.OtherLoad() == throttle.NoLoad {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	t.load.setProbing(true)
	go func() {
		defer close(done)
		for queue.Pause(ctx, probeInterval) == nil {
			// The end of ctx must not cancel a statement: the server might cancel the next one of the session.
			_ = t.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error { return t.load.probe(ctx, conn, t.record.Row.ID) })
		}
	}()
	return func() {
		cancel()
		<-done
		t.load.setProbing(false)
	}
}

func (m *loadMeter) setProbing(enabled bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.probing = enabled
}

// probe measures the latency once, and finds out whether somebody waits for a row of a batch.
func (m *loadMeter) probe(ctx context.Context, conn *pgx.Conn, plan string) error {
	running, changes := m.runningBatches()
	start := time.Now()
	if _, err := ledger.ReadControl(ctx, conn, plan); err != nil {
		return err
	}
	m.addLatency(time.Since(start), len(running) > 0, changes)
	if len(running) == 0 {
		return nil
	}
	var waits bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_locks AS l
		WHERE NOT l.granted AND l.pid <> ALL ($1::int[]) AND pg_catalog.pg_blocking_pids(l.pid) && $1::int[])`, running).Scan(&waits)
	if err == nil && waits {
		m.recordWait()
	}
	return err
}
