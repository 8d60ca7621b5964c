//go:build unix

package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Below these a run is too small to say how it grows: the start of the process, which is subtracted, varies by 20 ms, and the
// heap may fill some space before anything is collected. The limit of the peak is for an input of up to peakInput bytes, and grows with it.
const (
	leastCPU  = 100 * time.Millisecond
	leastPeak = 150 << 20
	peakInput = 10 << 20
)

func printHeads(w io.Writer) {
	fmt.Fprintf(w, "%-36s %9s %8s  %-26s %-13s %-22s %s\n", "shape", "largest", "bytes", "CPU s: 1, 10, …", "times", "peak MB", "")
}

// printRow prints the figures of a shape, and reports whether its limits were kept.
func printRow(w io.Writer, sh shape, sizes []size) bool {
	var cpu, times, peak, missed []string
	timeLimit, ownTime := findLimit("time", sh.name)
	peakLimit, ownPeak := findLimit("peak", sh.name)
	for i, s := range sizes {
		if s.Cut {
			cpu, missed = append(cpu, "-"), append(missed, "given up")
			continue
		}
		cpu = append(cpu, fmt.Sprintf("%.2f", s.CPU.Seconds()))
		peak = append(peak, fmt.Sprint(s.Peak>>20))
		megabytes := s.Megabytes()
		if !ownPeak {
			megabytes /= max(1, float64(s.bytes)/peakInput)
		}
		if megabytes > peakLimit.most {
			missed = append(missed, fmt.Sprintf("%d MB of memory for %.1f MB", s.Peak>>20, float64(s.bytes)/(1<<20)))
		}
		if i == 0 {
			continue
		}
		before := sizes[i-1]
		more := float64(s.CPU) / float64(max(before.CPU, time.Millisecond))
		times = append(times, fmt.Sprintf("%.1f", more))
		if before.CPU >= leastCPU && more > timeLimit.most {
			missed = append(missed, fmt.Sprintf("%.1f times the time", more))
		}
		if grown := float64(s.Peak) / float64(before.Peak); before.Peak >= leastPeak && grown > mostMemory {
			missed = append(missed, fmt.Sprintf("%.1f times the memory", grown))
		}
	}
	last := sizes[len(sizes)-1]
	verdict := "ok"
	if ownTime {
		verdict = "ok: " + timeLimit.reason
	} else if ownPeak {
		verdict = "ok: " + peakLimit.reason
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
