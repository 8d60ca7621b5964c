//go:build !linux

package sockets

// Connections returns nothing on this platform.
func (t *Tree) Connections() []Connection { return nil }

// Holds reports whether a process holds one end of a connection; on this
// platform it is always false.
func Holds(int, uint64) bool { return false }

func readProcess(int) (process, bool) { return process{}, false }

func children(int) []int { return nil }
