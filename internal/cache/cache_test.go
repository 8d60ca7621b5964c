package cache_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/cache"
)

func save(t *testing.T, dir, version string, entries map[string]string) {
	t.Helper()
	s := cache.Open(dir, "repo", version)
	for k, v := range entries {
		s.Put(k, []byte(v))
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, dir, version, key string) string {
	t.Helper()
	got, _ := cache.Open(dir, "repo", version).Get(key)
	return string(got)
}

func TestKeeps(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	save(t, dir, "1", map[string]string{"x": "one", "y": ""})
	save(t, dir, "1", map[string]string{"z": "two"}) // beside what was there
	for key, want := range map[string]string{"x": "one", "z": "two", "w": ""} {
		if got := get(t, dir, "1", key); got != want {
			t.Errorf("the cache has %s = %q, want %q", key, got, want)
		}
	}
	if _, ok := cache.Open(dir, "repo", "1").Get("y"); !ok {
		t.Error("an empty entry is one")
	}
	if got := get(t, dir, "2", "x"); got != "" {
		t.Errorf("of another version: %q", got)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Errorf("left behind: %v %v", list, err)
	}
}

// A file that is damaged at any place gives what it had or nothing, and is rewritten.
func TestDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, dir, "1", map[string]string{"one": "first entry", "two": "second entry"})
	path := filepath.Join(dir, "repo")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(label string, offset int, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{"one": "first entry", "two": "second entry"} {
			if got := get(t, dir, "1", key); got != "" && got != want {
				t.Errorf("%s at %d: %q", label, offset, got)
			}
		}
	}
	for i := range whole {
		check("cut", i, whole[:i])
		bad := bytes.Clone(whole)
		bad[i] ^= 0x41
		check("changed", i, bad)
	}
	// An entry under the key of another.
	check("foreign", 0, bytes.ReplaceAll(whole, []byte("one"), []byte("two")))
	save(t, dir, "1", map[string]string{"one": "first entry"})
	if got := get(t, dir, "1", "one"); got != "first entry" {
		t.Errorf("not mended: %q", got)
	}
}

// Without a directory, and with one that cannot be written to, it forgets.
func TestNowhere(t *testing.T) {
	t.Parallel()
	s := cache.Open("", "repo", "1")
	s.Put("a", []byte("b"))
	if err := s.Save(); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = cache.Open(filepath.Join(file, "code"), "repo", "1")
	s.Put("a", []byte("b"))
	if s.Save() == nil {
		t.Error("a file is no directory")
	}
}

// What nobody asked for longest goes first, and what a killed run left goes after a while.
func TestBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, size int64, age time.Duration) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil { // a hole
			t.Fatal(err)
		}
		modTime := time.Now().Add(-age)
		if err := os.Chtimes(path, modTime, modTime); err != nil {
			t.Fatal(err)
		}
	}
	write("old", cache.MaxDir/2, 48*time.Hour)
	write("newer", cache.MaxDir/2-1000, time.Hour)
	write(".new-1", 10, 2*time.Hour)
	write(".new-2", 10, time.Minute)
	save(t, dir, "1", map[string]string{"a": string(make([]byte, 4000))})
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	if len(names) != 3 || names[0] != ".new-2" || names[1] != "newer" || names[2] != "repo" {
		t.Errorf("left: %q", names)
	}
}

// Whoever can write the file and knows its form cannot add an entry, change one, move one to another key, or bring one from another file.
func TestForged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, dir, "1", map[string]string{"a": "the facts of a", "b": "the facts of b"})
	other := cache.Open(dir, "other", "1")
	other.Put("a", []byte("the facts of c"))
	if err := other.Save(); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	whole, foreign := read("repo"), read("other")
	for label, text := range map[string][]byte{
		"keys swapped":       bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll(whole, []byte("\x01\x0ea"), []byte("\x01\x0e?")), []byte("\x01\x0eb"), []byte("\x01\x0ea")), []byte("\x01\x0e?"), []byte("\x01\x0eb")),
		"another file":       foreign,
		"an entry of others": append(bytes.Clone(whole), foreign[bytes.IndexByte(foreign, '\n')+1:]...),
	} {
		if err := os.WriteFile(filepath.Join(dir, "repo"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := get(t, dir, "1", "a"); got != "" && got != "the facts of a" {
			t.Errorf("%s: the cache has a = %q, want its facts or nothing", label, got)
		}
	}
}
