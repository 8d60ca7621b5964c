package first

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Actions that others write, and the bases of images, are named by digest: in the project's own pipelines and in those that init writes.
func TestPinnedDigests(t *testing.T) {
	t.Parallel()
	const root = "../.."
	texts := map[string]string{}
	for _, pattern := range []string{".github/workflows/*.yml", "action.yml", "ci/*/action.yml", "Dockerfile"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("list the files of %s: %v, %v, want some", pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
	}
	withPython := &Found{Base: "origin/main", python: python{dir: "app"}}
	for _, f := range append(withPython.Pipeline(GitHub, "v1.2.3"), (&Found{}).Pipeline(GitHub, "")...) {
		texts["init: "+f.Path] += f.Text
	}
	action := regexp.MustCompile(`(?m)^ *(?:- )?uses: (\S+?)@(.*)$`)
	pinned := regexp.MustCompile(`^[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	base := regexp.MustCompile(`(?m)^FROM (\S+)`)
	count := 0
	for file, text := range texts {
		for _, m := range action.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(m[1], "onward-sql/onward") {
				continue
			}
			if count++; !pinned.MatchString(m[2]) {
				t.Errorf("%s: %s@%s has no digest with its version", file, m[1], m[2])
			}
		}
		if filepath.Base(file) != "Dockerfile" {
			continue
		}
		for _, m := range base.FindAllStringSubmatch(text, -1) {
			isStage := m[1] == "scratch" || strings.Contains(text, " AS "+m[1]+"\n")
			if count++; !isStage && !strings.Contains(m[1], "@sha256:") {
				t.Errorf("%s: %s has no digest", file, m[1])
			}
		}
	}
	if count < 20 {
		t.Errorf("%d names were found", count)
	}
}

// An image of GitLab's pipelines has no digest. Each is a variable, or has its way to a digest beside it.
func TestPinnedImages(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../../ci/onward.gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(template)
	for _, f := range (&Found{Base: "origin/main", python: python{dir: "app"}}).Pipeline(GitLab, "v1.2.3") {
		text += f.Text
	}
	count := 0
	for _, m := range regexp.MustCompile(`(?m)^ *(?:image|name): (\S+)(.*)$`).FindAllStringSubmatch(text, -1) {
		variable, ok := strings.CutPrefix(m[1], "$")
		switch count++; {
		case ok && !strings.Contains(text, "\n  "+variable+": "):
			t.Errorf("%s has no default", m[1])
		case !ok && !strings.Contains(m[2], m[1]+"@sha256:"):
			t.Errorf("%s: nothing says how it is pinned", m[1])
		}
	}
	if count != 3 {
		t.Errorf("%d images were found", count)
	}
}
