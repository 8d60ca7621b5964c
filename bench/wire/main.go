// Command wire measures what recording costs: pgbench straight, through pgbouncer and
// through the recording proxy, in turn, with one client and with sixteen; and the memory
// that the proxy's process takes for two hundred clients, and for a million queries whose texts all differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"time"

	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/pgserver"
)

// The limits: how many times pgbouncer's latency and processor time the proxy's may be, and what it may hold.
const (
	limitOne     = 1.35
	limitSixteen = 1.35
	limitCPU     = 2.0
	limitMany    = 60 << 10 // KB, for many clients
	manyClients  = 200
	limitMemory  = 300 << 10 // KB
	million      = 1_000_000
)

func main() {
	seconds := flag.Int("seconds", 5, "length of one run of pgbench")
	rounds := flag.Int("rounds", 5, "rounds, of which the medians are printed")
	serve := flag.String("serve", "", "the server's address, for the proxy's own process")
	profile := flag.String("profile", "", "with -serve: a file for the profile of its processor time")
	flag.Parse()
	if *serve != "" {
		run.ExitIf(false, runProxy(*serve, *profile))
		return
	}
	run.ExitIf(runAll(context.Background(), *seconds, *rounds, *profile))
}

// connection is one way to the server.
type connection struct {
	name, host, port string
	process          int // of the proxy; 0 for none
}

func runAll(ctx context.Context, seconds, rounds int, profile string) (missed bool, err error) {
	for _, program := range []string{"pgbench", "pgbouncer"} {
		if _, err := exec.LookPath(program); err != nil {
			return false, fmt.Errorf("%s is missing: run scripts/setup.sh pgbouncer as root (%w)", program, err)
		}
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Small: true, Settings: map[string]string{"max_connections": "250"}})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	b := &bench{seconds: seconds, rounds: rounds}
	if err := b.prepareDatabase(ctx, server); err != nil {
		return false, err
	}
	bouncer, stop, err := startPgbouncer(ctx, b.direct)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, c := range []struct {
		clients int
		limit   float64
	}{{1, limitOne}, {16, limitSixteen}} {
		if err := b.compareLatency(ctx, c.clients, c.limit, bouncer, profile); err != nil {
			return false, err
		}
	}
	if err := b.measureManyClients(ctx); err != nil {
		return false, err
	}
	return b.Missed, b.measureMemory(ctx)
}

// compareLatency compares the three ways, and the processor time of the two proxies for each query.
func (b *bench) compareLatency(ctx context.Context, clients int, limit float64, bouncer connection, profile string) error {
	ours, p, err := startProxy(ctx, b.url, profile)
	if err != nil {
		return err
	}
	ways := []connection{b.direct, bouncer, ours}
	latency, used := make([][]float64, len(ways)), make([][]float64, len(ways))
	for range b.rounds {
		for i, w := range ways {
			f, err := b.measureQueries(ctx, w, clients, "-M", "prepared", "-T", fmt.Sprint(b.seconds))
			if err != nil {
				return errors.Join(err, p.stopProxy())
			}
			latency[i], used[i] = append(latency[i], f.milliseconds), append(used[i], f.processor)
		}
	}
	if err := p.stopProxy(); err != nil {
		return err
	}
	fmt.Printf("%2d clients: direct %.3f ms, pgbouncer %.3f ms and %.1f µs of processor time a query, recording %.3f ms and %.1f µs\n",
		clients, table.Median(latency[0]), table.Median(latency[1]), table.Median(used[1]), table.Median(latency[2]), table.Median(used[2]))
	ratio := table.Median(latency[2]) / table.Median(latency[1])
	b.PrintLine(fmt.Sprintf("recording : pgbouncer, %d clients", clients), fmt.Sprintf("%.2f", ratio), ratio <= limit, fmt.Sprint(limit))
	ratio = table.Median(used[2]) / table.Median(used[1])
	b.PrintLine(fmt.Sprintf("processor time : pgbouncer's, %d clients", clients), fmt.Sprintf("%.2f", ratio), ratio <= limitCPU, fmt.Sprint(limitCPU))
	if p.calls == 0 {
		return errors.New("the proxy recorded nothing")
	}
	return nil
}

// measureManyClients records two hundred clients at once.
func (b *bench) measureManyClients(ctx context.Context) error {
	w, p, err := startProxy(ctx, b.url, "")
	if err != nil {
		return err
	}
	_, err = b.measureQueries(ctx, w, manyClients, "-M", "prepared", "-T", fmt.Sprint(b.seconds))
	if err := errors.Join(err, p.stopProxy()); err != nil {
		return err
	}
	b.PrintLine(fmt.Sprintf("memory with %d clients", manyClients), fmt.Sprintf("%d MB", p.peak>>10), p.peak <= limitMany, "60 MB")
	return nil
}

// measureMemory records a million queries with a million texts.
func (b *bench) measureMemory(ctx context.Context) error {
	w, p, err := startProxy(ctx, b.url, "")
	if err != nil {
		return err
	}
	const clients = 8
	start := time.Now()
	_, err = b.measureQueries(ctx, w, clients, "-M", "simple", "-t", fmt.Sprint(million/clients))
	spent := time.Since(start)
	if err := errors.Join(err, p.stopProxy()); err != nil {
		return err
	}
	if p.calls != million {
		return fmt.Errorf("%d of %d queries were recorded", p.calls, million)
	}
	b.PrintLine(fmt.Sprintf("memory for a million queries (%.0f s)", spent.Seconds()), fmt.Sprintf("%d MB", p.peak>>10), p.peak <= limitMemory, "300 MB")
	return nil
}
