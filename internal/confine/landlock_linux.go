package confine

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights on files (https://docs.kernel.org/userspace-api/landlock.html). A handled right is refused unless
// a rule grants it.
const (
	MayRead    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	MayExecute = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE
	MayWrite   = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE

	// ofFiles are the rights that a rule for a file may have.
	ofFiles = MayExecute | MayWrite | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

	// NewestLandlock is the newest version that this code supports.
	NewestLandlock = 6
	// ScopedSignals is the version that controls signals.
	ScopedSignals = 6
)

// HandledRights returns the rights that a version of Landlock controls, all of which it removes.
func HandledRights(abi int) (attr unix.LandlockRulesetAttr) {
	attr.Handled_access_fs = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // all rights of the first version
	if abi >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 5 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return attr
}

// LandlockVersion returns the kernel's version of Landlock, or an error if it has none.
func LandlockVersion() (int, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, errno
	}
	return int(abi), nil
}

// rulesetAttrSize returns the size of the attributes in a version. A kernel accepts a larger structure if the rest is zero,
// but older versions had fewer fields.
func rulesetAttrSize(abi int) uintptr {
	var attr unix.LandlockRulesetAttr
	switch {
	case abi < 4:
		return unsafe.Offsetof(attr.Handled_access_net)
	case abi < 6:
		return unsafe.Offsetof(attr.Scoped)
	}
	return unsafe.Offsetof(attr.Quiet_access_fs)
}

// Rule grants rights on a file, or on everything below a directory.
type Rule struct {
	Path   string
	Rights uint64
}

// portRule is the kernel's landlock_net_port_attr, and ruleNetPort its kind.
type portRule struct{ access, port uint64 }

const ruleNetPort = 2

// RestrictFiles takes the handled rights from the calling thread and its children, except those that the rules grant. ports are the
// TCP ports of other programs to which they may connect, if the version controls that.
func RestrictFiles(abi int, handled unix.LandlockRulesetAttr, rules []Rule, ports ...uint16) error {
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&handled)), rulesetAttrSize(abi), 0)
	if errno != 0 {
		return fmt.Errorf("make Landlock's rules: %w", errno)
	}
	defer unix.Close(int(ruleset))
	for _, r := range rules {
		if err := addRule(int(ruleset), r.Path, r.Rights&handled.Handled_access_fs); err != nil {
			return err
		}
	}
	if handled.Handled_access_net&unix.LANDLOCK_ACCESS_NET_CONNECT_TCP != 0 {
		for _, p := range ports {
			attr := portRule{unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, uint64(p)}
			if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset, ruleNetPort, uintptr(unsafe.Pointer(&attr)), 0, 0, 0); errno != 0 {
				return fmt.Errorf("a rule for port %d: %w", p, errno)
			}
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		return fmt.Errorf("set Landlock's rules: %w", errno)
	}
	return nil
}

// addRule adds a rule. A path that does not exist needs none.
func addRule(ruleset int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= ofFiles
	}
	// The kernel's structure is packed; this one has four more bytes at its end, which the kernel does not read.
	attr := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0,
		0); errno != 0 {
		return fmt.Errorf("a rule for %s: %w", path, errno)
	}
	return nil
}
