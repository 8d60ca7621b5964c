package command

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/sandbox"
)

// InstalledDirs are directories with packages that a package manager has installed. They are in no commit.
var InstalledDirs = []string{"node_modules", ".venv", "venv", "env", "vendor", "vendor/bundle", ".bundle", "deps"}

// ListAccess returns what a command on a tree may use beside its checkout: what the user names, and the user's own copy of the
// repository, to which installed packages may lead. home is that copy, "" for none, and workDir the command's directory in it.
func ListAccess(t adapter.Tree, o config.Sandbox, home, workDir string) sandbox.Access {
	root := filepath.Join(home, filepath.FromSlash(workDir))
	return sandbox.Access{
		Network: o.Network, Read: append(resolvePaths(root, o.Read), listCopy(t, home, workDir)...), Write: resolvePaths(root, o.Write),
	}
}

// resolvePaths returns absolute paths. Those below ~/ are in the home directory, and others are relative to root.
func resolvePaths(root string, list []string) []string {
	out := make([]string, len(list))
	for i, p := range list {
		if rest, ok := strings.CutPrefix(p, "~/"); ok {
			home, _ := os.UserHomeDir()
			p = filepath.Join(home, rest)
		}
		if !filepath.IsAbs(p) {
			p = filepath.Join(root, p)
		}
		out[i] = p
	}
	return out
}

// Limits of the search for files that are in no commit.
const (
	copyDepth   = 3
	copyEntries = 5000
)

// listCopy returns the parts of the user's copy that are in the tree or are installed packages. Packages of the repository itself may
// be linked from node_modules or a virtual environment. Other files, such as .env, may have passwords.
func listCopy(t adapter.Tree, home, workDir string) []string {
	if home == "" {
		return nil
	}
	known := map[string]bool{}
	for _, p := range t.Paths() {
		known[p] = true
		for dir := path.Dir(p); dir != "." && !known[dir]; dir = path.Dir(dir) {
			known[dir] = true
		}
	}
	w := &copyWalk{home: home, known: known, left: copyEntries}
	out, _ := w.listParts("")
	for _, dir := range []string{".venv", "venv", "env"} {
		if of := sandbox.Virtualenv(filepath.Join(home, filepath.FromSlash(workDir), dir)); of != "" {
			out = append(out, of)
		}
	}
	return out
}

// copyWalk walks through the user's copy.
type copyWalk struct {
	home  string
	known map[string]bool
	left  int
}

// listParts returns the parts of a directory that are known; all is set if that is the directory itself.
func (w *copyWalk) listParts(dir string) (out []string, all bool) {
	whole := []string{filepath.Join(w.home, filepath.FromSlash(dir))}
	if dir != "" && strings.Count(dir, "/") >= copyDepth {
		return whole, true
	}
	entries, err := os.ReadDir(whole[0])
	if w.left -= len(entries); err != nil || w.left < 0 {
		return whole, dir != ""
	}
	all = true
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		switch {
		case slices.Contains(InstalledDirs, e.Name()) && (e.IsDir() || e.Type()&os.ModeSymlink != 0):
			out = append(out, filepath.Join(w.home, filepath.FromSlash(p)))
		case !w.known[p]:
			all = false
		case e.IsDir():
			list, known := w.listParts(p)
			out, all = append(out, list...), all && known
		default:
			out = append(out, filepath.Join(w.home, filepath.FromSlash(p)))
		}
	}
	if all && dir != "" {
		return whole, true
	}
	return out, false
}
