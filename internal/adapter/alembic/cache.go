package alembic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/cache"
	"github.com/onward-sql/onward/internal/gitrange"
)

// openCache returns the entries of a key.
func (a *Adapter) openCache(key string) *cache.Store {
	dir := a.CacheDir
	switch {
	case dir == "-" || key == "":
		dir = ""
	case dir == "":
		dir = cache.Dir("alembic")
	}
	return cache.Open(dir, key, hookHash())
}

// cacheKey identifies everything that a record depends on: the command, the program with the packages beside it, the
// environment, and the files that the project's code may read. It is "" if that is not known.
func cacheKey(t adapter.Tree, s adapter.Source, words, env []string) string {
	h := sha256.New()
	asked, err := json.Marshal([]any{words, s.Dir, env})
	if err != nil {
		return ""
	}
	h.Write(asked)
	hashProgram(h, words[0], env)
	if !hashFiles(h, t) {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashFiles hashes the files that code may read: by their ids in git, else by their content.
func hashFiles(h io.Writer, t adapter.Tree) bool {
	ids := map[string]string{}
	if listed, ok := t.(interface{ Files() []gitrange.File }); ok {
		for _, f := range listed.Files() {
			ids[f.Path] = f.ID
		}
	}
	for _, p := range t.Paths() {
		if !mayBeRead(p) {
			continue
		}
		if id := ids[p]; id != "" {
			fmt.Fprintf(h, "%s %s\n", p, id)
			continue
		}
		content, err := t.Read(p)
		if err != nil {
			return false
		}
		fmt.Fprintf(h, "%s %x\n", p, sha256.Sum256(content))
	}
	return true
}

// mayBeRead reports whether code of the project may read a file when it is imported.
func mayBeRead(p string) bool {
	if strings.Contains(p, "node_modules/") {
		return false
	}
	switch path.Ext(p) {
	case ".py", ".sql", ".toml", ".ini", ".cfg", ".yaml", ".yml", ".json", ".csv", ".txt", ".env":
		return true
	}
	return strings.HasPrefix(path.Base(p), ".env")
}

// hashProgram hashes the program's file and the names of the packages in its virtualenv, which include versions.
func hashProgram(h io.Writer, program string, env []string) {
	dirs := []string{""}
	for _, entry := range env {
		if list, ok := strings.CutPrefix(entry, "PATH="); ok {
			dirs = filepath.SplitList(list)
		}
	}
	for _, dir := range dirs {
		p := filepath.Join(dir, program)
		info, err := os.Stat(p)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		fmt.Fprintf(h, "%s %d %d\n", p, info.Size(), info.ModTime().UnixNano())
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(p)), "lib", "python*", "site-packages", "*.dist-info"))
		slices.Sort(found)
		for _, name := range found {
			fmt.Fprintln(h, filepath.Base(name))
		}
		return
	}
}

// hookHash identifies this version of the hook.
func hookHash() string {
	h := sha256.New()
	entries, _ := hook.ReadDir("hook")
	for _, e := range entries {
		data, _ := hook.ReadFile("hook/" + e.Name())
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
