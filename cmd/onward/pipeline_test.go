package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestPipelineScripts runs what the hooks and the template of a pipeline run, word for word, as
// $ONWARD_CHECK, $ONWARD_CHANGELOG and $GITLAB.
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
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../../ci/hook.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(self, filepath.Join(checkout, "bin/onward")), os.WriteFile(filepath.Join(checkout, "ci/hook.sh"), script, 0o700)); err != nil {
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
	var template struct {
		Onward struct {
			Script    []string
			Artifacts struct{ Reports map[string]string }
		}
	}
	decode(t, "../../ci/onward.gitlab-ci.yml", &template)
	job := template.Onward
	vars = append(vars, "GITLAB=set -eo pipefail\n"+strings.Join(job.Script, "\n"), "CODE_QUALITY="+job.Artifacts.Reports["codequality"])
	scripts(t, "testdata/pipeline", vars...)
}

func decode(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatal(name, err)
	}
}
