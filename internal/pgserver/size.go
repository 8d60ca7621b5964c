package pgserver

import (
	"io/fs"
	"math"
	"path/filepath"
)

// Size returns how many bytes the server's private directory takes on its disk, or in memory (see
// [Config.Small]): all databases, and files that no database's size includes, such as WAL, temporary files and
// dynamic shared memory. It is measured from outside, so the server cannot falsify it. It needs no connection,
// and takes some milliseconds. A deleted file that a process holds open does not count. With Config.URL it is 0.
func (s *Server) Size() int64 {
	if s.external != nil {
		return 0
	}
	var sum int64
	// Files that disappear meanwhile do not count; that is no error.
	_ = filepath.WalkDir(s.private.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		if info, err := entry.Info(); err == nil {
			sum += allocatedBytes(info)
		}
		return nil
	})
	return sum
}

// Room returns how many bytes are free for the server's private directory, and that directory's parent; 0:
// unknown, as with Config.URL.
func (s *Server) Room() (bytes int64, dir string) {
	if s.external != nil {
		return 0, ""
	}
	return int64(min(freeBytes(s.private.dir), math.MaxInt64)), filepath.Dir(s.private.dir)
}

// freeBytes returns how many bytes are free in a directory's file system; 0: unknown.
func freeBytes(dir string) uint64 { return uint64(max(0, Free(dir))) }
