package pgservertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver"
)

// usesPackaged reports whether all tests run on a server as a distribution packages it: compiled with LLVM, with Postgres' own
// default settings. ONWARD_TEST_SERVER=packaged asks for that. A test that needs another version calls [NeedMajor].
func usesPackaged() bool { return os.Getenv("ONWARD_TEST_SERVER") == "packaged" }

// findPackaged returns the newest packaged server that compiles queries by default and charges disabled plan nodes: 13 to 17.
func findPackaged() (major int, bin string, err error) {
	for major := 17; major >= 13; major-- {
		root := filepath.Join("/usr/lib/postgresql", strconv.Itoa(major))
		if _, err := os.Stat(filepath.Join(root, "lib", "llvmjit.so")); err == nil {
			return major, filepath.Join(root, "bin"), nil
		}
	}
	return 0, "", errors.New("there is no packaged Postgres 13 to 17 with LLVM")
}

// packagedConfig returns the configuration of such a server. It connects and logs as a throwaway server does.
func packagedConfig(t testing.TB) pgserver.Config {
	t.Helper()
	major, bin, err := findPackaged()
	component.Need(t, component.Packaged, err)
	return pgserver.Config{Major: major, Bin: bin, Small: true, Unconfined: true, Settings: map[string]string{
		"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on", "jit": "on", "checkpoint_timeout": "5min",
		"bgwriter_lru_maxpages": "100",
	}}
}

// NeedMajor leaves a test out if its server has another major version than the one it asks for, and the test needs this one
// for the given reason.
func NeedMajor(t testing.TB, major int, reason string) {
	t.Helper()
	if found, _, err := findPackaged(); usesPackaged() && err == nil && found != major {
		component.Need(t, component.Version, fmt.Errorf("the server is %d, and not %d: %s", found, major, reason))
	}
}
