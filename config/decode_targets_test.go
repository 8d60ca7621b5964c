package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
)

func TestDecodeTargets(t *testing.T) {
	t.Parallel()
	got, err := config.DecodeTargets([]byte(`# two databases
targets:
  - address: env:EU_1_URL
    name: eu-1
    labels: {region: eu, canary: true, rank: 2}
  - address: postgres://app@db2/shop
    password: file:/run/secrets/eu-2
    schemas: ["tenant_*", "!*_test"]
`), "targets.yaml")
	want := []config.TargetEntry{
		{Line: 3, Address: "env:EU_1_URL", Name: "eu-1", Labels: map[string]string{"region": "eu", "canary": "true", "rank": "2"}},
		{
			Line: 6, Address: "postgres://app@db2/shop", Password: "file:/run/secrets/eu-2", Schemas: []string{"tenant_*", "!*_test"},
			Labels: map[string]string{},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("DecodeTargets: %v, the targets (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"targets:\n  - name: a":                         "t.yaml:2:5: address is missing",
		"targets:\n  - address: env:A\n    nam: b":      "t.yaml:3:5: unknown key nam in a target: did you mean name?",
		"targets:\n  - env:A":                           "t.yaml:2:5: a target needs keys with values, not a text",
		"- address: env:A":                              "a file of targets needs keys with values, not a list",
		"targets:\n  postgres://u:hunter2@h/d: x":       "a list is needed, not keys with values",
		"targets:\n  - postgres://u:hunter2@h/d: x":     "unknown key postgres://u:xxxxx@h/d in a target",
		"targets:\n  - address: env:A\n    labels: [a]": "labels needs keys with values, not a list",
		"targets: [":               "t.yaml:1:",
		strings.Repeat("x", 9<<20): "t.yaml: the file is larger than 8388608 bytes",
	} {
		_, err := config.DecodeTargets([]byte(text), "t.yaml")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("DecodeTargets(%.60q) = %v, want an error with %q and no password", text, err, want)
		}
	}
}

// A list of many targets is read in time that grows with its length.
func TestManyTargets(t *testing.T) {
	t.Parallel()
	const count = 5000
	start := time.Now()
	text := "targets:\n" + strings.Repeat("  - address: env:EU_1_URL\n    name: eu-1\n    labels: {region: eu}\n", count)
	got, err := config.DecodeTargets([]byte(text), "t.yaml")
	if err != nil || len(got) != count {
		t.Errorf("DecodeTargets returned %d targets, %v, want %d", len(got), err, count)
	}
	t.Logf("%d targets in %s", len(got), time.Since(start))
}
