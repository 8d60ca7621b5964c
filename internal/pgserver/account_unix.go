//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that the server runs as. The zero value is the user of this process.
type account struct {
	name     string // "" for the zero value
	uid, gid uint32
}

// serverAccount returns the zero account unless this process is root: Postgres refuses to run as root, so it runs as
// "nobody".
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	nobody := account{name: "nobody", uid: 65534, gid: 65534}
	if u, err := user.Lookup("nobody"); err == nil {
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(errUID, errGID); err != nil {
			return account{}, fmt.Errorf("account nobody: %w", err)
		}
		nobody.uid, nobody.gid = uint32(uid), uint32(gid)
	}
	return nobody, nil
}

// switchesUser reports whether the server runs as another user than this process.
func (a account) switchesUser() bool { return a.name != "" }

// changeOwner changes the owner of files to the account.
func (a account) changeOwner(paths ...string) error {
	if !a.switchesUser() {
		return nil
	}
	for _, path := range paths {
		if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
			return err
		}
	}
	return nil
}

// checkAccess returns why the account cannot enter a directory, or nil. If the path does not exist yet, the existing part is
// checked.
func (a account) checkAccess(dir string) error {
	if !a.switchesUser() {
		return nil
	}
	for {
		info, err := os.Stat(dir)
		if err == nil {
			stat, _ := info.Sys().(*syscall.Stat_t)
			need := os.FileMode(0o001)
			switch {
			case stat == nil:
			case stat.Uid == a.uid:
				need = 0o100
			case stat.Gid == a.gid:
				need = 0o010
			}
			if info.Mode()&need == 0 {
				return fmt.Errorf("directory %s (mode %#o) cannot be entered by %s, as whom the server runs", dir, info.Mode().Perm(), a.name)
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

func (a account) sysProcAttr() *syscall.SysProcAttr {
	// A session of its own: Ctrl-C in the terminal must only reach this process, which then decides what to do.
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.switchesUser() {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// isOwnedByUs reports whether a directory belongs to this process's user or to the server's account.
func isOwnedByUs(info os.FileInfo, acct account) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (int(stat.Uid) == os.Geteuid() || acct.switchesUser() && stat.Uid == acct.uid)
}

// runInitdb runs the program of that name as the account. The child inherits the lock, so that it stays locked if this
// process is killed.
func (a account) runInitdb(lock *os.File, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.Env = helperEnvironment()
	cmd.SysProcAttr = a.sysProcAttr()
	cmd.ExtraFiles = []*os.File{lock}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// helperEnvironment is the environment of the shells and initdb. They only need to find programs, and the full
// environment of a CI job contains secrets.
func helperEnvironment() []string { return []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")} }

// noFollow makes an open fail on a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// linkCount returns the number of hard links of a file.
func linkCount(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Nlink)
	}
	return 1
}

// isUnusedSegment reports whether a shared memory segment belongs to the server's account and nobody uses it. If that cannot
// be determined, it is true unless this process is root: the system lets other users remove only their own segments.
func isUnusedSegment(id string, acct account) bool {
	table, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return !acct.switchesUser()
	}
	owner := uint64(os.Geteuid())
	if acct.switchesUser() {
		owner = uint64(acct.uid)
	}
	for line := range strings.Lines(string(table)) {
		// key shmid perms size cpid lpid nattch uid …
		f := strings.Fields(line)
		if len(f) > 7 && f[1] == id {
			return f[6] == "0" && f[7] == strconv.FormatUint(owner, 10)
		}
	}
	return false
}

// allocatedBytes returns the size of a file on its disk.
func allocatedBytes(info os.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512 // st_blocks is in units of 512 bytes on every system
	}
	return info.Size()
}
