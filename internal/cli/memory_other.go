//go:build !linux

package cli

// growHeap is for Linux.
func growHeap() {}
