package django

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Interpreter returns the Python of a project: the configured one, else the active
// virtualenv, else one in the project (where venv, poetry, uv, pipenv and pdm put it),
// else python3 on the PATH.
func Interpreter(cfg Config) (string, error) {
	cfg, err := cfg.setDefaults()
	if err != nil {
		return "", err
	}
	if cfg.Python != "" {
		return configuredPython(cfg)
	}
	if env := lookupVariable(cfg.Env, "VIRTUAL_ENV"); env != "" {
		if python := findVirtualenvPython(env); python != "" {
			return python, nil
		}
	}
	for _, dir := range virtualenvDirs(cfg) {
		for _, name := range []string{".venv", "venv", "env", ".env", "virtualenv"} {
			if python := findVirtualenvPython(filepath.Join(dir, name)); python != "" {
				return python, nil
			}
		}
	}
	for _, name := range []string{"python3", "python"} {
		if python, err := exec.LookPath(name); err == nil {
			return python, nil
		}
	}
	return "", &Error{Kind: "python", Message: "no virtualenv in the project, and no python3 on the PATH"}
}

func configuredPython(cfg Config) (string, error) {
	path := cfg.Python
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, rest)
		}
	}
	inHome := path
	if !filepath.IsAbs(path) {
		inHome = filepath.Join(cfg.Home, path)
	}
	// The configured path may be a virtualenv: its interpreter is used.
	if python := findVirtualenvPython(inHome); python != "" {
		return python, nil
	}
	if strings.ContainsRune(path, '/') || strings.ContainsRune(path, filepath.Separator) {
		path = inHome
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return "", &Error{Kind: "python", Message: "the configured interpreter " + cfg.Python + " is missing or cannot be executed"}
	}
	return found, nil
}

// virtualenvDirs lists the directories that may hold the project's virtualenv: from manage.py's
// directory up to the root, in the user's own copy of the tree.
func virtualenvDirs(cfg Config) []string {
	rel, err := filepath.Rel(cfg.Root, cfg.Dir)
	if err != nil || strings.HasPrefix(rel, "..") {
		return []string{cfg.Dir, cfg.Home}
	}
	var dirs []string
	for {
		dirs = append(dirs, filepath.Join(cfg.Home, rel))
		if rel == "." {
			return dirs
		}
		rel = filepath.Dir(rel)
	}
}

// findVirtualenvPython returns the interpreter of a virtualenv; "" if the directory is none.
func findVirtualenvPython(dir string) string {
	names := []string{"bin/python", "bin/python3"}
	if runtime.GOOS == "windows" {
		names = []string{`Scripts\python.exe`}
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
			return path
		}
	}
	return ""
}

// lookupVariable reads a variable of the environment that Python gets.
func lookupVariable(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(env[i], name+"="); ok {
			return value
		}
	}
	return os.Getenv(name)
}
