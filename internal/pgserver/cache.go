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

// systemCache is where root keeps things when its own cache directory (usually below /root, mode 0700) cannot be
// entered by the account that the server runs as.
const systemCache = "/var/cache/onward"

// cacheRoot is the directory that holds downloaded binaries (postgres/) and initdb templates (template/).
func cacheRoot() (string, error) {
	acct, err := serverAccount()
	if err != nil {
		return "", err
	}
	user, err := os.UserCacheDir()
	if err != nil {
		if !acct.dropped() {
			return "", &unkeptError{fmt.Errorf("no cache directory: %w", err)}
		}
		return systemCache, nil
	}
	root := filepath.Join(user, "onward")
	if acct.reach(root) != nil {
		return systemCache, nil //nolint:nilerr // a cache that the server's account cannot enter: the system's cache serves
	}
	return root, nil
}

// buildOnce makes the directory final by filling a staging directory beside it and renaming that. When final exists
// it does nothing. A lock makes other processes wait for the one that builds; the lock dies with its holder. A program
// that fill starts must inherit it: should this process be killed, that works on in the staging directory.
func buildOnce(ctx context.Context, final string, fill func(staging string, lock *os.File) error) error {
	if exists(final) {
		return nil
	}
	parent := filepath.Dir(final)
	if err := makeReadable(parent); err != nil {
		return &unkeptError{fmt.Errorf("make the cache directory %s (XDG_CACHE_HOME names another): %w", parent, err)}
	}
	lock, err := lockWait(ctx, final+".lock")
	if err != nil && ctx.Err() == nil {
		return &unkeptError{err}
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if exists(final) {
		return nil
	}
	// A builder that was killed left its staging directory behind: we hold the lock, so it is nobody's.
	staging := final + ".new"
	if err := errors.Join(os.RemoveAll(staging), makeReadable(staging)); err != nil {
		return &unkeptError{err}
	}
	if err := fill(staging, lock); err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	return os.Rename(staging, final)
}

// unkeptError says that there is no cache, or none that can be written: a home that is read-only, or none.
type unkeptError struct{ err error }

func (e *unkeptError) Error() string { return e.err.Error() }
func (e *unkeptError) Unwrap() error { return e.err }

// kept makes a directory of a room of the cache with buildOnce, and tells where it is. Where nothing can be kept, it is
// made in a temporary directory, which goes with forgo.
func (c *chosen) kept(ctx context.Context, room, name string, fill func(staging string, lock *os.File) error) (string, error) {
	root, err := cacheRoot()
	if err == nil {
		final := filepath.Join(root, room, name)
		if err = buildOnce(ctx, final, fill); err == nil {
			return final, nil
		}
	}
	if unkept := new(unkeptError); !errors.As(err, &unkept) {
		return "", err
	}
	if c.temporary == "" {
		c.Logger.Info("the cache cannot be written: what is made is not kept, and the next start makes it anew", "because", err)
		parent, err := temporaryFor(c.Dir, c.acct)
		if err != nil {
			return "", err
		}
		if c.temporary, c.forgo, err = scratch.MakeIn(parent, "unkept"); err != nil {
			return "", err
		}
		if err := os.Chmod(c.temporary, 0o755); err != nil {
			return "", err
		}
	}
	final := filepath.Join(c.temporary, room, name)
	return final, buildOnce(ctx, final, fill)
}

// makeReadable makes a directory and its missing parents such that another account can enter them, whatever the umask.
func makeReadable(dir string) error {
	if exists(dir) {
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

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// lockWait takes an exclusive lock on a file that it creates if need be. Closing the file gives the lock back.
func lockWait(ctx context.Context, path string) (*os.File, error) {
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
