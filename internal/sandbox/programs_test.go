package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files that may have passwords, by their names, cannot be read, wherever they lie among packages; packages can.
func TestInstalled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, want := range map[string]bool{
		"lib/python3.12/site-packages/certifi/cacert.pem": true, "lib/python3.12/os.py": true, "bin/python": true, "pyvenv.cfg": true,
		"pip.conf": false, "etc/npmrc": false, ".condarc": false, "credentials": false, "credentials.toml": false, "a/b/c/d/key.pem": false,
		"conf/settings.xml": false, ".npmrc": false, "x/server.pfx": false, "lib/.env": false, "lib/prod.env": false, "lib/.env.local": false,
		".yarnrc.yml": false, "auth.json": false, "lib/ruby/x.rb": true, "share/cert.pem": true,
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if got := slices.ContainsFunc(searchPathsWithoutPasswords(dir), func(p string) bool { return isBelow(file, p) }); got != want {
			t.Errorf("%s can be read = %t, want %t", name, got, want)
		}
	}
	if got := listPathsWithoutPasswords(filepath.Join(dir, "pip.conf")); got != nil {
		t.Errorf("a single file: %q", got)
	}
}

// The directory above a directory of programs is no right: only what an installation has beside its programs. A path of the repository is none.
func TestPrograms(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tool/bin/x", "tool/lib/x", "tool/config.yml", "own/.config/x", "flat/x", "flat/deep/x", "repo/.venv/bin/x"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("x"), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "own", "bin"), filepath.Join(dir, "repo", "tools")); err != nil {
		t.Fatal(err)
	}
	path := func(parts ...string) string {
		for i, p := range parts {
			parts[i] = filepath.Join(dir, p)
		}
		return "PATH=" + strings.Join(parts, ":")
	}
	env := []string{path("tool/bin", "flat", "repo/.venv/bin", "repo/tools")}
	list, _ := listPrograms(filepath.Join(dir, "repo/tools/x"), env, nil, filepath.Join(dir, "repo"))
	for name, want := range map[string]bool{
		"tool/bin/x": true, "tool/lib/x": true, "tool/config.yml": false, "own/.config/x": false, "flat/x": true, "flat/deep/x": false,
		"repo/.venv/bin/x": false,
	} {
		if got := slices.ContainsFunc(list, func(p string) bool { return isBelow(filepath.Join(dir, name), p) }); got != want {
			t.Errorf("%s: %t in %q", name, got, list)
		}
	}
}
