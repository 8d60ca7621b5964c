package pgserver

import (
	"io/fs"
	"math"
	"path/filepath"
)

// Size is how many bytes the server's private directory takes on its disk, or in memory (see [Config.Small]): the
// databases, all of them, and what no database's size counts: the log of changes, temporary files, dynamic shared
// memory. It is looked at from outside, so the server cannot lie about it, needs no connection, and takes some
// milliseconds. A file that was removed while a process holds it open is not seen. With Config.URL it is 0.
func (s *Server) Size() int64 {
	if s.external != nil {
		return 0
	}
	var sum int64
	// What goes away meanwhile is not counted; that is no error.
	_ = filepath.WalkDir(s.private.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		if info, err := entry.Info(); err == nil {
			sum += allocated(info)
		}
		return nil
	})
	return sum
}

// Room is how many bytes are free where the server's private directory is, and that
// directory's parent; 0: not known, as with Config.URL.
func (s *Server) Room() (bytes int64, where string) {
	if s.external != nil {
		return 0, ""
	}
	return int64(min(room(s.private.dir), math.MaxInt64)), filepath.Dir(s.private.dir)
}

// room is how many bytes are free in a directory's file system; 0: not known.
func room(dir string) uint64 { return uint64(max(0, Free(dir))) }
