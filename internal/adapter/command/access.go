package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/sandbox"
)

// PrepareAccess asks in the background what [ListAccess] and the start of a command need to know: where installed programs have their packages,
// and whether this machine gives a command namespaces. It takes some tenths of a second, in which a server can start.
func PrepareAccess(home string) {
	go cachedPackageDirs(home)
	go func() { _ = sandbox.CheckNamespaces() }() // the start of a command tells it
}

// ListAccess returns what a command may use beside its checkout: what the user names, the installed packages, and
// the directories that installed programs name. home is the user's own
// copy of the repository, "" for none, and workDir the command's directory in it. No other path of the repository gives a right.
func ListAccess(o config.Sandbox, home, workDir string, packages *Installed) sandbox.Access {
	return sandbox.Access{
		Network: o.Network, Read: resolvePaths(home, workDir, o.Read), Write: resolvePaths(home, workDir, o.Write),
		Packages: slices.Concat(packages.Paths(), cachedPackageDirs(home)), Repository: home, Require: o.Require,
	}
}

// resolvePaths returns absolute paths. Those below ~/ are in the home directory, and others are relative to the command's directory. A path
// that passes through a link of the repository is left out.
func resolvePaths(home, workDir string, list []string) []string {
	var out []string
	for _, p := range list {
		if rest, ok := strings.CutPrefix(p, "~/"); ok {
			userHome, _ := os.UserHomeDir()
			p = filepath.Join(userHome, rest)
		}
		if !filepath.IsAbs(p) {
			p = filepath.Join(home, filepath.FromSlash(workDir), p)
		}
		if rel, err := filepath.Rel(home, p); err == nil && home != "" && filepath.IsLocal(rel) && hasLink(home, rel) {
			continue
		}
		out = append(out, p)
	}
	return out
}

// hasLink reports whether a path below a directory is a symbolic link, or passes through one.
func hasLink(dir, rel string) bool {
	for part := range strings.SplitSeq(filepath.ToSlash(rel), "/") {
		dir = filepath.Join(dir, part)
		if info, err := os.Lstat(dir); err == nil && info.Mode()&os.ModeSymlink != 0 {
			return true
		}
	}
	return false
}
