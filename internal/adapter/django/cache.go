package django

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// kept is how many answers stay in the cache. A release needs two: for its base and its head.
const kept = 40

// cache stores answers by a hash of their input. Without a directory it stores nothing: a problem with the cache is
// never an error.
type cache struct{ dir string }

// openCache returns the cache and the key of a configuration. The key covers everything that an answer depends on:
// the renderer, the request, the interpreter with its installed packages, the environment, and the project's sources
// and settings files.
func openCache(ctx context.Context, cfg Config, python string) (cache, string) {
	dir := cfg.cacheDir()
	if dir == "" {
		return cache{}, ""
	}
	h := sha256.New()
	rel, err := filepath.Rel(cfg.Root, cfg.Dir)
	if err != nil {
		return cache{}, ""
	}
	asked, err := json.Marshal([]any{rendererHash(), rel, cfg.Settings, cfg.Postgres, cfg.Applied, cfg.Want, cfg.whole, cfg.standIn, cfg.replaced})
	if err != nil {
		return cache{}, ""
	}
	h.Write(asked)
	if err := hashInterpreter(ctx, h, dir, python, pythonEnvironment(cfg)); err != nil {
		return cache{}, ""
	}
	hashEnvironment(h, pythonEnvironment(cfg))
	if cfg.revision != nil {
		err = cfg.revision.hashRevision(h, cfg.Home)
	} else {
		err = hashImportedFiles(h, cfg.Root)
	}
	if err != nil {
		return cache{}, ""
	}
	return cache{dir}, hex.EncodeToString(h.Sum(nil))
}

// cacheDir returns the directory for answers; "" for none.
func (c *Config) cacheDir() string {
	switch c.CacheDir {
	case "-":
		return ""
	case "":
		base, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		return filepath.Join(base, "onward", "django")
	}
	return c.CacheDir
}

func (c cache) readAnswer(key string) ([]byte, bool) {
	if c.dir == "" {
		return nil, false
	}
	path := filepath.Join(c.dir, key+".json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // marks it as used: the oldest are removed first
	return data, true
}

func (c cache) storeAnswer(key string, answer []byte) {
	if c.dir == "" || os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	file, err := os.CreateTemp(c.dir, ".new-")
	if err != nil {
		return
	}
	defer os.Remove(file.Name()) // after the rename there is nothing to remove
	_, err = file.Write(answer)
	if cerr := file.Close(); err == nil && cerr == nil {
		_ = os.Rename(file.Name(), filepath.Join(c.dir, key+".json"))
	}
	c.removeOldestAnswers()
}

// removeOldestAnswers removes the answers that were unused for the longest time.
func (c cache) removeOldestAnswers() {
	entries, err := os.ReadDir(c.dir)
	if err != nil || len(entries) <= kept {
		return
	}
	type aged struct {
		name string
		at   time.Time
	}
	var files []aged
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".json") {
			files = append(files, aged{e.Name(), info.ModTime()})
		}
	}
	sort.Slice(files, func(i, j int) bool { return files[i].at.After(files[j].at) })
	for _, f := range files[min(kept, len(files)):] {
		_ = os.Remove(filepath.Join(c.dir, f.name))
	}
}

// hashEnvironment hashes the variables, except those that differ between shells, machines or users without changing
// an answer.
func hashEnvironment(h io.Writer, env []string) {
	env = append([]string(nil), env...)
	sort.Strings(env)
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		switch name {
		case "SHELL", "TMPDIR", "TEMP", "TMP", "LOGNAME", "LANG", "LANGUAGE", "NUMBER_OF_PROCESSORS":
			continue // no SQL depends on them
		}
		if strings.HasPrefix(name, "LC_") {
			continue
		}
		fmt.Fprintln(h, entry)
	}
}

// hashImportedFiles hashes the files that the project's code may read when it is imported.
func hashImportedFiles(h io.Writer, root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && isSkippedDir(name) {
				return filepath.SkipDir
			}
			// This is a virtualenv, whatever its name.
			if _, err := os.Stat(filepath.Join(path, "pyvenv.cfg")); err == nil && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !mayBeRead(name) || !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		content := sha256.New()
		size, err := io.Copy(content, file)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d %x\n", filepath.ToSlash(rel), size, content.Sum(nil))
		return nil
	})
}

// isSkippedDir reports whether a directory holds no code of the project.
func isSkippedDir(dir string) bool {
	switch dir {
	case ".git", ".hg", ".svn", "node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache", ".ruff_cache",
		".pytest_cache", "site-packages", ".venv", "venv":
		return true
	}
	return false
}

func mayBeRead(name string) bool {
	switch filepath.Ext(name) {
	case ".py", ".sql", ".toml", ".ini", ".cfg", ".yaml", ".yml", ".json", ".env", ".so", ".pyd":
		return true
	}
	return strings.HasPrefix(name, ".env")
}
