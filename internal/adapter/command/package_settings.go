package command

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// configured are the directories of packages that the user's settings of npm, Maven and Poetry name; "" for none. They are read from variables
// and files of settings, because the tools' own commands would run code of the project.
type configured struct {
	npmPrefix, npmCache string
	mavenRepository     string
	poetryEnvironments  string
}

// readPackageSettings reads the settings of npm, Maven and Poetry, as they do: variables first.
func readPackageSettings() configured {
	home, _ := os.UserHomeDir()
	if home == "" {
		return configured{}
	}
	variable := func(names ...string) string {
		for _, name := range names {
			if value := os.Getenv(name); value != "" {
				return value
			}
		}
		return ""
	}
	place := func(values ...string) string {
		for _, value := range values {
			if value != "" {
				return expandPath(value, home)
			}
		}
		return ""
	}
	npm := readNpmSettings(readSettingsFile(place(variable("NPM_CONFIG_USERCONFIG", "npm_config_userconfig"), filepath.Join(home, ".npmrc"))))
	configs := place(variable("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	poetry, _ := configfile.ReadTOML(readSettingsFile(filepath.Join(place(variable("POETRY_CONFIG_DIR"), filepath.Join(configs, "pypoetry")), "config.toml")))
	var maven struct {
		LocalRepository string `xml:"localRepository"`
	}
	_ = xml.Unmarshal([]byte(readSettingsFile(filepath.Join(home, ".m2", "settings.xml"))), &maven) // what it says before an error counts for nothing, either
	out := configured{
		npmPrefix:       place(variable("NPM_CONFIG_PREFIX", "npm_config_prefix"), npm["prefix"]),
		npmCache:        place(variable("NPM_CONFIG_CACHE", "npm_config_cache"), npm["cache"]),
		mavenRepository: place(strings.TrimSpace(maven.LocalRepository)),
	}
	cache := place(variable("POETRY_CACHE_DIR"), configfile.Find(poetry, "", "cache-dir"))
	environments := variable("POETRY_VIRTUALENVS_PATH")
	if environments == "" {
		environments = configfile.Find(poetry, "virtualenvs", "path")
	}
	switch {
	case environments != "":
		out.poetryEnvironments = place(strings.ReplaceAll(environments, "{cache-dir}", cache))
	case cache != "":
		out.poetryEnvironments = filepath.Join(cache, "virtualenvs")
	}
	return out
}

// listPackageDirs returns the directories of packages at these places.
func (c *configured) listPackageDirs() (dirs []string) {
	if c.npmPrefix != "" {
		dirs = append(dirs, filepath.Join(c.npmPrefix, "lib", "node_modules"))
	}
	if c.npmCache != "" {
		dirs = append(dirs, filepath.Join(c.npmCache, "_cacache"), filepath.Join(c.npmCache, "_npx"))
	}
	return append(dirs, c.mavenRepository, c.poetryEnvironments)
}

// readNpmSettings returns the settings of an .npmrc.
func readNpmSettings(text string) map[string]string {
	settings := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, "="); ok {
			settings[strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return settings
}

// maxSettings bounds a file of settings.
const maxSettings = 1 << 20

// readSettingsFile returns the content of a file; "" if it cannot be read.
func readSettingsFile(name string) string {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxSettings {
		return ""
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(text)
}

// placeVariable matches a variable in a setting: ${HOME} of npm, ${env.HOME} and ${user.home} of Maven.
var placeVariable = lazyregexp.New(`\$\{[A-Za-z0-9_.]+\}`)

// expandPath returns the absolute path that a setting means; "" for a relative one.
func expandPath(value, home string) string {
	value = placeVariable.ReplaceAllStringFunc(value, func(match string) string {
		name := strings.TrimPrefix(match[2:len(match)-1], "env.")
		if name == "user.home" {
			return home
		}
		return os.Getenv(name)
	})
	if rest, ok := strings.CutPrefix(value, "~/"); ok {
		value = filepath.Join(home, rest)
	}
	if !filepath.IsAbs(value) {
		return ""
	}
	return filepath.Clean(value)
}

// AddPlaces adds the places of packages to an environment that the user has set in the settings of Go, Maven, npm and Poetry, which no sandbox has.
func AddPlaces(env []string, repository string) []string {
	env = addModuleCache(env, repository)
	c := readPackageSettings()
	add := func(name, value, dir string) {
		if isDir(dir) && !isInRepository(dir, repository) && !slices.ContainsFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") }) {
			env = append([]string{name + "=" + value}, env...)
		}
	}
	add("MAVEN_OPTS", "-Dmaven.repo.local="+c.mavenRepository, c.mavenRepository)
	add("NPM_CONFIG_PREFIX", c.npmPrefix, c.npmPrefix)
	add("NPM_CONFIG_CACHE", c.npmCache, c.npmCache)
	add("POETRY_VIRTUALENVS_PATH", c.poetryEnvironments, c.poetryEnvironments)
	return env
}
