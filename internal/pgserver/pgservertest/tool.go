package pgservertest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/onward-sql/onward/internal/component"
)

// ToolsDir is where scripts/setup.sh installs what tests run beside Postgres: $ONWARD_TEST_CACHE, or onward-test in
// the user's cache.
func ToolsDir(t testing.TB) string {
	t.Helper()
	if cache := os.Getenv("ONWARD_TEST_CACHE"); cache != "" {
		return cache
	}
	base, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "onward-test")
}

// VenvPath is the path of an environment that scripts/django-venvs.sh makes, or of a file in it. The script makes only
// those that one of the machine's Pythons can run.
func VenvPath(t testing.TB, name string, parts ...string) string {
	t.Helper()
	dir := filepath.Join(ToolsDir(t), name)
	if _, err := os.Stat(dir + ".no-python"); err == nil {
		component.Need(t, component.Pythons, fmt.Errorf("no Python runs %s", name))
	}
	path := filepath.Join(append([]string{dir}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		component.NeedSetup(t, err)
	}
	return path
}

// RunnerPath is a part of the migration tools that scripts/setup.sh installs with npm, Maven and Rust.
func RunnerPath(t testing.TB, part string) string {
	t.Helper()
	dir := filepath.Join(ToolsDir(t), "runners-1", part)
	_, err := os.Stat(filepath.Join(dir, ".complete"))
	needed := component.Node
	switch part {
	case "java":
		needed = component.Java
	case "rust":
		needed = component.Rust
	}
	component.Need(t, needed, err)
	return dir
}
