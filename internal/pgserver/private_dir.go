package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/confine"
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

// systemCache is root's cache if its own cache directory (usually below /root, mode 0700) cannot be entered by the
// account that the server runs as.
const systemCache = "/var/cache/onward"

// CacheDir returns the directory with downloaded binaries (postgres/) and initdb templates (template/).
func CacheDir() (string, error) {
	acct, err := serverAccount()
	if err != nil {
		return "", err
	}
	user, err := os.UserCacheDir()
	if err != nil {
		if !acct.switchesUser() {
			return "", &cacheError{fmt.Errorf("no cache directory: %w", err)}
		}
		return systemCache, nil
	}
	root := filepath.Join(user, "onward")
	if acct.checkAccess(root) != nil {
		return systemCache, nil //nolint:nilerr // a cache that the server's account cannot enter: use the system's cache
	}
	return root, nil
}

// buildOnce creates the directory final by filling a staging directory and renaming that. If final exists it does
// nothing. A lock makes other processes wait for the builder; the lock ends with its holder. A program that fill starts
// must inherit the lock: if this process is killed, the program goes on in the staging directory.
func buildOnce(ctx context.Context, final string, fill func(staging string, lock *os.File) error) error {
	if pathExists(final) {
		return nil
	}
	parent := filepath.Dir(final)
	if err := makeReadable(parent); err != nil {
		return &cacheError{fmt.Errorf("make the cache directory %s (XDG_CACHE_HOME names another): %w", parent, err)}
	}
	lock, err := waitForLock(ctx, final+".lock")
	if err != nil && ctx.Err() == nil {
		return &cacheError{err}
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if pathExists(final) {
		return nil
	}
	// A killed builder has left its staging directory. This process has the lock, so nobody uses it.
	staging := final + ".new"
	if err := errors.Join(os.RemoveAll(staging), makeReadable(staging)); err != nil {
		return &cacheError{err}
	}
	if err := fill(staging, lock); err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	return os.Rename(staging, final)
}

// cacheError says that there is no writable cache: the home directory is missing or read-only.
type cacheError struct{ err error }

func (e *cacheError) Error() string { return e.err.Error() }
func (e *cacheError) Unwrap() error { return e.err }

// buildCached creates a directory in a subdirectory of the cache with buildOnce, and returns its path. If there is no writable
// cache, it is created in a temporary directory, which forgo removes.
func (c *resolvedConfig) buildCached(ctx context.Context, room, name string, fill func(staging string, lock *os.File) error) (string, error) {
	root, err := CacheDir()
	if err == nil {
		final := filepath.Join(root, room, name)
		if err = buildOnce(ctx, final, fill); err == nil {
			return final, nil
		}
	}
	if unkept := new(cacheError); !errors.As(err, &unkept) {
		return "", err
	}
	if c.temporary == "" {
		c.Logger.Info("the cache cannot be written: what is made is not kept, and the next start makes it anew", "because", err)
		parent, err := resolveTempDir(c.Dir, c.acct)
		if err != nil {
			return "", err
		}
		if c.temporary, c.removeTemporary, err = scratch.MakeIn(parent, "unkept"); err != nil {
			return "", err
		}
		if err := os.Chmod(c.temporary, 0o755); err != nil {
			return "", err
		}
	}
	final := filepath.Join(c.temporary, room, name)
	return final, buildOnce(ctx, final, fill)
}

// makeReadable creates a directory and its missing parents so that another account can enter them, whatever the umask.
func makeReadable(dir string) error {
	if pathExists(dir) {
		return nil
	}
	if err := makeReadable(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o755)
}

func pathExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// waitForLock takes an exclusive lock on a file, which it creates if necessary. Closing the file releases the lock.
func waitForLock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		ok, err := scratch.TryLock(f)
		if ok {
			return f, nil
		}
		if err == nil {
			select {
			case <-time.After(20 * time.Millisecond):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		f.Close()
		return nil, fmt.Errorf("wait for %s: %w", path, err)
	}
}
