package django

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// venv is an environment that scripts/django-venvs.sh makes.
func venv(t testing.TB, name string) string {
	t.Helper()
	cache := os.Getenv("ONWARD_TEST_CACHE")
	if cache == "" {
		base := os.Getenv("XDG_CACHE_HOME")
		if base == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				t.Fatal(err)
			}
			base = filepath.Join(home, ".cache")
		}
		cache = filepath.Join(base, "onward-test")
	}
	python := inVirtualenv(filepath.Join(cache, name))
	if python == "" {
		pgservertest.Missing(t, fmt.Errorf("no %s in %s: run scripts/django-venvs.sh", name, cache))
	}
	return python
}

// optional is venv for an interpreter that not every machine has.
func optional(t testing.TB, name string) string {
	t.Helper()
	required := os.Getenv("ONWARD_REQUIRE")
	if required == "1" {
		// Not t.Setenv: tests run in parallel, and nothing is set here.
		if _, err := os.Stat(filepath.Join(os.Getenv("HOME"), ".cache", "onward-test", name)); err != nil {
			t.Skipf("SKIPPED, not tested: no Python for %s on this machine", name)
		}
	}
	return venv(t, name)
}

// project is the absolute path of a project in testdata.
func project(t testing.TB, name string) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("no source file")
	}
	return filepath.Join(filepath.Dir(file), "testdata", name)
}

// render renders a project without the cache.
func render(t testing.TB, cfg Config) *Project {
	t.Helper()
	if cfg.CacheDir == "" {
		cfg.CacheDir = "-"
	}
	p, err := Render(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Project) find(t testing.TB, id string) *Migration {
	t.Helper()
	for i := range p.Migrations {
		if p.Migrations[i].ID() == id {
			return &p.Migrations[i]
		}
	}
	t.Fatalf("no migration %s", id)
	return nil
}
