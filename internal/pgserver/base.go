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

// Base is a cluster with something in it that many servers begin with: the
// schema of a deployed release. It is built once and kept in the cache.
type Base struct {
	// Key names the content: what is built is the same whenever the key is.
	Key string
	// Build fills a server that was started for it. What it leaves in the
	// cluster (databases, roles) is what later servers begin with.
	Build func(ctx context.Context, s *Server) error
}

// keptBases is how many bases the cache holds; the one unused for longest goes
// first. One is about as large as the schema's catalogs: some 30 MB.
const keptBases = 24

// StartFrom starts a server that has what a base holds, which is built first
// where the cache does not have it. built tells whether that was so.
func StartFrom(ctx context.Context, cfg Config, base Base) (s *Server, built bool, err error) {
	if cfg.URL != "" {
		return nil, false, errors.New("a server that somebody else runs has no base to start from")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := resolve(ctx, cfg)
	if err != nil {
		return nil, false, err
	}
	s, built, err = c.startFrom(ctx, base)
	broken := new(ServerError)
	if (errors.As(err, &broken) || errors.Is(err, fs.ErrNotExist)) && ctx.Err() == nil && !built {
		// The cached copy may be damaged, or somebody removed it meanwhile: make it anew, once.
		final, removeErr := c.basePath(base.Key)
		if removeErr == nil {
			removeErr = os.RemoveAll(final)
		}
		if removeErr != nil {
			return nil, false, errors.Join(err, removeErr)
		}
		s, built, err = c.startFrom(ctx, base)
	}
	if final, none := c.basePath(base.Key); built && none == nil {
		forgetBases(filepath.Dir(final), final)
	}
	return s, built, errors.Join(err, c.forgo())
}

// basePath is where the cache keeps a base.
func (c *chosen) basePath(key string) (string, error) {
	root, err := cacheRoot()
	return filepath.Join(root, baseRoom, c.baseName(key)), err
}

const baseRoom = "base" // of the cache

func (c *chosen) baseName(key string) string {
	sum := sha256.Sum256([]byte(templateName(c.install, c.acct) + "\n" + key))
	return fmt.Sprintf("%s-%x", c.install.Version, sum[:8])
}

// startFrom starts a server with the base that is kept, or is built.
func (c *chosen) startFrom(ctx context.Context, base Base) (s *Server, built bool, err error) {
	final, err := c.kept(ctx, baseRoom, c.baseName(base.Key), func(staging string, _ *os.File) error {
		built = true
		c.Logger.Info("building the base schema, once for this content", "version", c.install.Version)
		return c.build(ctx, staging, base)
	})
	if err != nil {
		return nil, built, err
	}
	used := time.Now()
	_ = os.Chtimes(final+".lock", used, used) // for forgetBases; a cache that cannot be written stays as it is
	from := *c
	from.base = final
	s, err = from.start(ctx)
	return s, built, err
}

// build starts a server, lets it be filled, shuts it down in order and copies
// its cluster to staging.
func (c *chosen) build(ctx context.Context, staging string, base Base) error {
	s, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.Stop() }()
	if err := base.Build(ctx, s); err != nil {
		return err
	}
	if err := s.quiesce(ctx); err != nil {
		return err
	}
	if err := os.Chmod(staging, 0o700); err != nil {
		return err
	}
	if err := c.acct.own(staging); err != nil {
		return err
	}
	// The staging directory exists already.
	if err := os.Remove(staging); err != nil {
		return err
	}
	return copyTree(ctx, s.data(), staging, c.acct)
}

// quiesce shuts the server down in order, leaving its cluster where it is.
func (s *Server) quiesce(ctx context.Context) error {
	s.stopping.Store(true) // so that it is not taken for a death
	if err := s.process.interrupt(); err != nil {
		return fmt.Errorf("shut Postgres %s down: %w", s.install.Version, err)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		return fmt.Errorf("shut Postgres %s down: %w", s.install.Version, ctx.Err())
	}
	if _, err := os.Lstat(filepath.Join(s.data(), "postmaster.pid")); !errors.Is(err, fs.ErrNotExist) {
		return &ServerError{What: fmt.Sprintf("Postgres %s did not shut down in order", s.install.Version), Log: s.Log()}
	}
	return nil
}

// forgetBases removes those that were not used for longest.
func forgetBases(root, keep string) {
	locks, _ := filepath.Glob(filepath.Join(root, "*.lock"))
	when := func(lock string) time.Time {
		info, err := os.Stat(lock)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	slices.SortFunc(locks, func(a, b string) int { return when(b).Compare(when(a)) })
	for i, lock := range locks {
		dir := strings.TrimSuffix(lock, ".lock")
		if i < keptBases || dir == keep {
			continue
		}
		f, err := os.OpenFile(lock, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		// One that is being built stays. One that is being copied at this moment
		// is not found from one file to the next, and its user builds it again.
		if free, _ := scratch.TryLock(f); free {
			_ = forget(dir)
			_ = os.Remove(lock)
		}
		f.Close()
	}
}

// forget removes a base, under another name first: what copies it finds none of
// its files any more, rather than some. Also goes what a killed builder left there.
func forget(dir string) error {
	staging := dir + ".new"
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	if err := os.Rename(dir, staging); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(staging)
}
