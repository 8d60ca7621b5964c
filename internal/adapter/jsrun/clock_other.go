//go:build !linux

package jsrun

import "time"

// readClock returns the time since the start of this process.
func readClock() time.Duration { return time.Since(started) }

// started is the start of this process.
var started = time.Now()
