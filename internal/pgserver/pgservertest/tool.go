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
