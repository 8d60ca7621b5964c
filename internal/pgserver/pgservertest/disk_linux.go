package pgservertest

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// MountSmall mounts a file system of limited size, such as "24m", on a directory until the test ends. Only root can: a test of
// anybody else is skipped.
func MountSmall(t testing.TB, dir, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=1777"); err != nil {
		if errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
			t.Skipf("SKIPPED, not tested: a small file system is needed, which takes root: %v", err)
		}
		SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}
