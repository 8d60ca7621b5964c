package pgserver

import "syscall"

func mountSmall(dir string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=1777")
}
func unmount(dir string) error { return syscall.Unmount(dir, 0) }
