package command

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/cache"
)

// ResultKey identifies everything that the result of a command depends on: what was asked, the program with the packages beside it
// ("" for none), found by the PATH of env, and the files that its code may read. It is "" if that is not known.
func ResultKey(asked []any, program string, env []string, t adapter.Tree, mayBeRead func(path string) bool) string {
	h := sha256.New()
	text, err := json.Marshal(asked)
	if err != nil {
		return ""
	}
	h.Write(text)
	if program != "" {
		hashProgram(h, program, env)
	}
	if !hashFiles(h, t, mayBeRead) {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// OpenCache returns the entries of a key. dir is "" for the usual directory of that name, and "-" for none.
func OpenCache(dir, name, key, version string) *cache.Store {
	switch {
	case dir == "-" || key == "":
		dir = ""
	case dir == "":
		dir = cache.Dir(name)
	}
	return cache.Open(dir, key, version)
}
