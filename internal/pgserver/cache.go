package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/onward-sql/onward/internal/scratch"
)

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
