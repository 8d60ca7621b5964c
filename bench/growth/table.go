//go:build unix

package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
)

// The limits of every shape that limitsOf does not list.
const (
	// growthLimit is for ten times the input: one and a half of linear.
	growthLimit = 15.0
	// Below these a run is too small to say how it grows: the clock's grain, and
	// the space that the heap may fill before anything is collected.
	leastCPU  = 60 * time.Millisecond
	leastPeak = 150 << 20
	// peakLimit is for an input of up to peakInput bytes, and grows with it.
	peakLimit = 500 << 20
	peakInput = 10 << 20
)

func printHeads(w io.Writer) {
	fmt.Fprintf(w, "%-36s %9s %8s  %-26s %-13s %-22s %s\n", "shape", "largest", "bytes", "CPU s: 1, 10, …", "times", "peak MB", "")
}

// printRow prints the figures of a shape, and reports whether its limits were kept.
func printRow(w io.Writer, sh shape, sizes []size) bool {
	var cpu, times, peak, missed []string
	own := limitsOf[sh.name]
	most := cmp.Or(own.times, growthLimit)
	for i, s := range sizes {
		if s.Cut {
			cpu, missed = append(cpu, "-"), append(missed, "given up")
			continue
		}
		cpu = append(cpu, fmt.Sprintf("%.2f", s.CPU.Seconds()))
		peak = append(peak, fmt.Sprint(s.Peak>>20))
		room := cmp.Or(float64(own.peak), peakLimit*max(1, float64(s.bytes)/peakInput))
		if float64(s.Peak) > room {
			missed = append(missed, fmt.Sprintf("%d MB of memory for %.1f MB", s.Peak>>20, float64(s.bytes)/(1<<20)))
		}
		if i == 0 {
			continue
		}
		before := sizes[i-1]
		more := float64(s.CPU) / float64(max(before.CPU, time.Millisecond))
		times = append(times, fmt.Sprintf("%.1f", more))
		if before.CPU >= leastCPU && more > most {
			missed = append(missed, fmt.Sprintf("%.1f times the time", more))
		}
		if grown := float64(s.Peak) / float64(before.Peak); before.Peak >= leastPeak && grown > growthLimit {
			missed = append(missed, fmt.Sprintf("%.1f times the memory", grown))
		}
	}
	last := sizes[len(sizes)-1]
	verdict := "ok"
	if own.why != "" {
		verdict = "ok: " + own.why
	}
	if len(missed) > 0 {
		verdict = "MISSED: " + strings.Join(missed, ", ")
	}
	fmt.Fprintf(w, "%-36s %9d %8s  %-26s %-13s %-22s %s\n", sh.name, last.n, formatBytes(last.bytes),
		strings.Join(cpu, "  "), strings.Join(times, "  "), strings.Join(peak, "  "), verdict)
	return len(missed) == 0
}

// formatBytes is a number of bytes for a column.
func formatBytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
