package django

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A project that does not come up is not started again for nothing: only another
// file, package or variable can make it. A service that is not there may come back.
func TestFailuresAreKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings, message string
		starts            int
	}{
		"a package that is missing": {"import nothing_of_the_kind", "nothing_of_the_kind", 1},
		"a name that Django lost":   {"from django.utils.encoding import no_such_name", "no_such_name", 1},
		"a variable that is not set": {
			"import os\nfrom django.core.exceptions import ImproperlyConfigured\ntry:\n    os.environ['OF_NOBODY']\nexcept KeyError:\n" +
				"    raise ImproperlyConfigured('set OF_NOBODY')",
			"set OF_NOBODY", 1,
		},
		"a service":         {"raise ConnectionError('no broker')", "no broker", 2},
		"a service, caught": {"try:\n    raise ConnectionError('refused')\nexcept Exception as e:\n    raise ValueError('no broker') from e", "no broker", 2},
		"a library of the system": {
			"from django.core.exceptions import ImproperlyConfigured\nraise ImproperlyConfigured('Could not find the GDAL library')",
			"GDAL", 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			count := filepath.Join(t.TempDir(), "starts")
			dir := writeProject(t, apps(map[string]string{
				"manage.py": manage,
				"conf.py":   "open(" + quoted(count) + ", 'a').write('x')\n" + tc.settings + "\n",
			}, map[string]string{"shop": ""}))
			cfg := Config{Dir: dir, Python: venv(t, "django-5.2-none"), CacheDir: t.TempDir()}
			for range 2 {
				_, err := Render(context.Background(), cfg)
				if failed, ok := errors.AsType[*Error](err); !ok || !strings.Contains(failed.Message, tc.message) {
					t.Fatal(err)
				}
			}
			if starts, err := os.ReadFile(count); err != nil || len(starts) != tc.starts {
				t.Errorf("started %d times, want %d (%v)", len(starts), tc.starts, err)
			}
			cfg.Env = []string{"OF_NOBODY=1"}
			_, _ = Render(context.Background(), cfg)
			if starts, err := os.ReadFile(count); err != nil || len(starts) != tc.starts+1 {
				t.Errorf("with another variable %d starts, want %d (%v)", len(starts), tc.starts+1, err)
			}
		})
	}
}

func quoted(path string) string { return "r'" + path + "'" }
