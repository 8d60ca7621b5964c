package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/onward-sql/onward/config"
)

// TestFind holds that the nearest file counts, that the search ends at the
// repository's root, and that outside a repository nothing above counts.
func TestFind(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"repo/.git", "repo/services/a/db", "repo/services/b", "bare/sub"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{config.Name, "repo/" + config.Name, "repo/services/a/" + config.Name, "bare/" + config.Name} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]string{
		"repo":               "repo",
		"repo/services/a/db": "repo/services/a",
		"repo/services/b":    "repo",
		"bare":               "bare",
		"bare/sub":           "",
	} {
		got, _, err := config.Find(filepath.Join(root, dir))
		if err != nil {
			t.Fatal(err)
		}
		if want != "" {
			want = filepath.Join(root, want, config.Name)
		}
		if got != want {
			t.Errorf("%s: found %q, want %q", dir, got, want)
		}
	}
	if err := os.Remove(filepath.Join(root, "repo", config.Name)); err != nil {
		t.Fatal(err)
	}
	if got, _, err := config.Find(filepath.Join(root, "repo/services/b")); got != "" || err != nil {
		t.Errorf("a repository without the file: found %q, %v", got, err)
	}
}

// TestLoad holds that a file below the root speaks of paths from the root, and
// that what it accepts is accepted there only.
func TestLoad(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	serviceDir := filepath.Join(root, "services", "a")
	for _, dir := range []string{filepath.Join(root, ".git"), filepath.Join(serviceDir, "db")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text := "migrations:\n  - dir: db\n    accept_unreadable: true\n  - dir: .\naccept_opaque: [old/*.sql]\nbaseline: b.json\n"
	if err := os.WriteFile(filepath.Join(serviceDir, config.Name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(serviceDir, "db"), known)
	if err != nil {
		t.Fatal(err)
	}
	if c.Migrations[0].Dir != "services/a/db" || c.Migrations[1].Dir != "services/a" {
		t.Errorf("directories: %+v", c.Migrations)
	}
	for name, want := range map[string]bool{
		"services/a/db/1.sql":    true,
		"services/a/dbs/1.sql":   false,
		"db/1.sql":               false,
		"services/a/old/1.sql":   true,
		"old/1.sql":              false,
		"services/a/old/b/1.sql": false,
	} {
		if got := c.Accepts(name); got != want {
			t.Errorf("%s: accepted %t", name, got)
		}
	}
	if want := filepath.Join(serviceDir, "b.json"); c.Resolve(c.Baseline) != want {
		t.Errorf("the baseline is %s, want %s", c.Resolve(c.Baseline), want)
	}
	var configError *config.Error
	if _, err := c.ReadBaseline(); !errors.As(err, &configError) || configError.Path != filepath.Join(serviceDir, "b.json") {
		t.Errorf("a baseline that is not there: %v", err)
	}
	if c, err := config.Load(root, known); err != nil || c.Path != "" || len(c.Versions()) != 6 {
		t.Errorf("without a file: %+v, %v", c, err)
	}
}
