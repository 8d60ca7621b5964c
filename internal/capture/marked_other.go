//go:build !linux

package capture

// killMarked does nothing: the environment of other processes is not known here.
func killMarked(string) int { return 0 }
