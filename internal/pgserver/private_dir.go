package pgserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"github.com/onward-sql/onward/internal/confine"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/scratch"
)

const (
	privatePrefix = "onward-pg-"
	socketPort    = "5432" // only part of the socket's name
	// maxSocketPath is the length that fits into sockaddr_un.sun_path on every system (104 bytes on macOS, 108 on
	// Linux).
	maxSocketPath = 103
)

// privateDir is the directory of one server: data/, lock, the watchdog's script, and the directory of the socket unless
// its path would be too long. The server may write in data/ and in the socket's directory only: it must not reach
// files that onward runs or trusts.
type privateDir struct {
	dir              string
	home, sockets    string // the directory of the socket, and its parent: dir, or one with a shorter path
	mark             uint64 // of the server's processes, see process; the lock's content
	lock, socketLock *os.File
	maker            *creationGuard // until the watchdog runs
}

// newPrivate creates a directory below parent ("" for the system's temporary directory) for the account.
func newPrivate(parent string, acct account) (*privateDir, error) {
	parent, err := resolveTempDir(parent, acct)
	if err != nil {
		return nil, err
	}
	// The watchdog compares /proc/*/cwd, where links are resolved, with the directory's path.
	resolved, err := filepath.EvalSymlinks(parent)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", parent, err)
	}
	parent = resolved
	cleanUpDeadServers(parent, acct)
	p := &privateDir{dir: filepath.Join(parent, privatePrefix+randomName()), mark: confine.NewMark()}
	p.home = p.dir
	if len(filepath.Join(p.dir, "s", ".s.PGSQL."+socketPort)) > maxSocketPath {
		p.home = filepath.Join("/tmp", privatePrefix+randomName())
	}
	p.sockets = filepath.Join(p.home, "s")
	if p.maker, err = guardCreation(p.dir, p.home); err != nil {
		return nil, err
	}
	for _, dir := range slices.Compact([]string{p.dir, p.home, p.sockets}) {
		if err := makePrivate(dir, acct); err != nil {
			return nil, errors.Join(err, p.removeDirs())
		}
	}
	if p.lock, err = lockPrivate(p.dir); err != nil {
		return nil, errors.Join(err, p.removeDirs())
	}
	if _, err := fmt.Fprintln(p.lock, p.mark); err != nil {
		return nil, errors.Join(err, p.removeDirs())
	}
	if p.home != p.dir {
		if p.socketLock, err = lockPrivate(p.home); err != nil {
			return nil, errors.Join(err, p.removeDirs())
		}
	}
	return p, nil
}

// resolveTempDir returns the absolute path of a directory whose entries the account can access: the given one, or for
// "" the system's.
func resolveTempDir(dir string, acct account) (string, error) {
	explicit := dir != ""
	if !explicit {
		dir = os.TempDir()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := acct.checkAccess(dir); err != nil {
		if explicit {
			return "", err
		}
		return "/tmp", nil // TMPDIR may be below root's home
	}
	return dir, nil
}

// randomName returns a name that nobody else has, with 65 random bits: short, as a socket's path must be.
func randomName() string { return rand.Text()[:13] }

func makePrivate(dir string, acct account) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return acct.changeOwner(dir)
}

// lockPrivate creates a directory's lock already locked, so that a sweep never sees it free.
func lockPrivate(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := scratch.TryLock(f)
	if err == nil && !ok {
		err = fmt.Errorf("lock %s: somebody else has it", path)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// removeDirs releases the lock and removes the rest of the directories.
func (p *privateDir) removeDirs() error {
	var errs []error
	_ = p.lock.Close() // nil or already closed is fine
	_ = p.socketLock.Close()
	for _, dir := range slices.Compact([]string{p.dir, p.home}) {
		errs = append(errs, os.RemoveAll(dir))
	}
	p.maker.keepDirs()
	return errors.Join(errs...)
}

// cleanUpDeadServers kills servers whose onward process and watchdog are both gone, and removes their directories: after a machine
// reset, or when a whole container was killed. Errors are ignored, because nothing depends on it.
func cleanUpDeadServers(parent string, acct account) {
	dirs, _ := filepath.Glob(filepath.Join(parent, privatePrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !isOwnedByUs(info, acct) {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|noFollow, 0)
		if errors.Is(err, os.ErrNotExist) {
			// It was either just created, or left in the middle of its creation.
			if time.Since(info.ModTime()) > 10*time.Minute {
				_ = os.RemoveAll(dir)
			}
			continue
		}
		if err != nil {
			continue
		}
		if free, _ := scratch.TryLock(lock); free {
			// The server can only still run if both its onward process and its watchdog were killed.
			var mark uint64
			_, _ = fmt.Fscan(lock, &mark) // 0 if there is none
			for range 100 {
				killedInDir, marked := killInDir(filepath.Join(dir, "data")), killMarked(mark)
				if !killedInDir && !marked {
					break
				}
				time.Sleep(20 * time.Millisecond) // they die, and release their memory
			}
			removeSegment(dir, acct)
			_ = os.RemoveAll(dir)
		}
		lock.Close()
	}
}

// removeSegment removes the shared memory segment (a few bytes that protect a data directory) of a killed server. The
// server's directory is not trusted: the segment must belong to the server's account, and nobody may use it.
func removeSegment(dir string, acct account) {
	status, err := scratch.ReadUntrusted(filepath.Join(dir, "data", "postmaster.pid"), 4<<10)
	if err != nil {
		return
	}
	if _, id := parseSegment(string(status)); id != "" && isUnusedSegment(id, acct) {
		_ = exec.Command("ipcrm", "-m", id).Run()
	}
}

// IsThrowaway reports whether a host is the socket of a server that this package started.
func IsThrowaway(host string) bool {
	return filepath.Base(host) == "s" && strings.HasPrefix(filepath.Base(filepath.Dir(host)), privatePrefix)
}
