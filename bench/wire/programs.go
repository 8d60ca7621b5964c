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

	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/collect"
)

// bench is the server that all ways lead to.
type bench struct {
	seconds, rounds int
	url, user, name string
	direct          connection
	table.Table
}

// prepareDatabase fills a database with pgbench's tables.
func (b *bench) prepareDatabase(ctx context.Context, server *pgserver.Server) error {
	name, err := server.NewDatabase(ctx, "")
	if err != nil {
		return err
	}
	b.url = server.URL(name)
	cfg, err := pgx.ParseConfig(b.url)
	if err != nil {
		return err
	}
	b.user, b.name = cfg.User, name
	b.direct = connection{name: "direct", host: cfg.Host, port: strconv.Itoa(int(cfg.Port))}
	_, err = b.runPgbench(ctx, b.direct, "-i", "-q", "-s", "5")
	return err
}

func (b *bench) runPgbench(ctx context.Context, w connection, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "pgbench", append(args, "-h", w.host, "-p", w.port, "-U", b.user, b.name)...)
	cmd.Env = append(os.Environ(), "PGSSLMODE=disable")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pgbench %s: %w\n%s", w.name, err, out)
	}
	return string(out), nil
}

var (
	latencyLine = regexp.MustCompile(`latency average = ([0-9.]+) ms`)
	countLine   = regexp.MustCompile(`transactions actually processed: ([0-9]+)`)
)

// figures has the results of one run of pgbench.
type figures struct {
	milliseconds float64 // the average latency
	processor    float64 // µs of the proxy's processor time for each query
}

// measureQueries reads rows by key.
func (b *bench) measureQueries(ctx context.Context, w connection, clients int, args ...string) (f figures, err error) {
	before, err := processorTime(w.process)
	if err != nil {
		return f, err
	}
	out, err := b.runPgbench(ctx, w, append(args, "-n", "-S", "-c", strconv.Itoa(clients), "-j", "1")...)
	if err != nil {
		return f, err
	}
	after, err := processorTime(w.process)
	if err != nil {
		return f, err
	}
	m, n := latencyLine.FindStringSubmatch(out), countLine.FindStringSubmatch(out)
	if m == nil || n == nil {
		return f, fmt.Errorf("pgbench tells no latency:\n%s", out)
	}
	count, err := strconv.ParseFloat(n[1], 64)
	if err != nil {
		return f, err
	}
	f.processor = float64((after - before).Microseconds()) / count
	f.milliseconds, err = strconv.ParseFloat(m[1], 64)
	return f, err
}

// processorTime is what a process has used until now; 0 for no process.
func processorTime(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err, err2)
}

// startPgbouncer starts one in session mode before the server.
func startPgbouncer(ctx context.Context, server connection) (connection, func() error, error) {
	dir, err := os.MkdirTemp("/tmp", "onward-bench-")
	if err != nil {
		return connection{}, nil, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return connection{}, nil, err
	}
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
	if err := errors.Join(os.WriteFile(conf, []byte(text), 0o644), os.Chmod(dir, 0o777), free.Close()); err != nil {
		return connection{}, nil, err
	}
	cmd := exec.CommandContext(ctx, "pgbouncer", args...)
	if err := cmd.Start(); err != nil {
		return connection{}, nil, err
	}
	stop := func() error {
		err := cmd.Process.Signal(syscall.SIGINT)
		cmd.Wait()
		return errors.Join(err, os.RemoveAll(dir))
	}
	for range 100 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			return connection{"pgbouncer", "127.0.0.1", port, cmd.Process.Pid}, stop, c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	return connection{}, nil, errors.Join(fmt.Errorf("pgbouncer does not start:\n%s", log), stop())
}

// process is the recording proxy in a process of its own.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	calls int64
	peak  int64 // KB
}

func startProxy(ctx context.Context, url, profile string) (connection, *process, error) {
	self, err := os.Executable()
	if err != nil {
		return connection{}, nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, "-serve", url, "-profile", profile)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return connection{}, nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return connection{}, nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return connection{}, nil, err
	}
	w := connection{name: "recording", host: "127.0.0.1", process: p.cmd.Process.Pid}
	_, err = fmt.Fscanln(p.out, &w.port)
	return w, p, err
}

// stopProxy ends the proxy, and reads how many queries it has recorded and how much memory it took.
func (p *process) stopProxy() error {
	if err := p.in.Close(); err != nil {
		return err
	}
	_, err := fmt.Fscanln(p.out, &p.calls)
	if err := errors.Join(err, p.cmd.Wait()); err != nil {
		return err
	}
	p.peak = p.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	return nil
}

// runProxy is that process: it prints its port, and at the end of its input how many queries of
// pgbench's it has recorded.
func runProxy(url, profile string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	server, err := wire.ParseServer(url)
	if err != nil {
		return err
	}
	c := collect.New(collect.Config{})
	p, err := wire.Listen(context.Background(), wire.Config{Server: server, Sink: c})
	if err != nil {
		return err
	}
	fmt.Println(p.Port())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	calls := int64(0)
	for _, q := range c.Recording().Workload.Queries {
		if strings.HasPrefix(q.SQL, "SELECT abalance") {
			calls += q.Calls
		}
	}
	fmt.Println(calls)
	return nil
}
