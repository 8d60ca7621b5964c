package knex

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	// directorySetting matches the directory of migrations in a knexfile: a text, texts that are joined with the
	// knexfile's directory, or a list.
	directorySetting = lazyregexp.New(`\bmigrations['"]?\s*:\s*\{[^}]*?\bdirectory['"]?\s*:\s*` +
		`(['"][^'"]+['"]|(?:path\.)?(?:join|resolve)\(\s*__dirname[^()]*\)|__dirname\s*\+\s*['"][^'"]+['"]|\[[^\]]*\])`)
	// settingText matches a text in it.
	settingText = lazyregexp.New(`['"]([^'"]+)['"]`)
)

// findConfigured returns the directories that knexfiles name, each with the knexfile.
func findConfigured(t adapter.Tree, dirs []adapter.Dir) map[string]string {
	out := map[string]string{}
	for _, d := range dirs {
		for _, name := range d.Names {
			if !strings.HasPrefix(name, "knexfile.") || adapter.IsNoProgram(name) {
				continue
			}
			file := d.Join(name)
			for _, m := range directorySetting.FindAllStringSubmatch(adapter.ReadFile(t, file).Text, 20) {
				parts := []string{d.Path}
				for _, text := range settingText.FindAllStringSubmatch(m[1], 20) {
					if m[1][0] == '[' {
						out[path.Join(d.Path, text[1])] = file
						continue
					}
					parts = append(parts, text[1])
				}
				if m[1][0] != '[' {
					out[path.Join(parts...)] = file
				}
			}
		}
	}
	return out
}
