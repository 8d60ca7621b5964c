//go:build unix

package pgserver

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/onward"
)

func TestBuildOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	final := filepath.Join(t.TempDir(), "deep", "thing")
	broken := errors.New("disk full")
	err := buildOnce(ctx, final, func(staging string, _ *os.File) error {
		return errors.Join(os.WriteFile(filepath.Join(staging, "half"), nil, 0o600), broken)
	})
	if !errors.Is(err, broken) || pathExists(final) || pathExists(final+".new") {
		t.Errorf("failed fill: %v, left %v", err, pathExists(final) || pathExists(final+".new"))
	}
	// A builder that was killed left this.
	if err := os.MkdirAll(filepath.Join(final+".new", "junk"), 0o700); err != nil {
		t.Fatal(err)
	}
	var fills atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			err := buildOnce(ctx, final, func(staging string, _ *os.File) error {
				fills.Add(1)
				time.Sleep(10 * time.Millisecond)
				return os.WriteFile(filepath.Join(staging, "whole"), nil, 0o600)
			})
			if err != nil || !pathExists(filepath.Join(final, "whole")) || pathExists(filepath.Join(final, "junk")) {
				t.Errorf("got %v", err)
			}
		})
	}
	wait.Wait()
	if fills.Load() != 1 {
		t.Errorf("filled %d times", fills.Load())
	}

	// Somebody else is building, for longer than we care to wait.
	other := final + "2"
	lock, err := waitForLock(ctx, other+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := buildOnce(short, other, func(string, *os.File) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for another builder: %v", err)
	}
}

// A template that lost files is made anew; one server's trouble is not the next one's.
func TestDamagedTemplate(t *testing.T) {
	// Not parallel: no other test may need the template meanwhile, and it has a cache of its own.
	cache, err := os.MkdirTemp("/var/tmp", "onward-cache-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(cache)
	if err := os.Chmod(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	found := firstBin()
	t.Setenv("XDG_CACHE_HOME", cache) // macOS does not look at it: there the user's own cache is used
	s := server(t, Config{Bin: found})
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	root, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, templateRoom, templateName(s.Install(), acct))
	if err := os.Remove(filepath.Join(path, "global", "pg_control")); err != nil {
		t.Fatal(err)
	}
	restarted := server(t, Config{Bin: found})
	if got := ask(t, restarted.URL("postgres"), "SELECT 'up'"); got != "up" {
		t.Errorf("got %q", got)
	}
	if left, _ := filepath.Glob(path + ".bad*"); len(left) > 0 {
		t.Errorf("left behind: %s", left)
	}
}

// Root's servers run as another account. They are kept in a directory that this account can enter, whoever made
// its parents.
func TestCacheRoot(t *testing.T) {
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	parent, err := os.MkdirTemp("/var/tmp", "onward-cache-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(parent)
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	closed := systemCache // where root's servers go
	for i, test := range []struct {
		name       string
		base, room os.FileMode // 0: does not exist
		closed     bool
	}{
		{name: "nothing is there"},
		{name: "open", base: 0o755, room: 0o755},
		{name: "the user's cache is closed", base: 0o700, closed: true},
		{name: "onward's own is closed", base: 0o755, room: 0o700, closed: true},
	} {
		base := filepath.Join(parent, strconv.Itoa(i))
		room := filepath.Join(base, "onward")
		for dir, mode := range map[string]os.FileMode{base: test.base, room: test.room} {
			if mode == 0 {
				continue
			}
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, mode)); err != nil {
				t.Fatal(err)
			}
		}
		want := room
		if test.closed && acct.switchesUser() {
			want = closed
		}
		t.Setenv("XDG_CACHE_HOME", base)
		if got, err := CacheDir(); runtime.GOOS == "linux" && (err != nil || got != want) {
			t.Errorf("%s: %s, %v; want %s", test.name, got, err, want)
		}
	}
}

