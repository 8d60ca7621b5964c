//go:build !unix

package capture

// watchdog does nothing on this system.
type watchdog struct{}

func startWatchdog(uint64) (*watchdog, error) { return &watchdog{}, nil }
func (*watchdog) followGroup(int)             {}
func (*watchdog) endWatchdog()                {}
