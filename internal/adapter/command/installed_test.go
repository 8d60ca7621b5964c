package command

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Only what a package manager has installed, and git does not track, gives a right: no link and no directory of a branch does. What is
// readable is what the checkout links to.
func TestPackages(t *testing.T) {
	t.Parallel()
	outside, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	gittest.WriteFiles(t, outside, map[string]string{"secret": "x", "shared/pkg/index.js": "x"})
	for name, c := range map[string]struct {
		links map[string]string // of the commit
		later map[string]string // files in no commit
		link  map[string]string // links in no commit
		want  []string
	}{
		"a committed link":             {links: map[string]string{"node_modules": outside}},
		"a committed link of Python's": {links: map[string]string{".venv": outside}},
		"a committed link above":       {links: map[string]string{"app": outside}},
		"an installation":              {later: map[string]string{"node_modules/x/index.js": "x"}, want: []string{"node_modules"}},
		"of the command's directory":   {later: map[string]string{"app/node_modules/x/index.js": "x"}, want: []string{"app/node_modules"}},
		"a link of the user's":         {link: map[string]string{"node_modules": filepath.Join(outside, "shared")}, want: []string{"->shared"}},
		"a virtual environment":        {later: map[string]string{".venv/pyvenv.cfg": "x"}, want: []string{".venv"}},
		"a directory of that name":     {later: map[string]string{"env/production.env": "SECRET=1"}},
		"a committed directory":        {links: map[string]string{"vendor/x": outside}, later: map[string]string{"vendor/secret.env": "x"}},
	} {
		home, err := filepath.EvalSymlinks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		gittest.WriteFiles(t, home, map[string]string{"app2/keep": "x", "readme": "x", ".gitignore": "node_modules\n.venv\n*.env\n"})
		git := func(args ...string) {
			gittest.RunGit(t, home, append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		}
		git("init", "-q", "-b", "main")
		git("add", "-A")
		git("commit", "-qm", "first")
		for name, to := range c.links {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(home, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(to, filepath.Join(home, name)); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-f", "-A")
		git("commit", "-q", "--allow-empty", "-m", "second")
		gittest.WriteFiles(t, home, c.later)
		for name, to := range c.link {
			if err := os.Symlink(to, filepath.Join(home, name)); err != nil {
				t.Fatal(err)
			}
		}
		repo, err := gitrange.Open(t.Context(), home)
		if err != nil {
			t.Fatal(err)
		}
		defer repo.Close()
		// The tree of the first commit: the user's copy has another one checked out.
		before, err := repo.Head(t.Context(), "HEAD~1")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range FindInstalled(t.Context(), gittree.Of(before), home, "app").Paths() {
			p = strings.TrimPrefix(strings.TrimPrefix(p, home+"/"), outside+"/")
			if p == "shared" {
				p = "->shared"
			}
			got = append(got, p)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
