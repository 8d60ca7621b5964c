//go:build !linux && !darwin

package pgserver

// Free is how many bytes are free in a directory's file system; -1: not known.
func Free(string) int64 { return -1 }
