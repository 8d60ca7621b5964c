package deploy_test

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// object is what the tests read of a manifest.
type object struct {
	Kind     string
	Metadata struct {
		Name        string
		Annotations map[string]string
	}
	Spec spec
	Data map[string]string
}

// spec is the specification of a Job, a CronJob or a Deployment.
type spec struct {
	Suspend                 bool
	JobTemplate             struct{ Spec *spec } `yaml:"jobTemplate"`
	Parallelism             int
	BackoffLimit            int    `yaml:"backoffLimit"`
	ActiveDeadlineSeconds   int    `yaml:"activeDeadlineSeconds"`
	TTLSecondsAfterFinished int    `yaml:"ttlSecondsAfterFinished"`
	PodReplacementPolicy    string `yaml:"podReplacementPolicy"`
	PodFailurePolicy        struct {
		Rules []failureRule
	} `yaml:"podFailurePolicy"`
	Template struct{ Spec podSpec }
}

type failureRule struct {
	Action      string
	OnExitCodes *struct {
		ContainerName, Operator string
		Values                  []int
	} `yaml:"onExitCodes"`
	OnPodConditions []struct{ Type, Status string } `yaml:"onPodConditions"`
}

type podSpec struct {
	RestartPolicy                 string `yaml:"restartPolicy"`
	TerminationGracePeriodSeconds int    `yaml:"terminationGracePeriodSeconds"`
	AutomountServiceAccountToken  *bool  `yaml:"automountServiceAccountToken"`
	SecurityContext               struct {
		RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
		RunAsUser      int                   `yaml:"runAsUser"`
		RunAsGroup     int                   `yaml:"runAsGroup"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Containers []container
	Volumes    []volume
}

type container struct {
	Image         string
	Command, Args []string
	Env           []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	Ports []struct {
		ContainerPort int `yaml:"containerPort"`
	}
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	Resources    struct{ Requests, Limits map[string]string }
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
	StartupProbe   probe `yaml:"startupProbe"`
	ReadinessProbe probe `yaml:"readinessProbe"`
	LivenessProbe  probe `yaml:"livenessProbe"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

type volume struct {
	Name     string
	EmptyDir *struct {
		SizeLimit string `yaml:"sizeLimit"`
	} `yaml:"emptyDir"`
	Secret *struct {
		SecretName string `yaml:"secretName"`
		Items      []keyPath
	}
	ConfigMap *struct {
		Name  string
		Items []keyPath
	} `yaml:"configMap"`
}

type keyPath struct{ Key, Path string }

// readObjects reads the manifests of a text.
func readObjects(t testing.TB, text string) (list []object) {
	t.Helper()
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		if o.Kind != "" {
			list = append(list, o)
		}
	}
}

// readObject reads the one manifest of a committed file.
func readObject(t testing.TB, path string) object {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list := readObjects(t, string(text))
	if len(list) != 1 {
		t.Fatalf("%s has %d objects", path, len(list))
	}
	return list[0]
}

// chooseAction is what Kubernetes does with a Job after a pod with this exit code: the action of the first rule that matches, else Count.
func (s *spec) chooseAction(exitCode int, disrupted bool) string {
	for _, r := range s.PodFailurePolicy.Rules {
		switch {
		case r.OnExitCodes != nil && r.OnExitCodes.Operator == "In" && slices.Contains(r.OnExitCodes.Values, exitCode):
			return r.Action
		case disrupted && len(r.OnPodConditions) == 1 && r.OnPodConditions[0].Type == "DisruptionTarget" && r.OnPodConditions[0].Status == "True":
			return r.Action
		}
	}
	return "Count"
}
