package deploy_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// readBlocks returns the fenced blocks of a page, each with the line before it.
func readBlocks(t testing.TB, page string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?m)^(.*)\n\n?```(\\w+)\n((?s:.*?))^```$").FindAllStringSubmatch(string(text), -1)
}

// findBlock returns the block whose line before it contains a text.
func findBlock(t testing.TB, page, before string) string {
	t.Helper()
	for _, b := range readBlocks(t, page) {
		if strings.Contains(b[1], before) {
			return b[3]
		}
	}
	t.Fatalf("docs/%s has no block after a line with %q", page, before)
	return ""
}

// imageCommand is the last command of the Dockerfile of docs/kubernetes.md.
func imageCommand(t testing.TB) string {
	t.Helper()
	_, command, ok := strings.Cut(findBlock(t, "kubernetes.md", "`onward.Dockerfile`"), "\nRUN ")
	if !ok {
		t.Fatal("the Dockerfile on the page runs nothing")
	}
	return strings.TrimSpace(command)
}

// TestPagesChart makes the chart of docs/kubernetes.md, with onward as a dependency, and renders it.
func TestPagesChart(t *testing.T) {
	t.Parallel()
	helm, root := helmPath(t), t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "onward/deploy/charts"), os.DirFS("charts")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: shop\nversion: 1.0.0\n" + findBlock(t, "kubernetes.md", "`Chart.yaml`"),
		"values.yaml": findBlock(t, "kubernetes.md", "`values.yaml`"),
	} {
		path := filepath.Join(root, "app", name)
		if err := os.MkdirAll(filepath.Join(root, "app/templates"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"dependency", "update", "."}, {"lint", "--strict", "--kube-version", kubeVersion, "."}} {
		cmd := exec.Command(helm, args...)
		cmd.Dir = filepath.Join(root, "app")
		cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+root, "HELM_CONFIG_HOME="+root, "HELM_DATA_HOME="+root)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("helm %v: %v %s", args, err, out)
		}
	}
	cmd := exec.Command(helm, "template", "shop", ".", "--kube-version", kubeVersion)
	cmd.Dir = filepath.Join(root, "app")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range readObjects(t, string(out)) {
		checkObject(t, &o)
		if !strings.Contains(string(page), o.Metadata.Name) {
			t.Errorf("the page does not name %s", o.Metadata.Name)
		}
	}
}

// TestPagesValues renders the chart with the values on the pages of Argo CD and Flux.
func TestPagesValues(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"argocd.md", "flux.md"} {
		found := false
		for _, b := range readBlocks(t, page) {
			var o struct {
				Kind string
				Spec struct {
					Values  struct{ Onward map[string]any }
					Sources []struct {
						Path string
						Helm struct {
							ValuesObject map[string]any `yaml:"valuesObject"`
						}
					}
				}
			}
			if b[2] != "yaml" {
				continue
			}
			if err := yaml.Unmarshal([]byte(b[3]), &o); err != nil {
				t.Errorf("%s has a YAML block that does not decode: %v", page, err)
			}
			values := o.Spec.Values.Onward
			for _, s := range o.Spec.Sources {
				if s.Helm.ValuesObject != nil {
					if _, err := os.Stat("../" + s.Path + "/Chart.yaml"); err != nil {
						t.Errorf("%s names a chart that does not exist: %v", page, err)
					}
					values = s.Helm.ValuesObject
				}
			}
			if values == nil {
				continue
			}
			found = true
			text, err := yaml.Marshal(values)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "values.yaml")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			rendered, err := render(t, "shop", "-f", file)
			if err != nil || len(readObjects(t, rendered)) != 3 {
				t.Errorf("the chart with the values of %s: %v, want 3 objects: %s", page, err, rendered)
			}
		}
		if !found {
			t.Errorf("docs/%s has no values", page)
		}
	}
}

