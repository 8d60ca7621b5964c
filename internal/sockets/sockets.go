// Package sockets reads which connections the processes of a command hold. Linux reports that in /proc; on other
// systems every answer is empty.
package sockets

import (
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
)

// Connection is one end of a connection, held by a process.
type Connection struct {
	// PID is the process that holds it.
	PID int
	// Local and Remote are its addresses. They are invalid for a Unix socket.
	Local, Remote netip.AddrPort
	// Peer identifies the other end if that is on this machine too; 0 if unknown.
	Peer uint64
}

// process identifies a process: a PID alone may be reused.
type process struct {
	pid     int
	started uint64 // in clock ticks since the machine started
}

// Tree is a process with its descendants. A descendant stays in the tree when its parent ends. Its methods may be
// called concurrently.
type Tree struct {
	mu      sync.Mutex
	members map[int]process
}

// NewTree returns a tree with one process.
func NewTree(pid int) *Tree {
	t := &Tree{members: map[int]process{}}
	if p, ok := readProcess(pid); ok {
		t.members[pid] = p
	}
	return t
}

// SignalAll sends a signal to all processes of the tree, and reports how many got it.
func (t *Tree) SignalAll(s syscall.Signal) (count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refreshMembers()
	for pid := range t.members {
		if p, err := os.FindProcess(pid); err == nil && p.Signal(s) == nil {
			count++
		}
	}
	return count
}

// Members returns the processes of the tree.
func (t *Tree) Members() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refreshMembers()
	return slices.Collect(maps.Keys(t.members))
}

// IsAlive reports whether a process of the tree is running.
func (t *Tree) IsAlive() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refreshMembers()
	return len(t.members) > 0
}

// refreshMembers adds new descendants and removes processes that have ended.
func (t *Tree) refreshMembers() {
	queue := make([]process, 0, len(t.members))
	for pid, p := range t.members {
		if now, ok := readProcess(pid); ok && now == p {
			queue = append(queue, p)
		} else {
			delete(t.members, pid)
		}
	}
	for len(queue) > 0 {
		parent := queue[0]
		queue = queue[1:]
		for _, pid := range listChildren(parent.pid) {
			child, ok := readProcess(pid)
			// A parent starts before its child. Otherwise its PID was reused meanwhile.
			if _, member := t.members[pid]; !member && ok && parent.started <= child.started {
				t.members[pid] = child
				queue = append(queue, child)
			}
		}
	}
}

// Client is the other end of a connection on this machine.
type Client struct {
	// User is the account of the process that made it.
	User uint32

	inode uint64 // of its socket
	pid   int    // of its process, for a Unix socket
}

// IsHeldBy reports whether one of some processes holds it.
func (c Client) IsHeldBy(pids []int) bool {
	return slices.ContainsFunc(pids, func(pid int) bool { return pid == c.pid || c.inode != 0 && Holds(pid, c.inode) })
}
