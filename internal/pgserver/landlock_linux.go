package pgserver

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Access rights on files (https://docs.kernel.org/userspace-api/landlock.html). A handled right is refused unless
// a rule grants it.
const (
	mayRead    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	mayExecute = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE
	mayWrite   = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	// A data directory has files and directories. Symbolic links, which only tablespaces need, could lead this
	// process's own file operations elsewhere.
	mayKeep = mayRead | mayWrite | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REFER
	mayListen = mayWrite | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE

	// ofFiles are the rights that a rule for anything but a directory may have.
	ofFiles = mayExecute | mayWrite | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV

	newestABI = 6 // the newest version that this code supports
)

// handledRights returns the rights that a version of Landlock controls, all of which are taken away.
func handledRights(abi int) (attr unix.LandlockRulesetAttr) {
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

// landlockABI returns the kernel's version of Landlock, or an error if it has none.
func landlockABI() (int, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, errno
	}
	return int(abi), nil
}

// restrictFiles denies the calling thread and its children all files but the server's own. gap says what this kernel
// does not support.
func (c command) restrictFiles() (gap string, err error) {
	abi, err := landlockABI()
	if err != nil {
		return fmt.Sprintf("this kernel has no Landlock (%v; Linux has it since 5.13): a migration that becomes superuser in the server can read files and start "+
			"programs as %s", err, c.accountName()), nil
	}
	if c.abi != 0 {
		abi = min(abi, c.abi)
	}
	attr := handledRights(min(abi, newestABI))
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), sizeOf(abi), 0)
	if errno != 0 {
		return "", fmt.Errorf("make Landlock's rules: %w", errno)
	}
	defer unix.Close(int(ruleset))
	for _, r := range c.fileRules() {
		if err := addRule(int(ruleset), r.path, r.rights&attr.Handled_access_fs); err != nil {
			return "", err
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0); errno != 0 {
		return "", fmt.Errorf("set Landlock's rules: %w", errno)
	}
	var may []string
	if abi < 3 {
		may = append(may, "truncate files")
	}
	if abi < 6 {
		may = append(may, "send signals to processes")
	}
	if may != nil {
		gap = fmt.Sprintf("this kernel has version %d of Landlock: a migration that becomes superuser in the server can %s of %s", abi, strings.Join(may, " and "),
			c.accountName())
	}
	return gap, nil
}

// sizeOf returns the size of the attributes in a version. A kernel accepts a larger structure if the rest is zero,
// but older versions had fewer fields.
func sizeOf(abi int) uintptr {
	var attr unix.LandlockRulesetAttr
	switch {
	case abi < 4:
		return unsafe.Offsetof(attr.Handled_access_net)
	case abi < 6:
		return unsafe.Offsetof(attr.Scoped)
	}
	return unsafe.Offsetof(attr.Quiet_access_fs)
}

// rule grants rights on a file, or on everything below a directory.
type rule struct {
	path   string
	rights uint64
}

// libraries are the directories of shared libraries and their data: nothing there is secret.
var libraries = []string{
	"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/usr/share",
	"/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies",
	"/nix/store", "/gnu/store", "/home/linuxbrew/.linuxbrew/lib", "/home/linuxbrew/.linuxbrew/opt", "/home/linuxbrew/.linuxbrew/Cellar",
}

func (c command) fileRules() []rule {
	rules := []rule{
		{c.program(), mayExecute},
		{c.data, mayKeep},
		{c.sockets, mayListen},
		{"/dev/null", mayWrite},
		{"/dev/zero", mayRead}, {"/dev/urandom", mayRead}, {"/dev/random", mayRead},
	}
	read := slices.Clone(libraries)
	for _, dir := range []string{"lib", "lib64", "share"} {
		read = append(read, filepath.Join(filepath.Dir(c.install.Bin), dir))
	}
	if c.statisticsSocket() { // it resolves "localhost"
		read = append(read, "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf")
	}
	loader, own := dynamicLinks(c.program())
	if loader != "" {
		rules = append(rules, rule{loader, mayExecute})
	}
	for _, path := range append(read, own...) {
		rules = append(rules, rule{path, mayRead})
	}
	return rules
}

// dynamicLinks returns the dynamic loader of a program, and the directories in which it searches for libraries.
func dynamicLinks(program string) (loader string, dirs []string) {
	f, err := elf.Open(program)
	if err != nil {
		return "", nil
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			name := make([]byte, p.Filesz)
			if _, err := p.ReadAt(name, 0); err == nil {
				loader = strings.TrimRight(string(name), "\x00")
			}
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		lists, _ := f.DynString(tag)
		for _, list := range lists {
			for _, dir := range filepath.SplitList(list) {
				dir = filepath.Clean(strings.NewReplacer("${ORIGIN}", filepath.Dir(program), "$ORIGIN", filepath.Dir(program)).Replace(dir))
				if filepath.IsAbs(dir) && dir != "/" {
					dirs = append(dirs, dir)
				}
			}
		}
	}
	return loader, dirs
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
