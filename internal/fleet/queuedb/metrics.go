package queuedb

import (
	"fmt"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/onward-sql/onward/onward"
)

// workerMetrics count what a worker does, in Prometheus' format.
type workerMetrics struct {
	set         *metrics.Set
	running     *metrics.Counter
	queueErrors *metrics.Counter
	seconds     *metrics.Histogram
}

func newWorkerMetrics() *workerMetrics {
	set := metrics.NewSet()
	return &workerMetrics{
		set: set, running: set.NewCounter("onward_worker_running"), queueErrors: set.NewCounter("onward_worker_queue_errors_total"),
		seconds: set.NewHistogram("onward_worker_slice_seconds"),
	}
}

// countSlice counts a slice and the state in which it left its target.
func (m *workerMetrics) countSlice(state onward.RolloutState, took time.Duration) {
	m.set.GetOrCreateCounter(fmt.Sprintf("onward_worker_slices_total{state=%q}", state)).Inc()
	m.seconds.Update(took.Seconds())
}

// Handler returns the handler of /healthz, which fails while the worker ends or the queue does not answer, and of /metrics.
func (w *Worker) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		if !w.IsAlive() {
			http.Error(out, "the worker ends, or the queue does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(out, "ok")
	})
	mux.HandleFunc("GET /metrics", func(out http.ResponseWriter, _ *http.Request) { w.metrics.set.WritePrometheus(out) })
	return mux
}
