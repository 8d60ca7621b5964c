package django

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
)

// revision is a commit of the repository that the user's own copy belongs to. Git
// identifies its content by ids, so an answer is found in the cache before any file is on
// disk.
type revision struct {
	tree  adapter.Tree
	dir   string // manage.py's directory, with slashes
	files []gitrange.File
	// lent are files of the user's copy that git does not have, relative to its root with
	// slashes. The project may need them to start.
	lent []string
}

// revisionOf returns the revision of a tree; nil if some of its files have no id, as in
// the working tree.
func revisionOf(t adapter.Tree, dir string) *revision {
	listed, ok := t.(interface{ Files() []gitrange.File })
	if !ok {
		return nil
	}
	files := listed.Files()
	if slices.ContainsFunc(files, func(f gitrange.File) bool { return f.ID == "" }) {
		return nil
	}
	return &revision{tree: t, dir: dir, files: files}
}

// hashRevision is like hashImportedFiles, for a revision that is not unpacked.
func (r *revision) hashRevision(h io.Writer, home string) error {
	for _, f := range r.files {
		if mayBeRead(path.Base(f.Path)) && !slices.ContainsFunc(strings.Split(path.Dir(f.Path), "/"), isSkippedDir) {
			fmt.Fprintf(h, "%s %s %t\n", f.Path, f.ID, f.Symlink)
		}
	}
	for _, rel := range r.lent {
		data, err := os.ReadFile(filepath.Join(home, filepath.FromSlash(rel)))
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "lent %s %x\n", rel, sha256.Sum256(data))
	}
	return nil
}

// unpackRevision writes the revision to disk, together with the lent files, and returns a
// configuration for that copy.
func (r *revision) unpackRevision(ctx context.Context, cfg Config) (Config, error) {
	root, err := r.tree.Dir(ctx)
	if err != nil {
		return cfg, fmt.Errorf("unpack %s: %w", r.tree.Name(), err)
	}
	for _, rel := range r.lent {
		if err := copyUnlessExists(filepath.Join(cfg.Home, filepath.FromSlash(rel)), filepath.Join(root, filepath.FromSlash(rel))); err != nil {
			return cfg, fmt.Errorf("copy %s to the unpacked revision: %w", rel, err)
		}
	}
	cfg.Dir, cfg.Root = filepath.Join(root, filepath.FromSlash(r.dir)), root
	return cfg.setDefaults()
}

// findLocalSettings finds settings that are kept out of git (.env files, local settings) in the user's
// copy. It takes small files with such names that the revision lacks, if the revision has
// their directory.
func (r *revision) findLocalSettings(cfg Config) {
	knownPaths := map[string]bool{".": true}
	for _, f := range r.files {
		knownPaths[f.Path] = true
		for dir := path.Dir(f.Path); !knownPaths[dir]; dir = path.Dir(dir) {
			knownPaths[dir] = true
		}
	}
	for _, dir := range virtualenvDirs(cfg) {
		for _, pattern := range []string{".env*", "*/.env*", "*local*.py", "*/*local*.py", "*/*/*local*.py"} {
			names, _ := filepath.Glob(filepath.Join(dir, pattern))
			for _, name := range names {
				native, err := filepath.Rel(cfg.Home, name)
				rel := filepath.ToSlash(native)
				if err != nil || knownPaths[rel] || !knownPaths[path.Dir(rel)] || isCopyOrTemplate(rel) || isMigration(rel) {
					continue // a migration of a later revision is no setting
				}
				if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && info.Size() <= 1<<20 {
					knownPaths[rel] = true
					r.lent = append(r.lent, rel)
				}
			}
		}
	}
}

// copyUnlessExists copies a file unless the target exists.
func copyUnlessExists(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // already lent for another project of the revision
	}
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}
