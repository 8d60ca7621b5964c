package command

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/sandbox"
)

// installedDirs are directories in which package managers install, and virtualDirs are virtual environments of Python.
var (
	installedDirs = []string{"node_modules", "vendor", "vendor/bundle", "deps"}
	virtualDirs   = []string{".venv", "venv", "env", "virtualenv"}
)

// Installed are the directories of packages in the user's copy of a repository that a command may read. Git does not track them, neither in
// that copy nor in the command's tree: a path of the repository gives no right.
type Installed struct {
	home string
	dirs []installedDir
	// bundle are the directories with Bundler's settings.
	bundle []string
}

// installedDir is one of them.
type installedDir struct {
	path   string // relative to home
	target string // its real path: elsewhere if the user made a link
}

// FindInstalled looks for the directories from the command's directory up. home is "" for none.
func FindInstalled(ctx context.Context, t adapter.Tree, home, workDir string) *Installed {
	in := &Installed{home: home}
	if home == "" {
		return in
	}
	var found, bundles []string
	for dir := path.Clean(workDir); ; dir = path.Dir(dir) {
		for _, name := range installedDirs {
			found = append(found, path.Join(dir, name))
		}
		for _, name := range virtualDirs {
			if p := path.Join(dir, name); isFile(filepath.Join(home, filepath.FromSlash(p), "pyvenv.cfg")) {
				found = append(found, p)
			}
		}
		bundles = append(bundles, path.Join(dir, ".bundle"))
		if dir == "." || dir == "/" {
			break
		}
	}
	found = append(found, listActiveEnvironments(home)...)
	exists := func(p string) bool {
		name := filepath.FromSlash(p)
		return isDir(filepath.Join(home, name)) && !hasLink(home, filepath.Dir(name)) && len(adapter.FilesBelow(t, p)) == 0 && !adapter.HasFile(t, p)
	}
	candidates := slices.DeleteFunc(append(found, bundles...), func(p string) bool { return !exists(p) })
	if len(candidates) == 0 {
		return in
	}
	tracked, err := gitrange.ListTracked(ctx, home, candidates)
	for _, p := range candidates {
		isLink := hasLink(home, filepath.FromSlash(p))
		if tracked[p] || err != nil && isLink {
			continue
		}
		target, failed := filepath.EvalSymlinks(filepath.Join(home, filepath.FromSlash(p)))
		switch {
		case failed != nil:
		case slices.Contains(bundles, p):
			if !isLink {
				in.bundle = append(in.bundle, p)
			}
		default:
			in.dirs = append(in.dirs, installedDir{p, target})
		}
	}
	return in
}

// listActiveEnvironments returns the directories of a repository that the user has activated: a virtual environment or a directory of gems.
func listActiveEnvironments(home string) []string {
	var out []string
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX", "GEM_HOME", "BUNDLE_PATH"} {
		if rel, err := filepath.Rel(home, os.Getenv(name)); err == nil && filepath.IsLocal(rel) && rel != "." {
			out = append(out, filepath.ToSlash(rel))
		}
	}
	return out
}

// Paths returns the directories, and the installations of the interpreters that they link to.
func (in *Installed) Paths() []string {
	var out []string
	for _, d := range in.dirs {
		out = append(out, d.target)
		if prefix := sandbox.Virtualenv(d.target); prefix != "" {
			out = append(out, prefix)
		}
	}
	return out
}

// SearchPath returns a PYTHONPATH: the checkout's directories with packages in development, and then a list.
func (in *Installed) SearchPath(dir, list string) string {
	var out []string
	for _, d := range in.dirs {
		for _, p := range listEditableDirs(d.target) {
			if rel, err := filepath.Rel(in.home, p); err == nil && filepath.IsLocal(rel) && isDir(filepath.Join(dir, rel)) {
				out = append(out, filepath.Join(dir, rel))
			}
		}
	}
	if list != "" {
		out = append(out, list)
	}
	return strings.Join(slices.Compact(out), string(filepath.ListSeparator))
}

// quotedPath matches absolute paths in the finders that setuptools writes.
var quotedPath = lazyregexp.New(`'(/[^'\n]+)'`)

// listEditableDirs returns the directories from which a virtual environment imports packages in development.
func listEditableDirs(venv string) []string {
	var out []string
	dirs, _ := filepath.Glob(filepath.Join(venv, "lib", "python*", "site-packages"))
	for _, dir := range dirs {
		out = append(out, readPathFiles(dir)...)
	}
	return out
}

