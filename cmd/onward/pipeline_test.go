package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestPipelineScripts runs what the hooks and the template of a pipeline run, word for word, as
// $ONWARD_CHECK, $ONWARD_CHANGELOG, $GITLAB and $GITLAB_STATS.
func TestPipelineScripts(t *testing.T) {
	t.Parallel()
	var hooks []struct {
		ID, Name, Entry, Language, Files string
	}
	decode(t, "../../.pre-commit-hooks.yaml", &hooks)
	var vars []string
	checkout := t.TempDir() // pre-commit's, with an onward that was made before
	for _, dir := range []string{"ci", "bin"} {
		if err := os.Mkdir(filepath.Join(checkout, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../../ci/hook.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(executable, filepath.Join(checkout, "bin/onward")),
		os.WriteFile(filepath.Join(checkout, "ci/hook.sh"), script, 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, h := range hooks {
		if h.Name == "" || h.Language != "script" {
			t.Errorf("%s: a hook has a name, and is a script, because pre-commit's golang builds all programs of the module", h.ID)
		}
		if h.Files != "" && !regexp.MustCompile(h.Files).MatchString("db/migrations/1.sql") {
			t.Errorf("%s: %s takes no migration", h.ID, h.Files)
		}
		vars = append(vars, strings.ReplaceAll(strings.ToUpper(h.ID), "-", "_")+"="+filepath.Join(checkout, h.Entry))
	}
	template := readTemplate(t)
	judge, sizes := template["onward"], template["onward-stats"]
	vars = append(vars, "GITLAB="+shell(judge.Script), "CODE_QUALITY="+judge.Artifacts.Reports["codequality"],
		"GITLAB_STATS="+shell(sizes.Script),
		"REGISTRY="+packageRegistry(t), "DATABASE="+pgservertest.Database(t, onward.NewestMajor))
	scripts(t, "testdata/pipeline", vars...)
}

// job is a job of GitLab's template.
type job struct {
	Extends      string
	Script       []string
	BeforeScript []string `yaml:"before_script"`
	Image        any
	Needs        []struct{ Job string }
	Cache        struct {
		Key, Policy string
		Paths       []string
	}
	Artifacts struct {
		Paths   []string
		Reports map[string]string
	}
}

func readTemplate(t *testing.T) map[string]job {
	t.Helper()
	var template map[string]job
	decode(t, "../../ci/onward.gitlab-ci.yml", &template)
	delete(template, "variables")
	return template
}

// shell is the text that GitLab's runner gives to a shell.
func shell(lines []string) string { return "set -eo pipefail\n" + strings.Join(lines, "\n") }

// TestTemplateJobs holds that each job of GitLab's template has what it needs: an image, and onward from the one job that builds it.
func TestTemplateJobs(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	for name, j := range template {
		if strings.HasPrefix(name, ".") {
			if j.Extends != "" || j.Image == nil || len(j.BeforeScript) == 0 {
				t.Errorf("%s extends %q, its image is %v, and it has %d lines before the script", name, j.Extends, j.Image, len(j.BeforeScript))
			}
			continue
		}
		if name != "onward-program" {
			base, ok := template[j.Extends]
			if !ok || len(j.BeforeScript) > 0 || len(base.Needs) != 1 || base.Needs[0].Job != "onward-program" {
				t.Errorf("%s does not get onward from onward-program: it extends %q", name, j.Extends)
			}
			if slices.Contains(j.Cache.Paths, ".onward") {
				t.Errorf("%s writes the cache of the program, and it runs code of the branch", name)
			}
		}
		for _, line := range append(j.Script, template[".onward"].BeforeScript...) {
			if name != "onward-program" && strings.Contains(line, "go install") {
				t.Errorf("%s compiles onward", name)
			}
			// The image of a release has no bash.
			cmd := exec.CommandContext(t.Context(), "sh", "-n")
			cmd.Stdin = strings.NewReader(line)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s has a line that sh does not parse: %v: %s\n%s", name, err, out, line)
			}
		}
	}
	program := template["onward-program"]
	if program.Cache.Key != "onward-program-$ONWARD_VERSION" || !slices.Equal(program.Cache.Paths, []string{".onward"}) ||
		!slices.Equal(program.Artifacts.Paths, []string{".onward/onward"}) {
		t.Errorf("onward-program keeps %+v and leaves %v", program.Cache, program.Artifacts.Paths)
	}
}

// TestTemplateBuildsOnce runs the job that builds onward with a Go that counts, and then what the other jobs run first.
func TestTemplateBuildsOnce(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	const commit = "0123456789abcdef0123456789abcdef01234567"
	program := `#!/bin/sh
echo "onward $0 $*"
`
	dir, bin := t.TempDir(), t.TempDir()
	writePrograms(t, bin, map[string]string{
		"go":   "#!/bin/sh\necho \"built $*\"\nprintf '" + program + "' > \"$GOBIN/onward\"\nchmod +x \"$GOBIN/onward\"\n",
		"curl": "#!/bin/sh\necho \"fetched $4\"\nprintf '#!/bin/sh\necho \"installer $*\"\ncp " + bin + "/released \"$4/onward\"\n' > \"$3\"\n",
	})
	writePrograms(t, bin, map[string]string{"released": program})
	run := func(want int, text, version string, says ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(text, "set -eo pipefail", "set -e", 1))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+":/usr/bin:/bin", "ONWARD_VERSION="+version)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Fatalf("%s: exit code %d, want %d: %s", version, code, want, out)
		}
		for _, s := range says {
			not := strings.HasPrefix(s, "!")
			if strings.Contains(string(out), strings.TrimPrefix(s, "!")) == not {
				t.Errorf("%s: want %q:\n%s", version, s, out)
			}
		}
	}
	build := shell(template["onward-program"].Script)
	use := shell(append(slices.Clone(template[".onward"].BeforeScript), "onward changelog"))
	for _, version := range []string{"none", "main", "", "v1", commit[:12], strings.ToUpper(commit), commit + "0"} {
		run(2, build, version, "set it to the whole id of a commit:\n  git ls-remote ", "!built")
	}
	run(2, use, commit, "onward-program was not in this pipeline")
	if err := os.Mkdir(filepath.Join(dir, ".onward"), 0o700); err != nil { // go install makes it
		t.Fatal(err)
	}
	run(0, build, commit, "built install -trimpath", "cmd/onward@"+commit)
	run(0, build, commit, "!built") // the cache has it
	run(0, use, commit, "onward changelog", "!built", "!fetched")
	if left, _ := os.ReadDir(filepath.Join(dir, ".onward")); len(left) > 0 {
		t.Errorf("%v stayed in the working tree that is judged", left)
	}
	// A release: its image has onward, and an image without it gets it from the installer. A program that a branch committed is not run.
	writePrograms(t, filepath.Join(dir, ".onward"), map[string]string{"onward": "#!/bin/sh\necho of the branch\n"})
	run(0, use, "v1.2.3", "fetched https://github.com/onward-sql/onward/releases/download/v1.2.3/install.sh",
		"installer --version v1.2.3 --to", "onward changelog", "!of the branch")
	writePrograms(t, bin, map[string]string{"onward": program})
	run(0, use, "v1.2.3", "onward changelog", "!fetched", "!of the branch")
}