// TestPagesWorkflow holds that actionlint accepts the workflows of docs/deploy-pipelines.md.
func TestPagesWorkflow(t *testing.T) {
	t.Parallel()
	paths, _ := filepath.Glob(filepath.Join(pgservertest.ToolsDir(t), "actionlint-*/actionlint"))
	if len(paths) == 0 {
		component.NeedSetup(t, os.ErrNotExist)
	}
	for _, name := range []string{"deploy.yml", "contract.yml"} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(findBlock(t, "deploy-pipelines.md", ".github/workflows/"+name)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(paths[len(paths)-1], "-no-color", file).CombinedOutput(); err != nil {
			t.Errorf("actionlint of %s: %v: %s", name, err, out)
		}
	}
}

// TestPagesDatabaseJob runs the commands of the database jobs of docs/deploy-pipelines.md in a checkout of the release, whose branch is the deployed
// one. The preflight must judge against the tag: against the branch itself it takes the release's own changes for drift.
func TestPagesDatabaseJob(t *testing.T) {
	t.Parallel()
	dir, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for _, before := range []string{".github/workflows/deploy.yml", "## GitLab environments"} {
		var commands []string
		for _, m := range regexp.MustCompile(`(?m)^ *- (?:run: )?(onward .*)$`).FindAllStringSubmatch(findBlock(t, "deploy-pipelines.md", before), -1) {
			if !strings.HasPrefix(m[1], "onward contract") {
				commands = append(commands, m[1])
			}
		}
		if len(commands) != 3 {
			t.Fatalf("the block after %q has the onward commands %q, want 3", before, commands)
		}
		checkout := filepath.Join(t.TempDir(), "shop")
		script := "git clone -q " + dir + " " + checkout + " && cd " + checkout +
			" && git tag deployed origin/v2.3 && git checkout -qB main origin/v2.4 && git push -q origin main"
		if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
			t.Fatalf("clone the shop: %v %s", err, out)
		}
		s := newShop(t, pgservertest.Ends()[1])
		for _, command := range commands {
			cmd := exec.Command("sh", "-ec", command)
			cmd.Dir = checkout
			cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(buildOnward(t))+":"+os.Getenv("PATH"), "DATABASE_URL="+s.readSecret("onward-database", "url"))
			if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "schema-drift") {
				t.Errorf("%s: %v, want success without schema-drift: %s", command, err, out)
			}
		}
		s.checkOnce()
	}
}

// TestPagesKustomizations holds that the Kustomizations of docs/flux.md name a namespace, wait for one another in order, and that each file that
// the page copies has objects only.
func TestPagesKustomizations(t *testing.T) {
	t.Parallel()
	decoder := yaml.NewDecoder(strings.NewReader(findBlock(t, "flux.md", "each waits for the one before it")))
	before := ""
	for {
		var o struct {
			Metadata struct{ Name string }
			Spec     struct {
				TargetNamespace string                  `yaml:"targetNamespace"`
				DependsOn       []struct{ Name string } `yaml:"dependsOn"`
			}
		}
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if before != "" && (len(o.Spec.DependsOn) != 1 || o.Spec.DependsOn[0].Name != before) || o.Spec.TargetNamespace == "" {
			t.Errorf("%s depends on %v, in the namespace %q", o.Metadata.Name, o.Spec.DependsOn, o.Spec.TargetNamespace)
		}
		before = o.Metadata.Name
	}
	if before != "shop" {
		t.Errorf("the last one is %q", before)
	}
	page, err := os.ReadFile("../docs/flux.md")
	if err != nil {
		t.Fatal(err)
	}
	_, copied, _ := strings.Cut(string(page), "is no chart, copy ")
	copied, _, _ = strings.Cut(copied, " into directories")
	names := regexp.MustCompile("`(\\w+\\.yaml)`").FindAllStringSubmatch(copied, -1)
	if len(names) != 3 {
		t.Errorf("the page copies %v", names)
	}
	for _, name := range names {
		if kind := readObject(t, "kubernetes/"+name[1]).Kind; kind != "Job" && kind != "CronJob" {
			t.Errorf("%s is a %q", name[1], kind)
		}
	}
}
