//go:build linux

package rehearse_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/rotation"
)

// TestReadOnlyHome: what cannot be kept is made anew, and nothing stays of it.
func TestReadOnlyHome(t *testing.T) {
	t.Parallel()
	bin := needServer(t)
	v := newVictims(t, faultBase, "")
	v.repo = branch(t, faultBase, inTransactions)
	file := filepath.Join(v.tmp, "file")
	if err := os.WriteFile(file, nil, 0o755); err != nil { // root turns to the system's cache where the server's account sees that it cannot enter
		t.Fatal(err)
	}
	homes := map[string]string{"none": "/proc/self/nonexistent", "below a file": file + "/home", "mounted read-only": ""}
	ownCache := v.ownCache(t, bin)
	want := v.report(t, v.run(t, rehearseJSON))
	for _, name := range rotation.Pick(t, len(homes), slices.Sorted(maps.Keys(homes))) {
		home := homes[name]
		t.Run(name, func(t *testing.T) {
			if home == "" {
				home = mountReadOnly(t, v.tmp)
			}
			env := []string{"HOME=" + home, "XDG_CACHE_HOME=" + home + "/cache"}
			for _, args := range []string{"changelog --fail-on never", "check --fail-on never migrations/00002_posts.sql"} {
				c := v.run(t, args, env...)
				if err := c.cmd.Wait(); err != nil || !strings.Contains(c.out.String(), "users") {
					t.Errorf("onward %s: %v\n%s", args, err, &c.out)
				}
				c.empty(t)
			}
			c := v.run(t, "rehearse --pg 18 --fail-on never -vv", env...)
			if err := c.cmd.Wait(); err != nil || strings.Count(c.out.String(), "the cache cannot be written") != 1 ||
				!strings.Contains(c.out.String(), "cached=false") {
				t.Errorf("rehearse: %v\n%s", err, &c.out)
			}
			c.empty(t)
			if diff := cmp.Diff(want, v.report(t, v.run(t, rehearseJSON, env...))); diff != "" {
				t.Errorf("the report is another than with a cache: %s", diff)
			}
		})
	}
	if err := filepath.WalkDir(ownCache, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".new") {
			t.Errorf("half made: %s", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// mountReadOnly mounts a file system that cannot be written below a directory until the test ends. Only root can.
func mountReadOnly(t *testing.T, parent string) string {
	t.Helper()
	dir := filepath.Join(parent, "mounted")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, "size=1m,mode=1777")
	if errors.Is(err, syscall.EPERM) {
		component.Need(t, component.Root, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestThreeAtOnce: of three rehearsals that find the cache empty one makes the
// base, and all say the same.
func TestThreeAtOnce(t *testing.T) {
	t.Parallel()
	v := newVictims(t, faultBase, "")
	v.repo = branch(t, faultBase, inTransactions)
	cache := v.ownCache(t, needServer(t))
	var all [3]*victim
	for i := range all {
		all[i] = v.run(t, rehearseJSON)
	}
	first := v.report(t, all[0])
	for _, c := range all[1:] {
		if diff := cmp.Diff(first, v.report(t, c)); diff != "" {
			t.Errorf("two reports: %s", diff)
		}
	}
	buildCount := 0
	for _, c := range all {
		if strings.Contains(c.out.String(), `"cached": false`) {
			buildCount++
		}
	}
	if buildCount != 1 {
		t.Errorf("the base was made %d times", buildCount)
	}
	for room, want := range map[string]int{"base": 1, "template": 1} {
		dirs, _ := filepath.Glob(filepath.Join(cache, "onward", room, "*"))
		cachedCount := 0
		for _, dir := range dirs {
			if !strings.HasSuffix(dir, ".lock") {
				cachedCount++
			}
		}
		if cachedCount != want {
			t.Errorf("in the cache: %q", dirs)
		}
	}
}

// inTransactions is a release whose locks are all observed. The locks of a statement that commits in the
// middle are only sampled, so short ones may be missed.
var inTransactions = []txtar.File{
	{
		Name: "00002_posts.sql",
		Data: []byte("-- +goose Up\nALTER TABLE posts ADD COLUMN at timestamptz;\nUPDATE posts SET at = now();\nALTER TABLE users ALTER COLUMN id TYPE bigint;\n"),
	},
	{Name: "00003_index.sql", Data: []byte("-- +goose Up\nCREATE INDEX posts_user ON posts (user_id);\n")},
}

const rehearseJSON = "rehearse --pg 18 --rows 500 --fail-on never --format json"

// report waits for a rehearsal, of which nothing may stay, and gives its report without times, and without
// whether the base was in the cache.
func (v victims) report(t *testing.T, c *victim) map[string]any {
	t.Helper()
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("onward failed: %v\n%s", err, &c.out)
	}
	c.empty(t)
	var out map[string]any
	if err := json.Unmarshal(c.out.Bytes(), &out); err != nil {
		t.Fatalf("the report is no JSON: %v\n%s", err, &c.out)
	}
	if out["rehearsals"] == nil {
		t.Fatalf("no rehearsal:\n%s", &c.out)
	}
	timeless(out)
	return out
}

func timeless(x any) {
	switch x := x.(type) {
	case map[string]any:
		for key, value := range x {
			if strings.HasSuffix(key, "_ms") || key == "cached" {
				delete(x, key)
			}
			timeless(value)
		}
	case []any:
		for _, value := range x {
			timeless(value)
		}
	}
}

// empty fails the test when anything at all stays.
func (c *victim) empty(t *testing.T) {
	t.Helper()
	c.gone(t)
	if entries, err := os.ReadDir(c.tmp); err != nil || len(entries) > 0 {
		t.Errorf("left: %v %v", entries, err)
	}
}
