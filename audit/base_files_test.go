package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Each name by which a run may reach a file of the branch, and what it gets.
func TestBaseFiles(t *testing.T) {
	t.Parallel()
	repo := gittest.Commits(t, map[string]string{
		".gitignore": "made.json\n", "a.json": "base", "d/a.json": "base", "d/b.json": "base", "app/onward.yaml": "fail_on: info\n", "x/y/keep": "x",
	}, map[string]string{
		".gitignore": "made.json\n", "x/y/keep": "x", "a.json": "branch", "d/a.json": "branch", "d/c.json": "branch", "added.json": "branch", "e/a.json": "branch",
		"onward.yaml": "fail_on: never\n", "app/onward.yaml": "fail_on: never\n",
	})
	outside := gittest.NewDir(t, map[string]string{"a.json": "outside"})
	link := func(to, from string) {
		t.Helper()
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	link(repo, filepath.Join(outside, "alias"))
	link(filepath.Join(repo, "added.json"), filepath.Join(outside, "to-added.json"))
	link("added.json", filepath.Join(repo, "link.json"))
	link("e", filepath.Join(repo, "f"))
	gittest.RunGit(t, repo, "add", "link.json", "f")
	gittest.RunGit(t, repo, "commit", "-q", "-m", "links")
	gittest.WriteFiles(t, repo, map[string]string{"made.json": "made", "new.json": "made", "x/y/made.json": "made"})
	b, err := OpenBaseFiles(t.Context(), repo, "HEAD~2")
	if err != nil {
		t.Fatal(err)
	}
	copies := ""
	for _, c := range []struct{ name, want string }{
		{"a.json", "base"},
		{"d/a.json", "base"},
		{"d/b.json", "base"},
		{"d", "a.json b.json"},
		{"x/../a.json", "base"},
		{"d/c.json", "refused"},
		{"added.json", "refused"},
		{"e", "refused"},
		{"link.json", "refused"},
		{"f/a.json", "refused"},
		{outside + "/to-added.json", "refused"},
		{outside + "/alias/added.json", "refused"},
		{outside + "/alias/a.json", "base"},
		{outside + "/alias/d", "a.json b.json"},
		{outside + "/a.json", "outside"},
		{"made.json", "made"},
		{"new.json", "made"},
		{"x/y/made.json", "made"},
		{"missing.json", "missing"},
	} {
		file := c.name
		if !filepath.IsAbs(file) {
			file = repo + "/" + file
		}
		got, err := b.Copy(t.Context(), file)
		if copies = b.copies; err != nil {
			got = "refused"
		} else if list, err := os.ReadDir(got); err == nil {
			var names []string
			for _, e := range list {
				names = append(names, e.Name())
			}
			got = strings.Join(names, " ")
		} else if text, err := os.ReadFile(got); err == nil {
			got = string(text)
		} else {
			got = "missing"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	settings, err := b.ReadSettings(t.Context(), filepath.Join(repo, "app/onward.yaml"))
	if err != nil || settings == nil || settings.FailOn != "info" {
		t.Errorf("the file in app: %+v, %v", settings, err)
	}
	for _, file := range []string{"", filepath.Join(repo, "onward.yaml"), filepath.Join(outside, "onward.yaml")} {
		if settings, err := b.ReadSettings(t.Context(), file); settings != nil || err != nil {
			t.Errorf("%q, which the base has not: %+v, %v", file, settings, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(copies); copies == "" || err == nil {
		t.Errorf("the copies in %q are left", copies)
	}
}
