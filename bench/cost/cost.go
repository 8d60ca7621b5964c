//go:build unix

// Package cost measures the CPU time and the peak memory of a process, as the
// kernel reports them after it ended.
package cost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Command is a command line that is measured.
type Command struct {
	Name string
	Path string
	Args []string
	Dir  string
	Env  []string // on top of the environment: "GOGC=100"
	Fine []int    // exit codes of a run that did its work
	// Limit is the CPU time, in whole seconds, after which it is killed; 0 for none. The
	// run is then Cut.
	Limit time.Duration
}

// Usage is what a run cost.
type Usage struct {
	Wall time.Duration
	CPU  time.Duration // user and system, of all threads
	Peak int64         // resident memory, bytes
	Cut  bool          // killed at the limit
}

// Megabytes is the peak memory.
func (u Usage) Megabytes() float64 { return float64(u.Peak) / (1 << 20) }

// Run runs a command to its end, with its output thrown away.
//
// The kernel counts a process's peak memory from the fork on, when it still
// shares the memory of the process that started it. So the command is started
// by a second, small process of this program: see RunOne.
func Run(ctx context.Context, c Command) (Usage, error) {
	executable, err := os.Executable()
	if err != nil {
		return Usage{}, err
	}
	order, err := json.Marshal(c)
	if err != nil {
		return Usage{}, err
	}
	runner := exec.CommandContext(ctx, executable)
	runner.Env = append(os.Environ(), runnerVariable+"="+string(order))
	var stdout, stderr bytes.Buffer
	runner.Stdout, runner.Stderr = &stdout, &stderr
	if err := runner.Run(); err != nil {
		return Usage{}, fmt.Errorf("%s: %w\n%s", c.Name, err, stderr.Bytes())
	}
	var u Usage
	if err := json.Unmarshal(stdout.Bytes(), &u); err != nil {
		return Usage{}, fmt.Errorf("%s: %w", c.Name, err)
	}
	return u, nil
}

// runnerVariable is the environment variable with the command, as JSON, for the process
// that runs it.
const runnerVariable = "ONWARD_BENCH_RUN"

// RunOne does the work of the second process, if this is one: it runs the
// command, prints what it cost, and exits.
func RunOne() {
	order, isSet := os.LookupEnv(runnerVariable)
	if !isSet {
		return
	}
	var c Command
	err := json.Unmarshal([]byte(order), &c)
	if err == nil {
		var u Usage
		if u, err = c.runOnce(); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(u)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (c Command) runOnce() (Usage, error) {
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, runnerVariable+"=") })
	cmd.Env = append(cmd.Env, c.Env...)
	var stderr tailBuffer
	cmd.Stderr = &stderr
	if c.Limit > 0 {
		// Which the command inherits. At the hard limit the kernel kills it.
		limit := syscall.Rlimit{Cur: uint64(c.Limit / time.Second), Max: uint64(c.Limit / time.Second)}
		if err := syscall.Setrlimit(syscall.RLIMIT_CPU, &limit); err != nil {
			return Usage{}, err
		}
	}
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	var exit *exec.ExitError
	cut := false
	if cmd.ProcessState != nil {
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		cut = c.Limit > 0 && ok && status.Signal() == syscall.SIGKILL
	}
	if err != nil && !cut && !(errors.As(err, &exit) && slices.Contains(c.Fine, exit.ExitCode())) {
		return Usage{}, fmt.Errorf("%w\n%s", err, stderr.last)
	}
	resources, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return Usage{}, errors.New("this system does not say what a process used")
	}
	peak := int64(resources.Maxrss) //nolint:unconvert // 32 bits on some systems
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		peak *= 1024 // kilobytes everywhere but on Apple's systems
	}
	return Usage{Wall: wall, CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), Peak: peak, Cut: cut}, nil
}

// tailBuffer keeps the end of what is written to it.
type tailBuffer struct{ last []byte }

func (b *tailBuffer) Write(p []byte) (int, error) {
	b.last = Tail(append(b.last, p...))
	return len(p), nil
}

// Tail is the last kilobyte.
func Tail(p []byte) []byte {
	if len(p) > 1024 {
		p = p[len(p)-1024:]
	}
	return bytes.Clone(p)
}
