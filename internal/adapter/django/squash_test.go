package django

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/rotation"
)

// Leaves are computed in Django's graph. A squash of two leaves is one leaf if both or
// neither are applied, and none if only one of them is.
func TestLeavesOfSquashes(t *testing.T) {
	t.Parallel()
	dir := project(t, "rough")
	for _, env := range rotation.Pick(t, 3, []string{"django-4.2-none", "django-5.2-psycopg", "django-6.0-psycopg"}) {
		for _, applied := range []string{
			"", "0001_initial", "0001_initial 0002_left", "0001_initial 0002_left 0002_right",
			"0001_initial 0002_left 0002_right 0002_both", "0001_initial 0002_both",
		} {
			t.Run(env+" "+applied, func(t *testing.T) {
				t.Parallel()
				python := venv(t, env)
				cfg := Config{Dir: dir, Python: python, Applied: [][2]string{}}
				for _, name := range strings.Fields(applied) {
					cfg.Applied = append(cfg.Applied, [2]string{"merged", name})
				}
				real := loader(t, python, dir, "merged", strings.Fields(applied))
				p := render(t, cfg)
				if diff := cmp.Diff(real.Conflicts, p.Conflicts["merged"]); diff != "" && len(real.Conflicts)+len(p.Conflicts["merged"]) > 0 {
					t.Errorf("conflicts, Django's and ours:\n%s", diff)
				}
				if slices.Contains(strings.Fields(applied), "0002_both") || applied == "0001_initial 0002_left 0002_right" {
					cfg.Applied = nil // the default assumption
					if c := render(t, cfg).Conflicts["merged"]; len(c) > 0 {
						t.Errorf("all applied: conflicts %v", c)
					}
				}
			})
		}
	}
}

type loaded struct {
	Nodes, Conflicts []string
	Error            string
}

// loader is what Django's own loader makes of an app of a project.
func loader(t *testing.T, python, dir, app string, applied []string) loaded {
	t.Helper()
	ask, err := json.Marshal(map[string][]string{app: applied})
	if err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(t.TempDir(), "applied.json"), filepath.Join(t.TempDir(), "answer.json")
	if err := os.WriteFile(in, ask, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(filepath.Dir(dir), "loader.py"), dir, in, out)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	if talk, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("loader.py: %v\n%s", err, talk)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]loaded{}
	if err := json.Unmarshal(data, &found); err != nil {
		t.Fatal(err)
	}
	if found[app].Error != "" {
		t.Fatalf("Django does not load %s: %s", app, found[app].Error)
	}
	return found[app]
}