// A test's server has the version that onward downloads, whatever this machine has installed.
func TestDownloaded(t *testing.T) {
	if got := os.Getenv(sourceVariable); got != Downloaded {
		t.Fatalf("the tests run with %s=%q", sourceVariable, got)
	}
	dir := t.TempDir()
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho 'postgres (PostgreSQL) 99.9'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	a, ok := findArtifact(onward.NewestMajor)
	if !ok {
		component.NeedSetup(t, errors.New("this platform has no download of the newest version"))
	}
	got, err := ensureInstall(t.Context(), onward.NewestMajor, false, slog.New(slog.DiscardHandler))
	if err != nil || got.Source != "cache" || got.Version+".0" != a.version {
		t.Errorf("got %+v, %v; want %s", got, err, a.version)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	acct, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	create := func(name string, withLock bool, age time.Duration) string {
		dir := filepath.Join(parent, name)
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
		if withLock {
			if err := os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		modTime := time.Now().Add(-age)
		if err := os.Chtimes(dir, modTime, modTime); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	crashed := create(privatePrefix+"1", true, 0)
	data := filepath.Join(crashed, "data") // a server of strangers can leave a pipe, whose reader would wait
	if err := errors.Join(os.MkdirAll(data, 0o700), syscall.Mkfifo(filepath.Join(data, "postmaster.pid"), 0o600)); err != nil {
		t.Fatal(err)
	}
	abandoned := create(privatePrefix+"2", false, time.Hour)
	fresh := create(privatePrefix+"3", false, 0)
	foreign := create("other-4", true, time.Hour)
	used := create(privatePrefix+"5", false, time.Hour)
	lock, err := lockPrivate(used)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	link := filepath.Join(parent, privatePrefix+"6")
	if err := os.Symlink(foreign, link); err != nil {
		t.Fatal(err)
	}
	cleanUpDeadServers(parent, acct)
	for path, want := range map[string]bool{crashed: false, abandoned: false, fresh: true, foreign: true, used: true, link: true} {
		if pathExists(path) != want {
			t.Errorf("%s: exists %v, want %v", filepath.Base(path), !want, want)
		}
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/good" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("content"))
	}))
	defer web.Close()
	const digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" // of "content"
	ctx := context.Background()
	if got, err := downloadArchive(ctx, web.URL+"/good", digest); err != nil || string(got) != "content" {
		t.Errorf("good: %q, %v", got, err)
	}
	if _, err := downloadArchive(ctx, web.URL+"/good", strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), "not the expected one") {
		t.Errorf("wrong digest: %v", err)
	}
	if _, err := downloadArchive(ctx, web.URL+"/none", digest); err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("not found: %v", err)
	}
	web.Close()
	if _, err := downloadArchive(ctx, web.URL+"/good", digest); err == nil || !strings.Contains(err.Error(), web.URL) {
		t.Errorf("no network: %v", err)
	}
}

// An archive cannot write outside its directory.
func TestUntar(t *testing.T) {
	t.Parallel()
	pack := func(headers ...*tar.Header) *tar.Reader {
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		for _, h := range headers {
			if h.Typeflag == tar.TypeReg {
				h.Size = 1
			}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if h.Typeflag == tar.TypeReg {
				if _, err := w.Write([]byte("x")); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return tar.NewReader(&buf)
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "in")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	good := pack(&tar.Header{Name: "./bin/postgres", Typeflag: tar.TypeReg, Mode: 0o700},
		&tar.Header{Name: "lib/libpq.so", Typeflag: tar.TypeSymlink, Linkname: "libpq.so.5"})
	if err := untar(good, dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "bin", "postgres")); err != nil || info.Mode().Perm()&0o744 != 0o744 {
		t.Errorf("unpacked: %v, %v", info, err)
	}
	for name, evil := range map[string]*tar.Reader{
		"dots":     pack(&tar.Header{Name: "../evil", Typeflag: tar.TypeReg, Mode: 0o600}),
		"absolute": pack(&tar.Header{Name: filepath.Join(parent, "evil"), Typeflag: tar.TypeReg, Mode: 0o600}),
		"link": pack(&tar.Header{Name: "out", Typeflag: tar.TypeSymlink, Linkname: ".."},
			&tar.Header{Name: "out/evil", Typeflag: tar.TypeReg, Mode: 0o600}),
	} {
		if err := untar(evil, dir); err == nil {
			t.Errorf("%s: unpacked", name)
		}
		if pathExists(filepath.Join(parent, "evil")) {
			t.Errorf("%s: wrote outside", name)
		}
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	server(t, Config{})
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := mountSmall(dir); err != nil {
		component.Need(t, component.Root, err)
	}
	defer func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	}()
	s, err := Start(context.Background(), Config{Dir: dir})
	if err == nil {
		t.Fatal("started", s.Stop())
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "copy the template") {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
