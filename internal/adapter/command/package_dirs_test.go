package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Installed programs name their packages, also at places that only their own settings have. No program and no directory of a repository
// counts.
func TestAskPrograms(t *testing.T) {
	ruby := component.NeedProgram(t, component.Ruby, "ruby")
	goProgram := component.NeedProgram(t, component.Ruby, "go")
	python := component.NeedProgram(t, component.Ruby, "python3")
	real, err := exec.Command(python, "-c", "import sys; print(sys.executable); print('%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		t.Fatal(err)
	}
	executable, version, _ := strings.Cut(strings.TrimSpace(string(real)), "\n")
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	question := exec.Command(ruby, "-e", "print Gem.user_dir")
	question.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
	gems, err := question.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(string(gems), 0o755); err != nil {
		t.Fatal(err)
	}
	repository := filepath.Join(home, "repository")
	script := "#!/bin/sh\ntouch " + filepath.Join(home, "ran") + "\necho " + repository + "/packages\n"
	site := ".local/lib/python" + version + "/site-packages/"
	gittest.WriteFiles(t, home, map[string]string{
		".config/go/env": "GOMODCACHE=" + home + "/modules\n", "modules/cache/download/x": "x",
		site + "development.pth": home + "/source\n" + repository + "/packages\nimport os; open('" + home + "/ran', 'w')\n", "source/x.py": "x",
		"repository/packages/x": "x", "repository/bin/python3": script, "repository/bin/ruby": script, "repository/bin/go": script,
	})
	for _, name := range []string{"python3", "ruby", "go"} {
		if err := os.Chmod(filepath.Join(repository, "bin", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(repository, "bin"), filepath.Join(home, "tools")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("GOMODCACHE", "")
	t.Setenv("GOPATH", "")
	t.Setenv("PATH", strings.Join([]string{
		filepath.Join(repository, "bin"), filepath.Join(home, "tools"), "bin", filepath.Dir(executable), filepath.Dir(goProgram), os.Getenv("PATH"),
	}, ":"))
	got := askPackageDirs(repository)
	for _, want := range []string{string(gems), home + "/modules", home + "/source", filepath.Join(home, site)} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %q", want, got)
		}
	}
	for _, dir := range got {
		if isInRepository(dir, repository) {
			t.Errorf("a directory of the repository: %s", dir)
		}
	}
	if _, err := os.Stat(filepath.Join(home, "ran")); err == nil {
		t.Error("code of the repository, or of a .pth file, ran")
	}
	if env := addModuleCache(nil, repository); !slices.Equal(env, []string{"GOMODCACHE=" + home + "/modules"}) {
		t.Errorf("the environment %q", env)
	}
}
