package pgservertest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// ToolsDir is where scripts/django-venvs.sh and scripts/runners.sh install what tests run beside Postgres:
// $ONWARD_TEST_CACHE, or onward-test in the user's cache.
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

// ToolPath is the path of a file or directory below Tools, which a script installs. The test is skipped when it is not
// there, and fails instead when ONWARD_REQUIRE=1.
func ToolPath(t testing.TB, script string, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{ToolsDir(t)}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		SkipOrFail(t, fmt.Errorf("%w: run scripts/%s", err, script))
	}
	return path
}

// RunnerPath is a part of what scripts/runners.sh and scripts/rust-runners.sh install. Neither npm nor Maven nor Rust is
// everywhere, so its lack is no failure even where everything else is required, but in CI.
func RunnerPath(t testing.TB, part string) string {
	t.Helper()
	dir := filepath.Join(ToolsDir(t), "runners-1", part)
	if _, err := os.Stat(filepath.Join(dir, ".complete")); err != nil {
		if os.Getenv("CI") != "" && os.Getenv("ONWARD_REQUIRE") == "1" {
			t.Fatalf("scripts/setup.sh runners has not installed those for %s", part)
		}
		t.Skipf("SKIPPED, not tested: scripts/setup.sh runners has not installed those for %s", part)
	}
	return dir
}
