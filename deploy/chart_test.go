package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

const (
	chart = "charts/onward"
	// kubeVersion is the version for which Helm renders; it has no cluster to ask.
	kubeVersion = "1.34.0"
)

// kubeVersions are the versions of Kubernetes whose schemas the manifests must fit: the oldest that the chart takes, and the newest.
var kubeVersions = []string{"1.29", "1.37"}

// helmPath and validatePath are what scripts/setup.sh manifests installs.
func helmPath(t testing.TB) string { return toolPath(t, "helm-v3.18.6/helm") }

func validatePath(t testing.TB) string {
	return toolPath(t, "kubernetes-validate-1.37.0/bin/kubernetes-validate")
}

func toolPath(t testing.TB, path string) string {
	t.Helper()
	path = filepath.Join(pgservertest.ToolsDir(t), path)
	_, err := os.Stat(path)
	component.Need(t, component.Manifests, err)
	return path
}

// render returns the manifests of the chart, or what Helm has against the values.
func render(t testing.TB, release string, flags ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(helmPath(t), append([]string{"template", release, chart, "--kube-version", kubeVersion}, flags...)...)
	var wrong strings.Builder
	cmd.Stderr = &wrong
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, wrong.String())
	}
	return string(out), nil
}

// TestChartFolders holds that the plain manifests and those for Argo CD are what the chart makes of the values beside them.
func TestChartFolders(t *testing.T) {
	t.Parallel()
	for dir, parts := range map[string][]string{
		"kubernetes": {"preflight", "apply", "contract", "fleet-worker"},
		"argocd":     {"preflight", "apply", "contract"},
	} {
		for _, part := range parts {
			text, err := render(t, "onward", "-f", dir+"/values.yaml", "-s", "templates/"+part+".yaml")
			if err != nil {
				t.Fatal(err)
			}
			text = regexp.MustCompile(`(?m)^(---|# Source: .*)\n`).ReplaceAllString(text, "")
			golden.CompareFile(t, filepath.Join(dir, part+".yaml"), "# Made by make manifests from deploy/charts/onward and values.yaml.\n"+text)
		}
	}
}

// cases are values with which the chart is rendered, and the objects that it makes then.
var cases = map[string]struct {
	flags []string
	want  string
}{
	"default":  {nil, "Job db-onward-apply, Job db-onward-preflight"},
	"contract": {[]string{"--set=contract.release=v2.3"}, "CronJob db-onward-contract, Job db-onward-apply, Job db-onward-preflight"},
	"post-upgrade": {
		[]string{"--set=contract.release=v2.3,contract.mode=post-upgrade,preflight.enabled=false"}, "Job db-onward-apply, Job db-onward-contract",
	},
	"plan in values": {
		[]string{"--set-file=plan.text=testdata/plan.json", "--set=fullnameOverride=shop,preflight.enabled=false"}, "ConfigMap shop-plan, Job shop-apply",
	},
	"plan in a ConfigMap": {[]string{"--set=plan.configMap=release-plan,preflight.enabled=false"}, "Job db-onward-apply"},
	"mounted address": {
		[]string{"--set=database.mount=true,image.digest=sha256:" + strings.Repeat("ab", 32)}, "Job db-onward-apply, Job db-onward-preflight",
	},
	"workers alone": {
		[]string{"--set=fleetWorker.enabled=true,apply.enabled=false,preflight.enabled=false"}, "Deployment db-onward-fleet-worker",
	},
	"argocd": {
		[]string{"--set=hooks=argocd,contract.release=v2.3,plan.text=abc"},
		"ConfigMap db-onward-plan, CronJob db-onward-contract, Job db-onward-apply, Job db-onward-preflight",
	},
	"everything of a pod": {
		[]string{
			"--set=serviceAccountName=deploy,imagePullSecrets[0].name=pull,podLabels.team=shop,podAnnotations.note=yes,nodeSelector.pool=jobs",
			"--set=tolerations[0].key=jobs,tolerations[0].operator=Exists,apply.args={--role=app_owner,--replica=env:REPLICA},apply.within=1h",
			"--set-json=affinity={\"nodeAffinity\":{}}", "--set=fleetWorker.enabled=true,contract.release=v2.3,image.tag=v2.4",
		},
		"CronJob db-onward-contract, Deployment db-onward-fleet-worker, Job db-onward-apply, Job db-onward-preflight",
	},
}

// TestChart lints and renders the chart with several values, validates each manifest strictly against the schemas of several versions of Kubernetes, and
// holds what every pod must have.
func TestChart(t *testing.T) {
	t.Parallel()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lint := exec.Command(helmPath(t), append([]string{"lint", "--strict", "--quiet", "--kube-version", kubeVersion, chart}, c.flags...)...)
			if out, err := lint.CombinedOutput(); err != nil {
				t.Errorf("helm lint: %v: %s", err, out)
			}
			text, err := render(t, "db", c.flags...)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "all.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, version := range kubeVersions {
				out, err := exec.Command(validatePath(t), "--strict", "-k", version, file).CombinedOutput()
				if err != nil || strings.Count(string(out), " passed ") != strings.Count(c.want, ",")+1 {
					t.Errorf("Kubernetes %s: %v: %s", version, err, out)
				}
			}
			var names []string
			for _, o := range readObjects(t, text) {
				names = append(names, o.Kind+" "+o.Metadata.Name)
				checkObject(t, &o)
			}
			slices.Sort(names)
			if got := strings.Join(names, ", "); got != c.want {
				t.Errorf("objects: %s", got)
			}
		})
	}
}

