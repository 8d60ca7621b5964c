package sandbox

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// Calls that other processors do not have.
var (
	chmodHere = []uint32{unix.SYS_CHMOD}
	chownHere = []uint32{unix.SYS_CHOWN, unix.SYS_LCHOWN}
	timesHere = []uint32{unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT}
)

// readOlderTimesCall reads the arguments of utime, utimes and futimesat.
func readOlderTimesCall(c *confine.Call) (r timesRequest, err error) {
	r = timesRequest{dir: unix.AT_FDCWD, follow: true}
	path, times := c.Args[0], c.Args[1]
	if c.Number == unix.SYS_FUTIMESAT {
		r.dir, path, times = int32(c.Args[0]), c.Args[1], c.Args[2]
	}
	if path != 0 || c.Number != unix.SYS_FUTIMESAT {
		if r.path, err = c.ReadText(path); err != nil {
			return r, err
		}
		if r.path == "" {
			return r, unix.ENOENT
		}
	}
	if c.Number != unix.SYS_UTIME || times == 0 {
		r.times, err = readTimes(c, times, 1000)
		return r, err
	}
	raw, err := c.ReadMemory(times, 16) // two times in seconds
	if err != nil || len(raw) < 16 {
		return r, unix.EFAULT
	}
	r.times = []unix.Timespec{{Sec: int64(binary.NativeEndian.Uint64(raw))}, {Sec: int64(binary.NativeEndian.Uint64(raw[8:]))}}
	return r, nil
}
