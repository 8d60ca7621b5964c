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

// account is who the server runs as. The zero value is the user of this process.
type account struct {
	name     string // "" for the zero value
	uid, gid uint32
}

// serverAccount is the zero account unless this process is root: Postgres refuses to run as root, so "nobody" it is.
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

// dropped reports whether the server runs as somebody else than this process.
func (a account) dropped() bool { return a.name != "" }

// own gives files to the account.
func (a account) own(paths ...string) error {
	if !a.dropped() {
		return nil
	}
	for _, path := range paths {
		if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
			return err
		}
	}
	return nil
}

// reach tells why the account cannot enter a directory, or nil. Of a path that does not exist yet, the part that does
// is looked at.
func (a account) reach(dir string) error {
	if !a.dropped() {
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

func (a account) attributes() *syscall.SysProcAttr {
	// A session of its own: Ctrl-C in the terminal is for this process, which then decides what to do.
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.dropped() {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// ownedByUs reports whether a directory belongs to this process's user or to the server's account.
func ownedByUs(info os.FileInfo, acct account) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (int(stat.Uid) == os.Geteuid() || acct.dropped() && stat.Uid == acct.uid)
}

// initdb runs the program of that name as the account. While it runs, should this process be killed, the lock is held.
func (a account) initdb(lock *os.File, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.Env = helperEnvironment()
	cmd.SysProcAttr = a.attributes()
	cmd.ExtraFiles = []*os.File{lock}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// helperEnvironment is what the shells and initdb get of ours, who need to find programs and nothing else: secrets
// of a CI job lie in the environment.
func helperEnvironment() []string { return []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")} }

// noFollow makes an open fail on a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// names is in how many directories a file is.
func names(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Nlink)
	}
	return 1
}

// abandoned reports whether a shared memory segment is of the server's account, and nobody uses it. Where that cannot
// be asked, the system lets nobody but root remove what is somebody else's.
func abandoned(id string, acct account) bool {
	table, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return !acct.dropped()
	}
	owner := uint64(os.Geteuid())
	if acct.dropped() {
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

// allocated is what a file takes on its disk.
func allocated(info os.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512 // of this size on every system, whatever the file system's blocks are
	}
	return info.Size()
}
