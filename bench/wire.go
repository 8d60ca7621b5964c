//go:build unix

package main

import (
	"errors"
	"fmt"
	"os/exec"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/pgserver"
)

const (
	manyClients = 200
	million     = 1_000_000 // queries, each with another text
)

// connection is an address at which pgbench reaches the server: its own, or a proxy's.
type connection struct {
	name, host, port string
	process          int // of the proxy; 0 for none
}

// measureWire measures what recording costs: pgbench straight, through pgbouncer and through the recording proxy, in turn, with one client
// and with sixteen; and the memory that the proxy's process takes for two hundred clients, and for a million queries whose texts all differ.
func measureWire(b *measure.Bench) {
	for _, program := range []string{"pgbench", "pgbouncer"} {
		if _, err := exec.LookPath(program); err != nil {
			measure.Check(fmt.Errorf("%s is missing: run scripts/setup.sh pgbouncer as root (%w)", program, err))
		}
	}
	server, name, stop := b.StartServer(pgserver.Config{Small: true, Settings: map[string]string{"max_connections": "250"}})
	defer stop()
	w := prepareWire(b, server.URL(name), name)
	bouncer, stopBouncer := startPgbouncer(b, w.direct)
	defer stopBouncer()
	for _, clients := range []int{1, 16} {
		w.compareLatency(clients, bouncer)
	}
	p := w.recordThroughProxy("", func(recorder connection) {
		w.measureQueries(recorder, manyClients, "-M", "prepared", "-T", fmt.Sprint(b.Seconds))
	})
	b.Check("wire/clients", fmt.Sprintf("memory with %d clients", manyClients), p.peak)
	const clients = 8
	p = w.recordThroughProxy("", func(recorder connection) {
		w.measureQueries(recorder, clients, "-M", "simple", "-t", fmt.Sprint(million/clients))
	})
	if p.calls != million {
		measure.Check(fmt.Errorf("%d of %d queries were recorded", p.calls, million))
	}
	b.Check("wire/texts", "memory for a million queries", p.peak)
}

// compareLatency compares the three ways, and the processor time of the two proxies for each query.
func (w *wireServer) compareLatency(clients int, bouncer connection) {
	var latency, used [3][]float64
	p := w.recordThroughProxy(w.Profile, func(recorder connection) {
		for range w.Rounds {
			for i, way := range []connection{w.direct, bouncer, recorder} {
				f := w.measureQueries(way, clients, "-M", "prepared", "-T", fmt.Sprint(w.Seconds))
				latency[i], used[i] = append(latency[i], f.milliseconds), append(used[i], f.processor)
			}
		}
	})
	if p.calls == 0 {
		measure.Check(errors.New("the proxy recorded nothing"))
	}
	direct, bouncerMedian, recorderMedian := table.Median(latency[0]), table.Median(latency[1]), table.Median(latency[2])
	w.Check("wire/latency", fmt.Sprintf("recording, %d clients, beside pgbouncer", clients), recorderMedian/bouncerMedian,
		fmt.Sprintf("%.3f and %.3f ms, direct %.3f ms", recorderMedian, bouncerMedian, direct))
	bouncerMedian, recorderMedian = table.Median(used[1]), table.Median(used[2])
	w.Check("wire/cpu", "processor time of a query, beside pgbouncer", recorderMedian/bouncerMedian,
		fmt.Sprintf("%.1f and %.1f µs", recorderMedian, bouncerMedian))
}
