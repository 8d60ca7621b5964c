package django

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	python := venv(t, "django-5.2-none")
	write := func(t *testing.T, settings string) string {
		t.Helper()
		dir := t.TempDir()
		for name, text := range map[string]string{
			"manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf')\n" +
				"from django.core.management import execute_from_command_line\nexecute_from_command_line([])\n",
			"conf.py": settings,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	for name, tc := range map[string]struct {
		cfg  Config
		want []string
	}{
		"settings do not import": {
			Config{Dir: write(t, "import environ_of_nobody\n"), Python: python},
			[]string{"import the settings", "No module named 'environ_of_nobody'", "`python:` in onward.yaml", python},
		},
		"settings ask the environment": {
			Config{Dir: write(t, "import os\nKEY = os.environ['NOBODY_SET_IT']\n"), Python: python},
			[]string{"import the settings: conf.py:2: KeyError: 'NOBODY_SET_IT'", "`environment:`", PassVariable},
		},
		"settings have a mistake": {
			Config{Dir: write(t, "DEBUG = True\nX = (\n"), Python: python},
			[]string{"import the settings: conf.py:2: SyntaxError"},
		},
		"settings say a password": {
			Config{Dir: write(t, "raise ValueError('cannot read postgres://shop:hunter2@db/shop' + 'x' * 9999)\n"), Python: python},
			[]string{"ValueError: cannot read postgres://shop:xxxxx@db/shopxxx", "xxx… (with"},
		},
		"settings say a password that is not escaped": {
			Config{Dir: write(t, "raise ValueError('cannot read postgres://shop:hun@ter/2@db/shop, password=hunter2')\n"), Python: python},
			[]string{"ValueError: cannot read postgres://shop:xxxxx@db/shop, password=xxxxx"},
		},
		"settings print a password that is not escaped, and end": {
			Config{Dir: write(t, "import os\nprint('cannot read postgres://shop:hun@ter/2@db/shop, password=hunter2', flush=True)\nos._exit(1)\n"), Python: python},
			[]string{"cannot read postgres://shop:xxxxx@db/shop, password=xxxxx"},
		},
		"settings print a password and end": {
			Config{Dir: write(t, "import os\nprint('cannot read postgres://shop:hunter2@db/shop', flush=True)\nos._exit(1)\n"), Python: python},
			[]string{"cannot read postgres://shop:xxxxx@db/shop"},
		},
		"settings exit": {
			Config{Dir: write(t, "import sys\nsys.exit('no configuration')\n"), Python: python},
			[]string{"no configuration"},
		},
		"settings kill the process": {
			Config{Dir: write(t, "import os\nprint('good bye')\nos._exit(7)\n"), Python: python},
			[]string{"good bye"},
		},
		"settings fail because of something": {
			Config{Dir: write(t, "try:\n    open('no/such/secret')\nexcept OSError as e:\n    raise ValueError('no secret') from e\n"), Python: python},
			[]string{"ValueError: no secret, from FileNotFoundError", "'no/such/secret'"},
		},
		"no such settings": {
			Config{Dir: write(t, ""), Settings: "conf.production", Python: python},
			[]string{"No module named 'conf.production'"},
		},
		"no such interpreter": {
			Config{Dir: write(t, ""), Python: "no/such/python"},
			[]string{"no/such/python is missing"},
		},
		"no Django": {
			Config{Dir: write(t, ""), Python: withoutDjango(t)},
			[]string{"Django is not installed in /", ": set `python:`", "virtualenv"},
		},
		"takes too long": {
			Config{Dir: write(t, "import subprocess\nprint('waiting', flush=True)\nsubprocess.run(['sleep', '60'])\n"),
				Python: python, Timeout: 15 * time.Second},
			[]string{"took too long, and was at conf.py:3 in <module>", "waiting"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.cfg.CacheDir = "-"
			start := time.Now()
			_, err := Render(context.Background(), tc.cfg)
			var failed *Error
			if !errors.As(err, &failed) {
				t.Fatalf("got %v, want an *Error", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %s", want, err)
				}
			}
			if time.Since(start) > 40*time.Second {
				t.Errorf("took %s", time.Since(start))
			}
		})
	}
}

// withoutDjango is the interpreter that the environments were made with.
func withoutDjango(t *testing.T) string {
	t.Helper()
	real, err := filepath.EvalSymlinks(venv(t, "django-5.2-none"))
	if err != nil {
		t.Fatal(err)
	}
	return real
}

func TestInterpreter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	python := func(parts ...string) string {
		path := filepath.Join(append(append([]string{dir}, parts...), "bin", "python")...)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			t.Fatal(err)
		}
		return real
	}
	cfg := Config{Dir: filepath.Join(dir, "web", "app"), Root: dir, Env: []string{"VIRTUAL_ENV="}}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	check := func(label, want string) {
		t.Helper()
		if got, err := Interpreter(cfg); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", label, got, err, want)
		}
	}
	outer := python(".venv")
	check("at the root", outer)
	inner := python("web", "app", "venv")
	check("beside manage.py", inner)
	active := python("elsewhere")
	cfg.Env = []string{"VIRTUAL_ENV=" + filepath.Dir(filepath.Dir(active))}
	check("active", active)
	cfg.Python = ".venv"
	check("configured, a virtualenv", outer)
	cfg.Python = "web/app/venv/bin/python"
	check("configured, a program", inner)
}
