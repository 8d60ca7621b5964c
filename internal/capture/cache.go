package capture

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/cache"
)

// cacheVersion changes with the format of the results in the cache.
const cacheVersion = "1"

// baseKey identifies everything that the base's run depends on; "" if that is not known.
func (c *Config) baseKey(t adapter.Tree, s adapter.Source, d *deployed) string {
	if d != nil {
		return c.treeKey(t, s, "base", c.BaseCommand, d.hashContent())
	}
	return c.treeKey(t, s, "base", c.BaseCommand)
}

// headKey identifies everything that the head's run depends on; "" if that is not known.
func (c *Config) headKey(base string, t adapter.Tree, s adapter.Source) string {
	if base == "" {
		return ""
	}
	return c.treeKey(t, s, "head", base)
}

func (c *Config) treeKey(t adapter.Tree, s adapter.Source, more ...string) string {
	if t == nil {
		return "none"
	}
	env := append(command.Environment(), s.Options.Environment...)
	program := ""
	if words, err := command.Split(c.Command); err == nil {
		program = words[0]
	}
	return command.ResultKey([]any{c.Command, c.WorkDir, s.Dir, env, s.Options.Sandbox, c.Major, more}, program, env, t, mayBeMigrationInput)
}

// mayBeMigrationInput reports whether a migration may depend on a file: it does not on texts for people and pictures.
func mayBeMigrationInput(p string) bool {
	if strings.Contains(p, "node_modules/") {
		return false
	}
	switch strings.ToLower(path.Ext(p)) {
	case ".md", ".rst", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".woff", ".woff2", ".css", ".scss", ".html", ".pdf", ".mp4":
		return false
	}
	return true
}

// loadCached reads a result from the cache.
func (c *Config) loadCached(key string, to any) bool {
	data, ok := c.openCache(key).Get("run")
	return ok && json.Unmarshal(data, to) == nil
}

// storeCached keeps a result. Without it, the command runs again.
func (c *Config) storeCached(key string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		return
	}
	store := c.openCache(key)
	store.Put("run", data)
	if err := store.Save(); err != nil {
		c.Logger.Debug("the cache was not written", "error", fmt.Sprint(err))
	}
}

func (c *Config) openCache(key string) *cache.Store {
	return command.OpenCache(c.CacheDir, "capture", key, cacheVersion)
}
