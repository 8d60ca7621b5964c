//go:build !linux

package sockets

// Connections are those that the tree's processes hold.
func (t *Tree) Connections() []Connection { return nil }

// Holds reports whether a process holds one end of a connection.
func Holds(int, uint64) bool { return false }

func readProcess(int) (process, bool) { return process{}, false }

func children(int) []int { return nil }