func writePrograms(t *testing.T, dir string, programs map[string]string) {
	t.Helper()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHookMakesOnwardOnce holds that pre-commit's checkout of a release fetches it, one of a commit builds it, and the next commit finds it.
func TestHookMakesOnwardOnce(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("../../ci/hook.sh")
	if err != nil {
		t.Fatal(err)
	}
	const (
		fetches = "#!/bin/sh\necho \"fetched $2\" >&2\nmkdir -p \"$4\" && printf '#!/bin/sh\necho onward \"$@\"\n' > \"$4/onward\" && chmod +x \"$4/onward\"\n"
		fails   = "#!/bin/sh\necho not released >&2\nexit 3\n"
		builds  = "#!/bin/sh\necho built >&2\nmkdir -p bin\nwhile [ \"$1\" != -o ]; do shift; done\n" +
			"printf '#!/bin/sh\necho onward \"$@\"\n' > \"$2\" && chmod +x \"$2\"\n"
	)
	for name, c := range map[string]struct {
		tag, installer string
		noGo           bool
		code           int
		says           string
	}{
		"a commit":                         {installer: fails, says: "built\nonward check"},
		"a commit, without Go":             {installer: fails, noGo: true, code: 3, says: "the hook's rev has to be a release"},
		"another tag":                      {tag: "nightly", installer: fetches, says: "built\nonward check"},
		"a release":                        {tag: "v1.2.3", installer: fetches, says: "fetched v1.2.3\nonward check"},
		"a release, without Go":            {tag: "v1.2.3", installer: fetches, noGo: true, says: "fetched v1.2.3\nonward check"},
		"no files of a release":            {tag: "v1.2.3", installer: fails, says: "not released\nbuilt\nonward check"},
		"no files of a release and no Go,": {tag: "v1.2.3", installer: fails, noGo: true, code: 3, says: "not released"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkout, bin := t.TempDir(), t.TempDir()
			if err := os.Mkdir(filepath.Join(checkout, "ci"), 0o700); err != nil {
				t.Fatal(err)
			}
			writePrograms(t, checkout, map[string]string{"ci/hook.sh": string(script), "install.sh": c.installer})
			for _, program := range []string{"sh", "git", "dirname", "mkdir", "chmod", "mv"} {
				path, err := exec.LookPath(program)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(path, filepath.Join(bin, program)); err != nil {
					t.Fatal(err)
				}
			}
			if !c.noGo {
				writePrograms(t, bin, map[string]string{"go": builds})
			}
			run := func(command string) (string, int) {
				cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
				cmd.Dir = checkout
				cmd.Env = []string{"PATH=" + bin, "HOME=" + checkout, "GIT_CONFIG_NOSYSTEM=1"}
				out, _ := cmd.CombinedOutput()
				return string(out), cmd.ProcessState.ExitCode()
			}
			commit := "git init -q . && git add . && git -c user.name=a -c user.email=a@example.org commit -q -m first"
			if c.tag != "" {
				commit += " && git tag " + c.tag
			}
			if out, code := run(commit); code != 0 {
				t.Fatalf("the first commit exits with %d:\n%s", code, out)
			}
			if out, code := run("ci/hook.sh check 1.sql"); code != c.code || !strings.Contains(out, c.says) {
				t.Fatalf("exit code %d, want %d and %q:\n%s", code, c.code, c.says, out)
			}
			if c.code != 0 {
				return
			}
			if out, code := run("ci/hook.sh changelog"); code != 0 || out != "onward changelog\n" {
				t.Errorf("the second run: exit code %d:\n%s", code, out)
			}
		})
	}
}

// packageRegistry starts a server that keeps files as GitLab's generic packages do, for a job's token.
func packageRegistry(t *testing.T) (url string) {
	t.Helper()
	var mu sync.Mutex
	files := map[string][]byte{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch file, ok := files[r.URL.Path]; {
		case r.Header.Get("Job-Token") != "hunter2":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPut:
			files[r.URL.Path], _ = io.ReadAll(r.Body)
			w.WriteHeader(http.StatusCreated)
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write(file)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func decode(t *testing.T, name string, target any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, target); err != nil {
		t.Fatalf("decode %s: %v", name, err)
	}
}
