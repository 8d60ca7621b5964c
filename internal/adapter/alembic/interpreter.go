package alembic

import (
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// findUserCopy returns the user's copy of the repository: the configured one, else the nearest directory above the working
// directory that has the revisions; "" for none.
func (a *Adapter) findUserCopy(dir string) string {
	if a.Home != "" {
		return a.Home
	}
	currentDir, err := os.Getwd()
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(currentDir); err == nil {
		currentDir = real
	}
	return adapter.NearestAbove(currentDir, func(dirAbove string) bool {
		info, err := os.Stat(filepath.Join(dirAbove, filepath.FromSlash(dir)))
		return err == nil && info.IsDir()
	})
}

// findBinDir returns the directory with the project's programs: beside `python:` in onward.yaml, else in a virtualenv of
// the user's copy, from the directory of the revisions up; "" for none, or if a virtualenv is active.
func findBinDir(t adapter.Tree, s adapter.Source, home string) string {
	bin := "bin"
	if runtime.GOOS == "windows" {
		bin = "Scripts"
	}
	if python := s.Options.Python; python != "" {
		if !filepath.IsAbs(python) {
			python = filepath.Join(home, filepath.FromSlash(python))
		}
		if info, err := os.Stat(filepath.Join(python, bin)); err == nil && info.IsDir() {
			return filepath.Join(python, bin)
		}
		return filepath.Dir(python)
	}
	if home == "" || os.Getenv("VIRTUAL_ENV") != "" {
		return ""
	}
	for dir := s.Dir; ; dir = path.Dir(dir) {
		for _, name := range []string{".venv", "venv", "env", "virtualenv"} {
			p := filepath.Join(home, filepath.FromSlash(dir), name)
			// A directory of the repository is no virtualenv of the user.
			if adapter.HasFile(t, strings.TrimPrefix(path.Join(dir, name, "pyvenv.cfg"), "./")) {
				continue
			}
			if _, err := os.Stat(filepath.Join(p, "pyvenv.cfg")); err == nil {
				return filepath.Join(p, bin)
			}
		}
		if dir == "" || dir == "." {
			return ""
		}
	}
}
