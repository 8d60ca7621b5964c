//go:build !linux && !darwin

package pgserver

// Free returns how many bytes are free in a directory's file system; -1:
// unknown.
func Free(string) int64 { return -1 }
