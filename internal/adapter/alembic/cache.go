package alembic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/cache"
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
	command.HashProgram(h, words[0], env)
	if !command.HashFiles(h, t, mayBeRead) {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
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
