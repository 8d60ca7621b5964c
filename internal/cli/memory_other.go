//go:build !linux

package cli

// makeRoom is for Linux.
func makeRoom() {}
