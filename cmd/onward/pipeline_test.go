package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

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
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../../ci/hook.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(self, filepath.Join(checkout, "bin/onward")),
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
	type job struct {
		Script    []string
		Artifacts struct{ Reports map[string]string }
	}
	var template map[string]job
	decode(t, "../../ci/onward.gitlab-ci.yml", &template)
	judge, sizes := template["onward"], template["onward-stats"]
	vars = append(vars, "GITLAB=set -eo pipefail\n"+strings.Join(judge.Script, "\n"), "CODE_QUALITY="+judge.Artifacts.Reports["codequality"],
		"GITLAB_STATS=set -eo pipefail\n"+strings.Join(sizes.Script, "\n"),
		"REGISTRY="+packageRegistry(t), "DATABASE="+pgservertest.Database(t, onward.NewestMajor))
	scripts(t, "testdata/pipeline", vars...)
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
