package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// measured is the output of a program and its cost.
type measured struct {
	out, err  string
	exit      int
	cpu, wall float64 // seconds
}

// runMeasured runs a program in a control group of its own. Its CPU time includes all that it starts: servers and suites, also those that outlive
// their parent.
func runMeasured(ctx context.Context, dir string, env []string, program string, args ...string) (measured, error) {
	group, usage, err := makeControlGroup()
	if err != nil {
		return measured{}, err
	}
	defer func() { _ = os.Remove(group) }()
	words := append([]string{"-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(group, "cgroup.procs"), program}, args...)
	c := exec.CommandContext(ctx, "sh", words...) //nolint:gosec // The words are of this program.
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	start := time.Now()
	runErr := c.Run()
	m := measured{out: out.String(), err: problems.String(), wall: time.Since(start).Seconds()}
	var exit *exec.ExitError
	if errors.As(runErr, &exit) {
		m.exit = exit.ExitCode()
	} else if runErr != nil {
		return m, runErr
	}
	m.cpu, err = usage()
	return m, err
}

// makeControlGroup makes a cgroup, of version 2 or 1, and a function that reads its CPU seconds. It needs the rights of root.
func makeControlGroup() (string, func() (float64, error), error) {
	root, file := "/sys/fs/cgroup", "cpu.stat"
	if _, err := os.Stat("/sys/fs/cgroup/cpuacct"); err == nil {
		root, file = "/sys/fs/cgroup/cpuacct", "cpuacct.usage"
	}
	group, err := os.MkdirTemp(root, "evidence-")
	if err != nil {
		return "", nil, fmt.Errorf("CPU time is measured in a control group: %w", err)
	}
	return group, func() (float64, error) {
		data, err := os.ReadFile(filepath.Join(group, file)) //nolint:gosec // It is the group's file.
		if err != nil {
			return 0, err
		}
		return parseCPUSeconds(string(data))
	}, nil
}

// parseCPUSeconds returns 2.5 for "2500000000" (cpuacct.usage, in nanoseconds) and for "usage_usec 2500000" (cpu.stat).
func parseCPUSeconds(text string) (float64, error) {
	first, _, _ := strings.Cut(text, "\n")
	if word, found := strings.CutPrefix(first, "usage_usec "); found {
		n, err := strconv.ParseInt(word, 10, 64)
		return float64(n) / 1e6, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
	return float64(n) / 1e9, err
}
