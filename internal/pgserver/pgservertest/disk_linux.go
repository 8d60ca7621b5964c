package pgservertest

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/onward-sql/onward/internal/component"
)

// MountSmall mounts a file system of limited size, such as "24m", on a directory until the test ends. Only root can: a test of
// anybody else is skipped.
func MountSmall(t testing.TB, dir, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=1777"); err != nil {
		if errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
			component.Need(t, component.Root, err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}
