package django

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A run keeps its byte code in the cache: the next one compiles nothing, at another place too, and reads no stale code.
func TestByteCodeIsKept(t *testing.T) {
	t.Parallel()
	python, store := venv(t, "django-5.2-none"), t.TempDir()
	project := func(value string) string {
		return writeProject(t, apps(map[string]string{
			"manage.py": manage,
			"conf.py":   "import values\nINSTALLED_APPS = ['shop']\nSECRET_KEY = values.KEY\nopen(values.KEY, 'w').close()\n",
			"values.py": "KEY = " + quoted(filepath.Join(store, value)) + "\n",
		}, map[string]string{"shop": ""}))
	}
	count := func() int {
		n := 0
		_ = filepath.WalkDir(filepath.Join(store, "bytecode"), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".pyc") {
				n++
			}
			return err
		})
		return n
	}
	var counts []int
	for _, value := range []string{"a", "a", "b"} { // as long, and as old
		dir := project(value)
		modTime := time.Unix(1_700_000_000, 0)
		if err := os.Chtimes(filepath.Join(dir, "values.py"), modTime, modTime); err != nil {
			t.Fatal(err)
		}
		if _, err := Render(t.Context(), Config{Dir: dir, Python: python, CacheDir: store, Env: []string{"RUN=" + dir}}); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, count())
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if strings.Contains(path, "__pycache__") {
				t.Errorf("byte code in the project: %s", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if counts[0] == 0 || counts[1] != counts[0] || counts[2] != counts[1]+1 {
		t.Errorf("files of byte code after each run: %v", counts)
	}
	if _, err := os.Stat(filepath.Join(store, "b")); err != nil {
		t.Errorf("the third run did not read its own file: %v", err)
	}
}

// Variables that change no SQL start no project again.
func TestCacheKeyOfTheEnvironment(t *testing.T) { // t.Setenv allows no parallel run
	count := filepath.Join(t.TempDir(), "starts")
	dir := writeProject(t, apps(map[string]string{
		"manage.py": manage, "conf.py": "open(" + quoted(count) + ", 'a').write('x')\nINSTALLED_APPS = ['shop']\n",
	}, map[string]string{"shop": ""}))
	cfg := Config{Dir: dir, Python: venv(t, "django-5.2-none"), CacheDir: t.TempDir()}
	for _, set := range [][2]string{{"LC_ALL", "C.UTF-8"}, {"TMPDIR", t.TempDir()}, {"SHELL", "/bin/other"}, {"GITHUB_RUN_ID", "7"}, {"LANG", "de_DE.UTF-8"}} {
		t.Setenv(set[0], set[1])
		if _, err := Render(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	if starts, _ := os.ReadFile(count); len(starts) != 1 {
		t.Errorf("started %d times, want once", len(starts))
	}
}

// If the limit is hit, the message says where the project's time went, and how to set another limit.
func TestWhereTheTimeWent(t *testing.T) {
	t.Parallel()
	dir := writeProject(t, map[string]string{
		"manage.py": manage,
		"slow.py":   "import time\n\n\ndef wait():\n    while True:\n        time.sleep(0.1)\n",
		"conf.py":   "import slow\nslow.wait()\n",
	})
	_, err := Render(t.Context(), Config{Dir: dir, Python: venv(t, "django-5.2-none"), CacheDir: "-", Timeout: 9 * time.Second})
	var failed *Error
	if !errors.As(err, &failed) || failed.Kind != "timeout" {
		t.Fatal(err)
	}
	for _, part := range []string{
		"was at slow.py:6 in wait, from conf.py:2 in <module>", "looks", "found it at slow.py:6 in wait",
		"the limit is 9s", "`render_timeout:`",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %s", part, err)
		}
	}
}

// An import that fails on another Python than the project wants says so.
func TestOtherPython(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, text, want string }{
		"pyenv":         {".python-version", "3.99.1\n", "the project wants Python 3.99 (.python-version), and this is 3."},
		"Heroku":        {"runtime.txt", "python-3.6.15\n", "the project wants Python 3.6 (runtime.txt)"},
		"pyproject":     {"pyproject.toml", "[project]\nrequires-python = \">=3.99\"\n", "the project wants Python >=3.99 (pyproject.toml)"},
		"Poetry":        {"pyproject.toml", "[tool.poetry.dependencies]\npython = \"^3.99\"\n", "wants Python ^3.99"},
		"one that fits": {"pyproject.toml", "[project]\nrequires-python = \">=3.8,<4\"\n", ""},
		"setup.cfg":     {"setup.cfg", "[options]\npython_requires = <3.8\n", "wants Python <3.8 (setup.cfg)"},
		"nothing tells": {"README", "3.99\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := writeProject(t, map[string]string{"manage.py": manage, "conf.py": "import nothing_of_the_kind\n", tc.file: tc.text})
			_, err := Render(t.Context(), Config{Dir: dir, Python: venv(t, "django-5.2-none"), CacheDir: "-"})
			if err == nil || tc.want != "" && !strings.Contains(err.Error(), tc.want) || tc.want == "" && strings.Contains(err.Error(), "the project wants") {
				t.Errorf("Render fails with %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestMeets(t *testing.T) {
	t.Parallel()
	for wanted, want := range map[string]bool{
		"3.11": true, "3.12": false, ">=3.10": true, ">=3.12": false, ">=3.8,<3.11": false, ">=3.8, <3.12": true, "~=3.11.2": true, "~=3.8": true, "~=3.8.1": false,
		"^3.10": true, "<=3.11": true, ">3.11": false, "==3.11.*": true, "<4": true, "*": true, "^3.8 || ^3.12": true,
	} {
		if got := meetsVersion("3.11", wanted); got != want {
			t.Errorf("meetsVersion(3.11, %q) = %t, want %t", wanted, got, want)
		}
	}
}
