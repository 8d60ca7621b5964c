package alembic

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
)

// cacheKey identifies everything that a record depends on.
func cacheKey(t adapter.Tree, s adapter.Source, words, env []string) string {
	return command.ResultKey([]any{words, s.Dir, env, s.Options.Sandbox}, words[0], env, t, mayBeRead)
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
