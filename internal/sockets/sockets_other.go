//go:build !linux

package sockets

import "net"

// IsSupported reports whether this system tells which process holds a connection.
const IsSupported = false

// FindClient returns nothing on this platform.
func FindClient(net.Conn) (c Client, ok bool) { return c, false }

// Connections returns nothing on this platform.
func (t *Tree) Connections() []Connection { return nil }

// Holds reports whether a process holds one end of a connection; on this
// platform it is always false.
func Holds(int, uint64) bool { return false }

func readProcess(int) (process, bool) { return process{}, false }

func listChildren(int) []int { return nil }
