//go:build unix

package traffic_test

import (
	"context"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/traffic"
)

// BenchmarkLoad measures what the load costs while nothing is in its way: the
// processor time of this process and of the server's, in per cent of one core,
// and how many queries it sends.
func BenchmarkLoad(b *testing.B) {
	majors := pgservertest.Majors()
	url := pgservertest.Database(b, majors[len(majors)-1])
	s := connect(b, url)
	if _, err := s.Exec(context.Background(), shop); err != nil {
		b.Fatal(err)
	}
	const lasts = 3 * time.Second
	for b.Loop() {
		start := time.Now()
		load, err := traffic.StartLoad(context.Background(), traffic.Config{URL: url, Relations: both, LongReader: true})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds()*1000, "ms/start")
		client, server := ownTime(), serverTime(b)
		zero := time.Now()
		time.Sleep(lasts)
		client, server = ownTime()-client, serverTime(b)-server
		stop := time.Now()
		log := load.Stop()
		b.ReportMetric(time.Since(stop).Seconds()*1000, "ms/stop")
		got, _ := traffic.SummariseLog(log, zero, nil)
		b.ReportMetric(100*client.Seconds()/lasts.Seconds(), "%client")
		b.ReportMetric(100*server.Seconds()/lasts.Seconds(), "%server")
		b.ReportMetric(float64(got.Queries)/lasts.Seconds(), "queries/s")
		b.ReportMetric(got.UsualMS, "ms/query")
	}
}

func ownTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serverTime returns the processor time of all Postgres processes on the
// machine, which nobody else should use meanwhile.
func serverTime(b *testing.B) time.Duration {
	b.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	out, err := exec.Command("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null | grep '(postgres)'").Output()
	if err != nil {
		b.Fatal(err)
	}
	var ticks int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		for _, i := range []int{13, 14} {
			n, _ := strconv.Atoi(fields[i])
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
