package sandbox

import (
	"net/netip"

	"github.com/onward-sql/onward/internal/confine"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// childName is the name by which this program is started again: as the first process of a command's namespaces.
const childName = "onward-sandbox"

// parentDescriptor is the socket between that process and the one that started it.
const parentDescriptor = 3

// childConfig is what the first process of the namespaces gets: the command, and what it may use.
type childConfig struct {
	Path      string
	Args, Env []string
	Dir       string
	Root      root
	// Built is set if bwrap has made the root and raised the loopback interface.
	Built   bool
	Rules   []confine.Rule
	Port    uint16
	Network bool
	Mark    uint64
	// ABI and NoListener are for tests, as in [Access].
	ABI        int
	NoListener bool
}

// childReady says that the walls are up, or why not. With it come the listener of the filter, if Asks is set, and the socket at which the
// command finds its database, if there is one.
type childReady struct {
	Error string
	Gaps  []string
	Asks  bool
}

// childStarted says that the command runs, or why not.
type childStarted struct {
	Errno int
	Error string
}

// childEnded says how the command ended, and how many of its processes were left.
type childEnded struct {
	Status uint32
	Left   int
}
