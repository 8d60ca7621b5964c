package backfill

import (
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/onward"
)

// measuredPace returns the pace that a meter derives for a batch.
func measuredPace(m *loadMeter, load throttle.Load) pace {
	p := pace{most: MostRows, time: batchTime, rest: -1}
	m.setPace(&p, load, true)
	return p
}

// fillMeter adds as many measurements as a mean needs, of these latencies.
func fillMeter(m *loadMeter, idleLatency, during time.Duration) {
	for range manyProbes * 8 {
		m.addLatency(idleLatency, false, m.changes)
		m.addLatency(during, true, m.changes)
	}
}

func TestPaceWithoutLoad(t *testing.T) {
	t.Parallel()
	m := &loadMeter{}
	m.recordBatch(10_000, 100*time.Millisecond)
	if p := measuredPace(m, throttle.NoLoad); p.rest != 0 || p.pauseAfter(time.Second) != 0 || p.time != batchTime {
		t.Errorf("usual rows: %+v", p)
	}
	m.recordBatch(10_000, 400*time.Millisecond) // the disk is busy
	if p := measuredPace(m, throttle.NoLoad); p.rest < 0.3 || p.rest > 0.7 {
		t.Errorf("rows that took four times as long: %+v", p)
	}
	m.recordBatch(10_000, 100*time.Millisecond)
	if p := measuredPace(m, throttle.NoLoad); p.rest != 0 {
		t.Errorf("usual rows again: %+v", p)
	}
}

func TestPaceBesideLoad(t *testing.T) {
	t.Parallel()
	m := &loadMeter{}
	if p := measuredPace(m, throttle.SomeLoad); p.rest != pausePart || p.time != firstBatchTime {
		t.Errorf("nothing was measured: %+v", p)
	}
	for _, test := range []struct {
		during        time.Duration // and a millisecond between two batches
		atLeast, most float64
	}{{time.Millisecond, 0, 0}, {1200 * time.Microsecond, 0, 0}, {2 * time.Millisecond, 2.8, 3.2}, {50 * time.Millisecond, mostRest, mostRest}} {
		m := &loadMeter{}
		fillMeter(m, time.Millisecond, test.during)
		if p := measuredPace(m, throttle.SomeLoad); p.rest < test.atLeast || p.rest > test.most {
			t.Errorf("%s during a batch: the rest is %.2f of its time", test.during, p.rest)
		}
	}
	for range 100 {
		m.recordBatch(1000, 10*time.Millisecond)
	}
	if p := measuredPace(m, throttle.SomeLoad); p.time != mostBatchTime {
		t.Errorf("nobody has waited: a batch may take %s", p.time)
	}
	m.recordWait()
	m.recordBatch(1000, 10*time.Millisecond)
	if p := measuredPace(m, throttle.SomeLoad); p.time != mostBatchTime/2 {
		t.Errorf("somebody has waited: a batch may take %s", p.time)
	}
}

func TestHarmOfBackfill(t *testing.T) {
	t.Parallel()
	m := &loadMeter{}
	fillMeter(m, time.Millisecond, 5*time.Millisecond)
	if m.isLoadSlowed() {
		t.Error("between two batches nothing has changed")
	}
	fillMeter(m, 2*time.Millisecond, 5*time.Millisecond)
	if !m.isLoadSlowed() {
		t.Error("between two batches a read takes twice as long as at the beginning")
	}
}

// A measurement counts for the state in which it began and ended, and finds sessions that wait for a batch, but not a batch that waits for
// another one.
func TestProbe(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	batch, other, probeConn := pgservertest.Connect(t, db), pgservertest.Connect(t, db), pgservertest.Connect(t, db)
	pgservertest.Exec(t, probeConn, "CREATE SCHEMA onward_ledger", `CREATE TABLE onward_ledger.control (
		plan text PRIMARY KEY, state text NOT NULL DEFAULT '', rows int NOT NULL DEFAULT 0,
		batch interval NOT NULL DEFAULT '0', rest float8 NOT NULL DEFAULT -1, who text NOT NULL)`, "CREATE TABLE orders AS SELECT 1 AS id")
	m := &loadMeter{}
	probe := func() {
		t.Helper()
		if err := m.probe(t.Context(), probeConn, "p"); err != nil {
			t.Fatal(err)
		}
	}
	probe()
	end := m.beginBatch(int(batch.PgConn().PID()))
	probe()
	if m.between.count != 1 || m.during.count != 1 || m.waited {
		t.Errorf("the meter is %+v, want one probe between batches, one during a batch, and no waiter", m)
	}
	pgservertest.Exec(t, batch, "BEGIN", "UPDATE orders SET id = 2")
	updateError := make(chan error, 1)
	go func() {
		_, err := other.Exec(t.Context(), "UPDATE orders SET id = 3")
		updateError <- err
	}()
	endOther := m.beginBatch(int(other.PgConn().PID()))
	for end := time.Now().Add(time.Second); time.Now().Before(end) && !m.waited; time.Sleep(10 * time.Millisecond) {
		probe()
	}
	if m.waited {
		t.Error("a batch that waits for another one counts")
	}
	endOther()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !m.waited; time.Sleep(10 * time.Millisecond) {
		probe()
	}
	if !m.waited {
		t.Error("nobody was found to wait")
	}
	end()
	pgservertest.Exec(t, batch, "COMMIT")
	if err := <-updateError; err != nil {
		t.Error(err)
	}
	m.addLatency(time.Hour, false, m.changes-1) // a batch has ended meanwhile
	if m.between.count != 1 {
		t.Errorf("the meter is %+v, want the latency of an earlier batch ignored", m)
	}
}
