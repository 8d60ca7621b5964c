package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Settings of npm, Maven and Poetry name places of packages. A place in the repository, a relative one and one that does not exist give no right.
func TestConfiguredPlaces(t *testing.T) {
	for _, name := range []string{
		"NPM_CONFIG_USERCONFIG", "NPM_CONFIG_PREFIX", "npm_config_prefix", "NPM_CONFIG_CACHE", "npm_config_cache", "XDG_CONFIG_HOME", "POETRY_CONFIG_DIR",
		"POETRY_CACHE_DIR", "POETRY_VIRTUALENVS_PATH",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("PATH", "/nonexistent")
	for _, c := range []struct {
		name        string
		files       map[string]string // in the home directory, which @ stands for
		dirs        []string          // that exist
		variables   map[string]string
		want        []string // that may be read
		environment []string
	}{
		{
			"settings", map[string]string{
				".npmrc":                       "//registry.npmjs.org/:_authToken=secret\nprefix=${HOME}/npm global\ncache = ~/npm-cache\n",
				".m2/settings.xml":             "<settings><localRepository>${user.home}/jars</localRepository></settings>",
				".config/pypoetry/config.toml": "cache-dir = '@/poetry'\n[virtualenvs]\nin-project = false\npath = '{cache-dir}/envs'\n",
			},
			[]string{"npm global/lib/node_modules", "npm-cache/_cacache", "jars", "poetry/envs"}, nil,
			[]string{"npm global/lib/node_modules", "npm-cache/_cacache", "jars", "poetry/envs"},
			[]string{
				"MAVEN_OPTS=-Dmaven.repo.local=@/jars", "NPM_CONFIG_CACHE=@/npm-cache", "NPM_CONFIG_PREFIX=@/npm global", "POETRY_VIRTUALENVS_PATH=@/poetry/envs",
			},
		},
		{
			"variables", map[string]string{".npmrc": "prefix=@/other\n", "conf/config.toml": "virtualenvs.path = \"@/envs\"\n"},
			[]string{"prefix/lib/node_modules", "other/lib/node_modules", "envs"},
			map[string]string{"NPM_CONFIG_PREFIX": "@/prefix", "POETRY_CONFIG_DIR": "@/conf"},
			[]string{"envs", "prefix/lib/node_modules"}, []string{"NPM_CONFIG_PREFIX=@/prefix", "POETRY_VIRTUALENVS_PATH=@/envs"},
		},
		{
			"no right", map[string]string{
				".npmrc":            "prefix=repository/npm\ncache=@/repository/cache\n",
				".m2/settings.xml":  "<settings><localRepository>@/link</localRepository></settings>",
				"repository/.npmrc": "prefix=@/private\n", "repository/.m2/settings.xml": "<settings><localRepository>@/private</localRepository></settings>",
				".config/pypoetry/config.toml": "[virtualenvs]\npath = '@/missing'\n",
			},
			[]string{"repository/npm/lib/node_modules", "repository/cache/_cacache", "private/lib/node_modules", "repository/jars"}, nil, nil, nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			home, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			expandHome := func(text string) string { return strings.ReplaceAll(text, "@", home) }
			files := map[string]string{}
			for name, text := range c.files {
				files[name] = expandHome(text)
			}
			gittest.WriteFiles(t, home, files)
			for _, dir := range c.dirs {
				if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			repository := filepath.Join(home, "repository")
			if err := os.MkdirAll(repository, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(repository, "jars"), filepath.Join(home, "link")); err != nil {
				t.Fatal(err)
			}
			t.Setenv("HOME", home)
			for name, value := range c.variables {
				t.Setenv(name, expandHome(value))
			}
			var want, environment []string
			for _, dir := range c.want {
				want = append(want, filepath.Join(home, dir))
			}
			for _, entry := range c.environment {
				environment = append(environment, expandHome(entry))
			}
			got := askPackageDirs(repository)
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			env := AddPlaces(nil, repository)
			slices.Sort(env)
			if diff := cmp.Diff(environment, env); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}