// readPathFiles returns the directories that the files of a directory of Python's packages add to the search path.
func readPathFiles(dir string) []string {
	var out []string
	for _, pattern := range []string{"*.pth", "__editable__*.py"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			if strings.HasSuffix(file, ".py") {
				for _, m := range quotedPath.FindAllSubmatch(text, -1) {
					out = append(out, filepath.Dir(string(m[1]))) // of the package
				}
				continue
			}
			for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
				if line := strings.TrimSpace(lines.Text()); filepath.IsAbs(line) {
					out = append(out, line)
				}
			}
		}
	}
	return out
}

// linkInto links the directories into a checkout.
func (in *Installed) linkInto(dir string) error {
	for _, d := range in.dirs {
		to := filepath.Join(dir, filepath.FromSlash(d.path))
		if _, err := os.Lstat(to); err == nil || !isDir(filepath.Dir(to)) {
			continue // there is no place for it
		}
		if err := in.linkDir(d, to, dir); err != nil {
			return fmt.Errorf("link %s: %w", d.path, err)
		}
	}
	for _, p := range in.bundle {
		if err := copyBundleSettings(filepath.Join(in.home, filepath.FromSlash(p)), filepath.Join(dir, filepath.FromSlash(p))); err != nil {
			return err
		}
	}
	return nil
}

// linkDir links a directory of packages. Node's packages of the repository itself are links in it, which lead to the checkout instead.
func (in *Installed) linkDir(d installedDir, to, checkout string) error {
	workspaces := map[string]string{}
	if path.Base(d.path) == "node_modules" {
		workspaces = in.listWorkspaces(d.target)
	}
	if len(workspaces) == 0 {
		return os.Symlink(d.target, to)
	}
	return linkEntries(d.target, to, "", workspaces, checkout)
}

// listWorkspaces returns the entries of node_modules, also of scopes, that link to the user's copy, and their paths in it.
func (in *Installed) listWorkspaces(modules string) map[string]string {
	out := map[string]string{}
	for _, pattern := range []string{"*", "@*/*"} {
		entries, _ := filepath.Glob(filepath.Join(modules, pattern))
		for _, e := range entries {
			if info, err := os.Lstat(e); err != nil || info.Mode()&os.ModeSymlink == 0 {
				continue
			}
			real, err := filepath.EvalSymlinks(e)
			if err != nil {
				continue
			}
			inModules, _ := filepath.Rel(modules, real)
			rel, err := filepath.Rel(in.home, real)
			if err == nil && filepath.IsLocal(rel) && !filepath.IsLocal(inModules) {
				name, _ := filepath.Rel(modules, e)
				out[name] = rel
			}
		}
	}
	return out
}

// linkEntries makes a directory with links to the entries of another one, and to the checkout for some of them.
func linkEntries(from, to, relDir string, workspaces map[string]string, checkout string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(relDir, e.Name())
		target, place := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		hasOwn := func(entry string) bool { return filepath.Dir(entry) == name }
		switch {
		case workspaces[name] != "":
			err = os.Symlink(filepath.Join(checkout, workspaces[name]), place)
		case relDir == "" && e.IsDir() && slices.ContainsFunc(slices.Collect(maps.Keys(workspaces)), hasOwn):
			err = linkEntries(target, place, name, workspaces, checkout)
		default:
			err = os.Symlink(target, place)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bundleSettings are Bundler's settings about where gems are. Others may have passwords of gem servers.
var bundleSettings = []string{
	"BUNDLE_PATH", "BUNDLE_PATH__SYSTEM", "BUNDLE_DEPLOYMENT", "BUNDLE_FROZEN", "BUNDLE_WITH", "BUNDLE_WITHOUT", "BUNDLE_GEMFILE", "BUNDLE_BIN",
	"BUNDLE_DISABLE_SHARED_GEMS", "BUNDLE_FORCE_RUBY_PLATFORM", "BUNDLE_SPECIFIC_PLATFORM", "BUNDLE_CACHE_PATH",
}

// copyBundleSettings copies Bundler's settings without passwords.
func copyBundleSettings(from, to string) error {
	text, err := os.ReadFile(filepath.Join(from, "config"))
	if _, exists := os.Lstat(to); err != nil || exists == nil || !isDir(filepath.Dir(to)) {
		return nil //nolint:nilerr // there are no settings, or no place for them
	}
	out := "---\n"
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(line, ":"); ok && slices.Contains(bundleSettings, name) {
			out += line
		}
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return fmt.Errorf("copy Bundler's settings: %w", err)
	}
	if err := os.WriteFile(filepath.Join(to, "config"), []byte(out), 0o644); err != nil {
		return fmt.Errorf("copy Bundler's settings: %w", err)
	}
	return nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
