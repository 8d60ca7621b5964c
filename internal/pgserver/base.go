package pgserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

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
	defer func() { _ = s.Stop() }()
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
