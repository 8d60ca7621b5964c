//go:build !linux

package jsrun

import "time"

// readClock returns the time since the start of this process.
func readClock() time.Duration { return time.Since(started) }

var started = time.Now()
