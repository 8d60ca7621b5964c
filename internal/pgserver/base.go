package pgserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onward-sql/onward/internal/scratch"
)

// Base is a cluster with initial content for many servers: the schema of a deployed
// release. It is built once and kept in the cache.
type Base struct {
	// Key identifies the content: equal keys must mean equal content.
	Key string
	// Build fills a server that was started for it. Later servers begin with the
	// databases and roles that it leaves.
	Build func(ctx context.Context, s *Server) error
}

// keptBases is how many bases the cache holds; the least recently used is deleted
// first. A base has about the size of the schema's catalogs: some 30 MB.
const keptBases = 24

// StartFrom starts a server with the content of a base, which is built first if it
// is not in the cache. built reports whether that was necessary.
func StartFrom(ctx context.Context, cfg Config, base Base) (s *Server, built bool, err error) {
	if cfg.URL != "" {
		return nil, false, errors.New("a server that somebody else runs has no base to start from")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := resolveConfig(ctx, cfg)
	if err != nil {
		return nil, false, err
	}
	s, built, err = c.startFromBase(ctx, base)
	broken := new(ServerError)
	if (errors.As(err, &broken) || errors.Is(err, fs.ErrNotExist)) && ctx.Err() == nil && !built {
		// The cached copy may be damaged or deleted: build it again, once.
		final, removeErr := c.basePath(base.Key)
		if removeErr == nil {
			removeErr = os.RemoveAll(final)
		}
		if removeErr != nil {
			return nil, false, errors.Join(err, removeErr)
		}
		s, built, err = c.startFromBase(ctx, base)
	}
	if final, none := c.basePath(base.Key); built && none == nil {
		deleteOldBases(filepath.Dir(final), final)
	}
	return s, built, errors.Join(err, c.removeTemporary())
}

// basePath returns the directory of a base in the cache.
func (c *resolvedConfig) basePath(key string) (string, error) {
	root, err := CacheDir()
	return filepath.Join(root, baseRoom, c.baseName(key)), err
}

const baseRoom = "base" // subdirectory of the cache

func (c *resolvedConfig) baseName(key string) string {
	sum := sha256.Sum256([]byte(templateName(c.install, c.acct) + "\n" + key))
	return fmt.Sprintf("%s-%x", c.install.Version, sum[:8])
}

// startFromBase starts a server from the cached base, or builds it.
func (c *resolvedConfig) startFromBase(ctx context.Context, base Base) (s *Server, built bool, err error) {
	final, err := c.buildCached(ctx, baseRoom, c.baseName(base.Key), func(staging string, _ *os.File) error {
		built = true
		c.Logger.Info("building the base schema, once for this content", "version", c.install.Version)
		return c.buildBase(ctx, staging, base)
	})
	if err != nil {
		return nil, built, err
	}
	used := time.Now()
	_ = os.Chtimes(final+".lock", used, used) // for deleteOldBases; a read-only cache stays as it is
	from := *c
	from.base = final
	s, err = from.startWithRetry(ctx)
	return s, built, err
}

// buildBase starts a server, fills it, shuts it down cleanly and copies its cluster to
// staging.
func (c *resolvedConfig) buildBase(ctx context.Context, staging string, base Base) error {
	s, err := c.startWithRetry(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	if err := base.Build(ctx, s); err != nil {
		return err
	}
	if err := s.shutDownCleanly(ctx); err != nil {
		return err
	}
	if err := os.Chmod(staging, 0o700); err != nil {
		return err
	}
	if err := c.acct.changeOwner(staging); err != nil {
		return err
	}
	// The staging directory exists already.
	if err := os.Remove(staging); err != nil {
		return err
	}
	return copyTree(ctx, s.dataDir(), staging, c.acct)
}

// shutDownCleanly shuts the server down cleanly and keeps its cluster.
func (s *Server) shutDownCleanly(ctx context.Context) error {
	s.stopping.Store(true) // so that this does not count as a crash
	if err := s.process.interrupt(); err != nil {
		return fmt.Errorf("shut Postgres %s down: %w", s.install.Version, err)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		return fmt.Errorf("shut Postgres %s down: %w", s.install.Version, ctx.Err())
	}
	if _, err := os.Lstat(filepath.Join(s.dataDir(), "postmaster.pid")); !errors.Is(err, fs.ErrNotExist) {
		return &ServerError{What: fmt.Sprintf("Postgres %s did not shut down in order", s.install.Version), Log: s.Log()}
	}
	return nil
}

// deleteOldBases deletes the least recently used bases.
func deleteOldBases(root, keep string) {
	locks, _ := filepath.Glob(filepath.Join(root, "*.lock"))
	lastUse := func(lock string) time.Time {
		info, err := os.Stat(lock)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	slices.SortFunc(locks, func(a, b string) int { return lastUse(b).Compare(lastUse(a)) })
	for i, lock := range locks {
		dir := strings.TrimSuffix(lock, ".lock")
		if i < keptBases || dir == keep {
			continue
		}
		f, err := os.OpenFile(lock, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		// One that is being built stays. If one is being copied right now, its
		// files disappear during the copy, and its user builds it again.
		if free, _ := scratch.TryLock(f); free {
			_ = deleteBase(dir)
			_ = os.Remove(lock)
		}
		f.Close()
	}
}

// deleteBase deletes a base, after renaming it: a concurrent copy then finds none of
// its files, and not some. It also deletes what a killed builder has left there.
func deleteBase(dir string) error {
	staging := dir + ".new"
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	if err := os.Rename(dir, staging); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(staging)
}

// initdbArgs are the same for every server: UTF-8, the C locale, superuser "postgres", no password (only users who
// can enter the private directory can connect). The WAL segments are small, because a template is copied at each
// start and a segment of the default size would be half of it.
func initdbArgs(install Install) []string {
	args := []string{
		"--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
		"--wal-segsize=1",
	}
	if install.Major < 14 {
		args = append(args[:5:5], args[6:]...) // 14 added --no-instructions
	}
	if install.Major >= 18 {
		args = append(args, "--no-data-checksums") // the default before 18
	}
	return args
}

// ensureInitdbTemplate returns a directory from initdb for the installation, from the cache or newly created. It belongs to the
// account that the server runs as.
func (c *resolvedConfig) ensureInitdbTemplate(ctx context.Context) (string, error) {
	install, acct := c.install, c.acct
	template, err := c.buildCached(ctx, templateRoom, templateName(install, acct), func(staging string, lock *os.File) error {
		c.Logger.Info("running initdb, once for this version", "version", install.Version, "template", staging)
		if err := os.Chmod(staging, 0o700); err != nil {
			return err
		}
		if err := acct.changeOwner(staging); err != nil {
			return err
		}
		return acct.runInitdb(lock, filepath.Join(install.Bin, "initdb"), append(initdbArgs(install), "--pgdata="+staging)...)
	})
	if err != nil {
		return "", fmt.Errorf("make the template of Postgres %s: %w", install.Version, err)
	}
	return template, nil
}

const templateRoom = "template" // subdirectory of the cache

// templateName returns the name of an installation's template in the cache. Another build of the same version may
// use another file layout, so the name also depends on the directory of the binaries and on initdb's arguments.
func templateName(install Install, acct account) string {
	key := sha256.Sum256([]byte(strings.Join(append(initdbArgs(install), install.Bin, install.Version, fmt.Sprint(acct)), "\n")))
	return fmt.Sprintf("%s-%x", install.Version, key[:6])
}

// deleteTemplate removes a template from the cache, atomically for other processes.
func deleteTemplate(install Install, acct account) error {
	root, err := CacheDir()
	if err != nil {
		return err
	}
	path := filepath.Join(root, templateRoom, templateName(install, acct))
	aside := fmt.Sprintf("%s.bad-%d", path, os.Getpid())
	if err := os.Rename(path, aside); err != nil {
		return err
	}
	return os.RemoveAll(aside)
}

// copyTree copies a template to a new data directory, which the account will own.
func copyTree(ctx context.Context, from, to string, acct account) error {
	// The work is system calls on a thousand small files: a few at a time keep two cores busy, more do not help.
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(4)
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		switch {
		case entry.IsDir():
			if err := os.Mkdir(target, 0o700); err != nil {
				return err
			}
			return acct.changeOwner(target)
		case entry.Type().IsRegular():
			work.Go(func() error {
				if err := copyFile(path, target); err != nil {
					return err
				}
				return acct.changeOwner(target)
			})
			return nil
		}
		return fmt.Errorf("%s: neither file nor directory", path)
	})
	if failed := work.Wait(); failed != nil {
		return failed // the walk ended because of it
	}
	return err
}

func copyFile(from, to string) error {
	in, err := os.OpenFile(from, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	// Root copies files that a server has left. A second hard link may be anybody's file.
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() || linkCount(info) > 1 {
		return errors.Join(err, fmt.Errorf("%s: not a file of its own", from))
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// On Linux this is copy_file_range: the kernel shares the blocks if the file system can.
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