// checkObject holds what each object of the chart must have.
func checkObject(t *testing.T, o *object) {
	t.Helper()
	job := &o.Spec
	switch o.Kind {
	case "ConfigMap":
		if o.Data["plan.json"] == "" {
			t.Error("the plan is empty")
		}
		return
	case "CronJob":
		job = o.Spec.JobTemplate.Spec
		if !o.Spec.Suspend {
			t.Errorf("%s begins by itself", o.Metadata.Name)
		}
	}
	pod := &job.Template.Spec
	if o.Kind != "Deployment" {
		// With another restartPolicy Kubernetes takes no podFailurePolicy.
		if pod.RestartPolicy != "Never" || job.PodReplacementPolicy != "Failed" || job.Parallelism != 1 {
			t.Errorf("%s: restartPolicy %s, podReplacementPolicy %s, parallelism %d", o.Metadata.Name, pod.RestartPolicy, job.PodReplacementPolicy, job.Parallelism)
		}
		if job.BackoffLimit < 1 || job.ActiveDeadlineSeconds < 1 || job.TTLSecondsAfterFinished < 1 {
			t.Errorf("%s has no limits", o.Metadata.Name)
		}
		want := map[int]string{1: "FailJob", 2: "FailJob", 3: "Count", 137: "Count"}
		for _, code := range slices.Sorted(maps.Keys(want)) {
			if got := job.chooseAction(code, false); got != want[code] {
				t.Errorf("%s after exit code %d: %s", o.Metadata.Name, code, got)
			}
		}
		if got := job.chooseAction(3, true); got != "Ignore" {
			t.Errorf("%s after an eviction: %s", o.Metadata.Name, got)
		}
	}
	security := &pod.SecurityContext
	if !security.RunAsNonRoot || security.RunAsUser != 65532 || security.SeccompProfile.Type != "RuntimeDefault" ||
		pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Errorf("the pod of %s is not restricted, or it mounts a service account token: %+v", o.Metadata.Name, security)
	}
	if len(pod.Containers) != 1 {
		t.Fatalf("%s has %d containers", o.Metadata.Name, len(pod.Containers))
	}
	box := &pod.Containers[0]
	if s := &box.SecurityContext; s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem ||
		!slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("the container of %s is not restricted: %+v", o.Metadata.Name, s)
	}
	if box.Resources.Requests["memory"] == "" || box.Resources.Limits["memory"] == "" {
		t.Errorf("%s: resources %v", o.Metadata.Name, box.Resources)
	}
	for _, e := range box.Env {
		if strings.HasSuffix(e.Name, "_URL") && (e.Value != "" || e.ValueFrom.SecretKeyRef.Name == "") {
			t.Errorf("%s: %s does not come from a Secret", o.Metadata.Name, e.Name)
		}
	}
	for _, m := range box.VolumeMounts {
		if !slices.ContainsFunc(pod.Volumes, func(v volume) bool { return v.Name == m.Name }) {
			t.Errorf("%s: no volume %s", o.Metadata.Name, m.Name)
		}
	}
}

// TestChartOrder holds the order around the new code: the plan, the preflight, the apply; the contract after it.
func TestChartOrder(t *testing.T) {
	t.Parallel()
	for hooks, key := range map[string]string{"helm": "helm.sh/hook-weight", "argocd": "argocd.argoproj.io/sync-wave"} {
		text, err := render(t, "onward", "--set=hooks="+hooks+",plan.text=abc,contract.release=v2.3")
		if err != nil {
			t.Fatal(err)
		}
		weight := map[string]int{}
		for _, o := range readObjects(t, text) {
			if o.Kind == "CronJob" && hooks == "helm" {
				if len(o.Metadata.Annotations) > 0 {
					t.Errorf("the contract is a hook: %v", o.Metadata.Annotations)
				}
				continue
			}
			n, err := strconv.Atoi(o.Metadata.Annotations[key])
			if err != nil {
				t.Errorf("with hooks=%s the %s of %s is no number: %v", hooks, key, o.Metadata.Name, err)
			}
			weight[strings.TrimPrefix(o.Metadata.Name, "onward-")] = n
			if hooks == "helm" && o.Metadata.Annotations["helm.sh/hook"] != "pre-install,pre-upgrade" {
				t.Errorf("%s is no pre-install,pre-upgrade hook: %v", o.Metadata.Name, o.Metadata.Annotations)
			}
		}
		if weight["plan"] >= weight["preflight"] || weight["preflight"] >= weight["apply"] || weight["apply"] >= 0 {
			t.Errorf("with hooks=%s the weights are %v, want plan < preflight < apply < 0", hooks, weight)
		}
		if hooks == "argocd" && (weight["apply"] != -1 || weight["contract"] != 1) {
			t.Errorf("with hooks=%s the weights are %v, want apply -1 and contract 1", hooks, weight)
		}
	}
}

// TestChartRefuses holds that values which nobody can mean are refused, with the reason.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{
		"--set=aply.within=1m":             "additional properties 'aply' not allowed",
		"--set=apply.through=expand":       "additional properties 'through' not allowed",
		"--set=apply.within=soon":          "does not match pattern",
		"--set=hooks=flux":                 "hooks",
		"--set=image.digest=latest":        "digest",
		"--set=contract.mode=post-upgrade": "contract.release is missing",
		"--set=contract.mode=post-upgrade,contract.release=v2.3,hooks=argocd": "by-hand",
		"--set=apply.args={app_owner}":                                        "does not match pattern",
		"--set=fleetWorker.port=80":                                           "minimum",
	} {
		if _, err := render(t, "onward", flag); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("helm template %s = %v, want an error with %q", flag, err, want)
		}
	}
}
