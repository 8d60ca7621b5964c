//go:build unix

package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/onward-sql/onward/bench/cost"
)

// serverFigure is how long the throwaway Postgres takes for something.
type serverFigure struct {
	name string // "Start/18"
	took time.Duration
}

var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark((?:Start|NewDatabase)/\d+)(?:-\d+)?\s+\d+\s+(\d+(?:\.\d+)?) ns/op`)

// measureServers runs the benchmarks of internal/pgserver. Where no server is found,
// and none can be fetched, there is no figure.
func measureServers(ctx context.Context, rounds int) ([]serverFigure, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(Start|NewDatabase)$",
		"-benchtime", strconv.Itoa(4*rounds)+"x", modulePath+"/internal/pgserver")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("benchmarks of internal/pgserver: %w\n%s", err, cost.Tail(out))
	}
	return serverFigures(out), nil
}

func serverFigures(out []byte) []serverFigure {
	var list []serverFigure
	for _, m := range benchmarkLine.FindAllSubmatch(out, -1) {
		if ns, err := strconv.ParseFloat(string(m[2]), 64); err == nil {
			list = append(list, serverFigure{string(m[1]), time.Duration(ns)})
		}
	}
	return list
}
