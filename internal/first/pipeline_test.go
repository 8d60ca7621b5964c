package first_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/first"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// manage is what makes a directory a project that renders its migrations.
var manage = map[string]string{
	"manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n" +
		"from django.core.management import execute_from_command_line\n",
	"app/migrations/__init__.py":     " ",
	"app/migrations/0001_initial.py": "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    operations = []\n",
}

// with is a project in a directory, with other files.
func with(dir string, more map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range manage {
		out[filepath.Join(dir, name)] = text
	}
	for name, text := range more {
		out[name] = text
	}
	return out
}

type workflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []struct {
			Uses, Run string
			Dir       string `yaml:"working-directory"`
			With      map[string]any
		}
	}
}

// Each pipeline is one that its forge takes: actionlint reads the workflows with their Actions, and no job has a token that may
// write beside the branch's code.
func TestPipelines(t *testing.T) {
	t.Parallel()
	home, _ := os.UserCacheDir()
	lint := filepath.Join(home, "onward-test", "actionlint-v1.7.12", "actionlint")
	if _, err := os.Stat(lint); err != nil {
		component.NeedSetup(t, err)
	}
	sql := map[string]string{"db/migrations/1.sql": "CREATE TABLE t (id int);\n"}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // in the workflow that judges
	}{
		"SQL": {sql, []string{"branches: [main]"}},
		"requirements": {
			with("", map[string]string{"requirements.txt": "Django\n", ".python-version": "3.12\n"}),
			[]string{"python-version-file: .python-version", "python -m pip install -r requirements.txt"},
		},
		"in a folder": {
			with("web/api", map[string]string{"web/requirements/base.txt": "Django\n"}),
			[]string{"working-directory: web/api", "pip install -r ../requirements/base.txt", `python-version: "3.x"`},
		},
		"poetry": {
			with("", map[string]string{"poetry.lock": "#\n", "pyproject.toml": "[tool.poetry.dependencies]\npython = \"^3.12\"\n"}),
			[]string{"python-version-file: pyproject.toml", "poetry install"},
		},
		"uv above": {
			with("src", map[string]string{"uv.lock": "#\n", "pyproject.toml": "[project]\nname = 'a'\n"}),
			[]string{`python-version: "3.x"`, "(cd ../ && uv sync --inexact)"},
		},
		"a package": {with("", map[string]string{"setup.py": "#\n"}), []string{"python -m pip install ./"}},
		"nothing":   {with("", nil), []string{"no file lists the packages of the project"}},
		"hostile":   {with("$(id)", map[string]string{"$(id)/requirements.txt": "Django\n"}), []string{"branches: [main]"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := gittest.Commits(t, c.files)
			found, err := first.ReadRepository(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			files := found.Pipeline(first.GitHub, "v1.2.3")
			for i, file := range files {
				var w workflow
				if err := yaml.Unmarshal([]byte(file.Text), &w); err != nil {
					t.Fatalf("parse the workflow %s: %v\n%s", file.Path, err, file.Text)
				}
				text := file.Text
				for _, job := range w.Jobs {
					for _, s := range job.Steps {
						if strings.HasPrefix(s.Uses, "onward-sql/") && !strings.HasSuffix(s.Uses, "@v1.2.3") {
							t.Errorf("%s: %s is of no version", file.Path, s.Uses)
						}
						if strings.HasPrefix(s.Uses, "actions/checkout") && s.With["persist-credentials"] != false {
							t.Errorf("%s: the checkout leaves the token", file.Path)
						}
					}
					if i == 0 && (len(job.Permissions) > 0 || len(w.Permissions) != 1 || w.Permissions["contents"] != "read") {
						t.Errorf("%s may do more than read: %v %v", file.Path, w.Permissions, job.Permissions)
					}
				}
				if i > 0 && (len(w.Permissions) > 0 || strings.Contains(text, "actions/checkout") || strings.Contains(text, "- run:") || strings.Contains(text, "  run:")) {
					t.Errorf("%s runs something, or may do more than its job:\n%s", file.Path, text)
				}
				// actionlint reads the inputs of Actions that lie in the repository.
				text = strings.NewReplacer("onward-sql/onward/ci/comment@v1.2.3", "./ci/comment", "onward-sql/onward/ci/stats@v1.2.3", "./ci/stats",
					"onward-sql/onward@v1.2.3", "./").Replace(text)
				gittest.WriteFiles(t, dir, map[string]string{file.Path: text})
			}
			for _, want := range c.want {
				if !strings.Contains(files[0].Text, want) {
					t.Errorf("%q is not in the workflow:\n%s", want, files[0].Text)
				}
			}
			if strings.Contains(files[0].Text, "$(id)") {
				t.Errorf("a name of the repository is run:\n%s", files[0].Text)
			}
			const commit = "0123456789abcdef0123456789abcdef01234567"
			for _, ref := range []string{"", commit, "v1.2.3"} {
				for _, part := range found.Pipeline(first.GitLab, ref) {
					checkGitLab(t, part.Text, ref)
				}
			}
			if text := found.Pipeline(first.GitHub, commit)[0].Text; !strings.Contains(text, "onward-sql/onward@"+commit+"\n") {
				t.Errorf("no commit is in the workflow:\n%s", text)
			}
			for _, action := range []string{"action.yml", "ci/comment/action.yml", "ci/stats/action.yml"} {
				text, err := os.ReadFile("../../" + action)
				if err != nil {
					t.Fatal(err)
				}
				gittest.WriteFiles(t, dir, map[string]string{action: string(text)})
			}
			cmd := exec.CommandContext(t.Context(), lint)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("actionlint: %v\n%s", err, out)
			}
		})
	}
}

// checkGitLab holds that the part of a GitLab pipeline has one version of onward, and takes the program from the template.
func checkGitLab(t *testing.T, text, ref string) {
	t.Helper()
	var part struct {
		Include   []struct{ Remote string }
		Variables map[string]string
	}
	if err := yaml.Unmarshal([]byte(text), &part); err != nil || len(part.Include) != 1 {
		t.Fatalf("parse the GitLab pipeline: %v, want one include:\n%s", err, text)
	}
	version := ref
	switch ref {
	case "":
		ref, version = "COMMIT", "COMMIT" // to be written
	case "v1.2.3":
		version = "" // the template of a release has it
	}
	if !strings.Contains(part.Include[0].Remote, "/onward/"+ref+"/ci/") || part.Variables["ONWARD_VERSION"] != version {
		t.Errorf("want %s:\n%s", ref, text)
	}
	if strings.Contains(text, "go install") {
		t.Errorf("each run would compile onward:\n%s", text)
	}
	if strings.Contains(text, ".venv") != strings.HasSuffix(text, "    - !reference [.onward, before_script]\n") {
		t.Errorf("the job does not get onward from the template:\n%s", text)
	}
}

// The step that installs a project makes the virtualenv that onward looks for.
func TestInstallStep(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		component.NeedSetup(t, err)
	}
	dir := gittest.Commits(t, with("web", map[string]string{"requirements.txt": "# none, so that no registry is asked\n"}))
	found, err := first.ReadRepository(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.Unmarshal([]byte(found.Pipeline(first.GitHub, "")[0].Text), &w); err != nil {
		t.Fatal(err)
	}
	for _, job := range w.Jobs {
		for _, s := range job.Steps {
			if s.Run == "" {
				continue
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", s.Run)
			cmd.Dir = filepath.Join(dir, s.Dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("run the step %q: %v\n%s", s.Run, err, out)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "web/.venv/bin/python")); err != nil {
		t.Error(err)
	}
}
