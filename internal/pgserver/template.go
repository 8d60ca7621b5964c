package pgserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

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
