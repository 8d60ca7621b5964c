//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/collect"
)

// wireServer is the Postgres server that pgbench reaches directly, through pgbouncer and through the recording proxy.
type wireServer struct {
	*measure.Bench
	url, user, name string
	direct          connection
}

// prepareWire fills a database with pgbench's tables.
func prepareWire(b *measure.Bench, url, name string) *wireServer {
	cfg := measure.Must(pgx.ParseConfig(url))
	w := &wireServer{b, url, cfg.User, name, connection{name: "direct", host: cfg.Host, port: strconv.Itoa(int(cfg.Port))}}
	w.runPgbench(w.direct, "-i", "-q", "-s", "5")
	return w
}

func (w *wireServer) runPgbench(way connection, args ...string) string {
	args = append(args, "-h", way.host, "-p", way.port, "-U", w.user, w.name)
	out, _ := w.Run(measure.Command{Env: []string{"PGSSLMODE=disable"}}, "pgbench", args...)
	return out
}

var (
	latencyLine = regexp.MustCompile(`latency average = ([0-9.]+) ms`)
	countLine   = regexp.MustCompile(`transactions actually processed: ([0-9]+)`)
)

// pgbenchFigures has the results of one run of pgbench.
type pgbenchFigures struct {
	milliseconds float64 // the average latency
	processor    float64 // µs of the proxy's processor time for each query
}

// measureQueries runs pgbench, which reads rows by key, and returns its latency and the CPU time that the proxy used for each query.
func (w *wireServer) measureQueries(way connection, clients int, args ...string) (f pgbenchFigures) {
	before := processorTime(way.process)
	out := w.runPgbench(way, append(args, "-n", "-S", "-c", strconv.Itoa(clients), "-j", "1")...)
	after := processorTime(way.process)
	m, n := latencyLine.FindStringSubmatch(out), countLine.FindStringSubmatch(out)
	if m == nil || n == nil {
		measure.Check(fmt.Errorf("pgbench prints no latency:\n%s", out))
	}
	f.processor = float64((after - before).Microseconds()) / measure.Must(strconv.ParseFloat(n[1], 64))
	f.milliseconds = measure.Must(strconv.ParseFloat(m[1], 64))
	return f
}

// processorTime is what a process has used until now; 0 for no process.
func processorTime(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	text := string(measure.Must(os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))))
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	user, system := measure.Must(strconv.ParseInt(fields[11], 10, 64)), measure.Must(strconv.ParseInt(fields[12], 10, 64))
	return time.Duration(user+system) * 10 * time.Millisecond
}

// startPgbouncer starts a pgbouncer in session mode that connects to the server.
func startPgbouncer(b *measure.Bench, server connection) (bouncer connection, stop func()) {
	dir := measure.Must(os.MkdirTemp("/tmp", "onward-bench-"))
	free := measure.Must(net.Listen("tcp", "127.0.0.1:0"))
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	text := fmt.Sprintf("[databases]\n* = host=%s port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\nunix_socket_dir =\n"+
		"auth_type = any\npool_mode = session\ndefault_pool_size = 50\nmax_client_conn = 200\nlogfile = %s\nignore_startup_parameters = extra_float_digits\n",
		server.host, server.port, port, filepath.Join(dir, "log"))
	// auth_type any takes a user for each database.
	text = strings.Replace(text, "* = host", "* = user=postgres host", 1)
	conf := filepath.Join(dir, "pgbouncer.ini")
	args := []string{conf}
	if os.Geteuid() == 0 {
		args = []string{"-u", "nobody", conf}
	}
	measure.Check(errors.Join(os.WriteFile(conf, []byte(text), 0o644), os.Chmod(dir, 0o777), free.Close()))
	cmd := exec.CommandContext(b, "pgbouncer", args...)
	measure.Check(cmd.Start())
	stop = func() {
		err := cmd.Process.Signal(syscall.SIGINT)
		cmd.Wait()
		measure.Check(errors.Join(err, os.RemoveAll(dir)))
	}
	for range 100 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			measure.Check(c.Close())
			return connection{"pgbouncer", "127.0.0.1", port, cmd.Process.Pid}, stop
		}
		time.Sleep(50 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	stop()
	measure.Check(fmt.Errorf("pgbouncer does not start:\n%s", log))
	return connection{}, nil
}

// recording is the result of the proxy's process.
type recording struct {
	calls int64   // recorded queries
	peak  float64 // memory in megabytes
}

// recordThroughProxy starts the recording proxy in a process of its own, does something through it, and ends it.
func (w *wireServer) recordThroughProxy(profile string, run func(recorder connection)) (r recording) {
	cmd := exec.CommandContext(w, measure.Must(os.Executable()), "child-proxy", w.url, profile)
	cmd.Stderr = os.Stderr
	in, out := measure.Must(cmd.StdinPipe()), bufio.NewReader(measure.Must(cmd.StdoutPipe()))
	measure.Check(cmd.Start())
	recorder := connection{name: "recording", host: "127.0.0.1", process: cmd.Process.Pid}
	measure.Must(fmt.Fscanln(out, &recorder.port))
	err := measure.Catch(func() { run(recorder) })
	measure.Check(errors.Join(err, in.Close()))
	measure.Must(fmt.Fscanln(out, &r.calls, &r.peak))
	measure.Check(cmd.Wait())
	return r
}

// runProxy is the process that recordThroughProxy starts. Its arguments are the server's address and a file for its CPU profile, "" for none.
// It prints its port. At the end of its input it prints how many queries of pgbench it recorded, and its own peak memory in megabytes.
// It reads that memory itself, because the kernel's figure in the parent may include the parent's memory.
func runProxy(args []string) {
	if args[1] != "" {
		f := measure.Must(os.Create(args[1]))
		measure.Check(pprof.StartCPUProfile(f))
		defer pprof.StopCPUProfile()
	}
	c := collect.New(collect.Config{})
	p := measure.Must(wire.Listen(context.Background(), wire.Config{Server: measure.Must(wire.ParseServer(args[0])), Sink: c}))
	fmt.Println(p.Port())
	measure.Must(io.Copy(io.Discard, os.Stdin))
	measure.Check(p.Close())
	calls := int64(0)
	for _, q := range c.Recording().Workload.Queries {
		if strings.HasPrefix(q.SQL, "SELECT abalance") {
			calls += q.Calls
		}
	}
	var kilobytes float64
	_, peak, _ := strings.Cut(string(measure.Must(os.ReadFile("/proc/self/status"))), "VmHWM:")
	measure.Must(fmt.Sscan(peak, &kilobytes))
	fmt.Println(calls, kilobytes/1024)
}
